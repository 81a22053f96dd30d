"""Keyed requests to a web that is killed again and again: each is made once."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.support.stack import Stack, title, wait_for

_TRUST = {
    "issuer": "https://token.actions.githubusercontent.com", "repository_id": "1",
    "audience": "https://kt.example", "ref": "refs/heads/main",
}  # fmt: skip


def web(stack: Stack) -> int | None:
    """The process of the API; None between two."""
    lines = stack.children().items()
    return next((pid for pid, line in lines if line == title("web")), None)


def answered(stack: Stack, path: str, body: dict[str, Any]) -> tuple[int, int, Any]:
    """Send a request until it is answered for good; status, sendings and the answer."""
    sent = 0
    while True:
        sent += 1
        try:
            reply = stack.request("POST", path, body, Idempotency_Key=str(body["name"]))
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
            continue
        again = reply.status in (429, 503) or (
            reply.status == 409 and reply.json["error"]["code"] == "idempotency_key_in_use"
        )
        if not again:
            return reply.status, sent, reply.json
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("kills", "senders"), [(2, 4), pytest.param(100, 4, marks=pytest.mark.soak)]
)
def test_a_keyed_request_is_made_once(
    shared_embedded_stack: Stack, kills: int, senders: int
) -> None:
    """Repeated until it is answered, whatever its web died of: one row and one entry of the log.

    Of tokens the secret of an answer that was lost is not shown again; trusts are shown as they
    were.
    """
    stack, run = shared_embedded_stack, uuid4().hex[:8]
    made: dict[str, list[tuple[int, int, Any]]] = {"tokens": [], "trusts": []}
    ended = threading.Event()

    def send(at: int) -> None:
        number = 0
        while not ended.is_set():
            kind = "tokens" if number % 2 else "trusts"
            body = {"name": f"{run}-{kind}-{at}-{number}", **(_TRUST if kind == "trusts" else {})}
            made[kind].append(answered(stack, f"/v1/{kind}", body))
            number += 1

    threads = [threading.Thread(target=send, args=(at,)) for at in range(senders)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(kills):
            count = sum(map(len, made.values()))
            wait_for(lambda count=count: sum(map(len, made.values())) >= count + 10)
            os.kill(wait_for(lambda: web(stack)), signal.SIGKILL)
        ended.set()
        for thread in threads:
            thread.join(300)
        wait_for(stack.is_healthy)
        for kind, answers in made.items():
            rows = stack.get(f"/v1/{kind}")
            names = Counter(row["name"] for row in rows if row["name"].startswith(run))
            assert set(names.values()) == {1}
            assert len(names) == len(answers)
            entries = _entries(stack, f"{kind[:-1]}.created", run)
            assert len(entries) == len(set(entries)) == len(names)
        assert {status for status, _, _ in made["trusts"]} == {201}
        lost = [error for status, _, error in made["tokens"] if status != 201]
        assert {one["error"]["code"] for one in lost} <= {"already_done"}
        repeated = [sent for answers in made.values() for _, sent, _ in answers if sent > 1]
        assert repeated
        print(f"{sum(map(len, made.values()))} made, {len(repeated)} repeated, {len(lost)} lost")
    finally:
        ended.set()


def _entries(stack: Stack, action: str, run: str) -> list[str]:
    """What the audit log has of an action: the names of a run, by `after`."""
    found, cursor = [], ""
    while True:
        reply = stack.request("GET", f"/v1/audit-log?action={action}&limit=1000{cursor}")
        found += [row["after"]["name"] for row in reply.data]
        if (following := reply.json["next_cursor"]) is None:
            return [name for name in found if name.startswith(run)]
        cursor = f"&cursor={following}"
