"""Costly requests of one token, beside those of another, in a whole control plane."""

import threading
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import pytest

from tests.support.costly import POLICIES
from tests.support.repo import policy
from tests.support.stack import Stack

pytestmark = pytest.mark.soak

SMALL = {"content": policy()}
OTHERS: Mapping[str, tuple[Any, ...]] = {
    "whoami": ("GET", "/v1/whoami"),
    "a list": ("GET", "/v1/configurations"),
    "readiness": ("GET", "/readyz"),
    "a check": ("POST", "/v1/configurations/validate", SMALL),
    "a comparison": ("GET", "/v1/configurations/small/diff"),
}
_COSTLIEST = ("as many terms as fit", "long terms", "fuzzy terms", "targets times terms")


def took(stack: Stack, token: str) -> dict[str, float]:
    """Milliseconds of each of the other requests: of three medians of ten, the lowest."""
    return {
        name: min(median(_milliseconds(stack, call, token) for _ in range(10)) for _ in range(3))
        for name, call in OTHERS.items()
    }


def _milliseconds(stack: Stack, call: tuple[Any, ...], token: str) -> float:
    began = time.perf_counter()
    assert stack.request(*call, token=token).status == 200, call
    return (time.perf_counter() - began) * 1000


def test_the_sixteen_worst_requests_of_a_token_make_others_twice_as_slow_at_most(
    embedded_stack: Stack,
) -> None:
    """Sixteen at a time, again and again; their own are answered or told to come again."""
    stack = embedded_stack.start()
    other = stack.request("POST", "/v1/tokens", {"name": "other"}).data["token"]
    made = stack.request("POST", "/v1/configurations", {"id": "small", **SMALL}, token=other)
    assert made.status == 201
    took(stack, other)  # Whatever is slow at first.
    alone = took(stack, other)
    statuses: set[int] = set()
    ended = threading.Event()

    def ask(number: int) -> None:
        body = {"content": POLICIES[_COSTLIEST[number % 4]].decode()}
        while not ended.is_set():
            reply = stack.request("POST", "/v1/configurations/validate", body)
            statuses.add(reply.status)
            ended.wait(0 if reply.status == 200 else 1)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    beside = took(stack, other)
    ended.set()
    for thread in threads:
        thread.join()

    # The machine may be busier at one time than at the other.
    again = took(stack, other)
    alone = {name: max(alone[name], again[name]) for name in OTHERS}

    assert statuses <= {200, 429}
    ratios = {name: round(beside[name] / alone[name], 2) for name in OTHERS}
    assert {name: ratio for name, ratio in ratios.items() if ratio > 2} == {}, (alone, beside)
