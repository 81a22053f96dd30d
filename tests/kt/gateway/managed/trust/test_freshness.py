"""The age of a policy by the confirmations of the control plane."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kt.gateway.managed.identity import Identity
from kt.gateway.managed.keys.store import KeyStore
from kt.gateway.managed.state import Kept, State
from kt.gateway.managed.statement import Signed, render, verify
from kt.gateway.managed.stored import Stored
from kt.gateway.managed.trust.freshness import COPIES, Freshness
from tests.kt.gateway.managed.trust.signing import confirmed
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed, vouched
from tests.kt.gateway.support import pack

KEY, NEWER = new_key(), new_key()
CONTENT = pack().encode()
AGE = 600.0
Open = Callable[..., Freshness]


def kept(seq: int) -> Kept:
    """A policy in force."""
    one = signed(KEY, CONTENT, publish_seq=seq)
    return Kept(one, verify(one, pin=pin(KEY), gateway=GATEWAY), CONTENT)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Start a gateway on a folder, as often as wanted; each takes it from the one before."""
    states: list[State] = []

    def start(*, max_age: float = AGE, has_policy: bool = True) -> Freshness:
        for state in states:
            state.close()
        states[:] = [State(str(tmp_path / "state"))]
        given = Identity("ktg_token", pin(KEY))
        stored = Stored(states[0], name="", gateway=GATEWAY, given=given)
        if has_policy:
            if not os.path.exists(states[0].path("policy")):
                states[0].keep(kept(7))
            stored.read()
        return Freshness(stored, KeyStore(stored), max_age_seconds=max_age)

    yield start
    for state in states:
        state.close()


def offer(one: Freshness, confirmation: Signed) -> str | None:
    """Hear a confirmation; the code of its refusal."""
    problem = one.offer(render(confirmation))
    one.save()
    return problem and problem.code


@pytest.mark.parametrize(
    ("ago", "fields", "is_over"),
    [
        (10, {}, False),
        (AGE - 10, {}, False),
        (AGE + 10, {}, True),
        (-3600, {}, False),
        (10, {"publish_seq": 8}, True),
        (10, {"keys_seq": 1}, True),
        (10, {"publish_seq": 6}, False),
        (10, {"publish_seq": 0}, False),
    ],
)
def test_a_policy_is_enforced_as_long_as_it_is_confirmed(
    opened: Open, ago: float, fields: dict[str, int], is_over: bool
) -> None:
    """By a time that is near enough, and as the newest; also after a start."""
    one = opened()
    assert offer(one, confirmed(KEY, time.time() - ago, **fields)) is None

    assert one.is_over is is_over
    assert opened().is_over is is_over
    assert not opened(max_age=0).is_over


def test_without_a_confirmation_nothing_is_enforced(opened: Open) -> None:
    """Be there a policy or not; why, a person is told."""
    for has_policy in (False, True):
        problem = opened(has_policy=has_policy).problem()
        assert problem is not None
        assert problem.code == "policy_expired"
        assert "was never confirmed" in problem.message


def test_the_age_is_that_of_the_newest_confirmation(opened: Open) -> None:
    """One that was held back, and comes late, makes nothing younger or older."""
    one, now = opened(), time.time()
    for ago in (300, 100, 500):
        offer(one, confirmed(KEY, now - ago))

    assert one.confirmed_at == int(now - 100)


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (confirmed(new_key(), time.time()), "key_not_pinned"),
        (confirmed(KEY, time.time() + 3 * 86_400), "statement_ahead"),
        (confirmed(KEY, 2**200), "statement_ahead"),
        (confirmed(KEY, time.time(), gateway="edge-2"), "statement_foreign"),
    ],
)
def test_what_is_not_the_control_planes_confirms_nothing(
    opened: Open, one: Signed, code: str
) -> None:
    """Nor what somebody says who holds a key and would make the policy young for ever."""
    freshness = opened()
    assert offer(freshness, one) == code
    assert freshness.is_over


def test_what_is_no_confirmation_is_refused(opened: Open) -> None:
    """Whatever it is."""
    for rubbish in ("", [], {}, {"chain": []}, 7):
        problem = opened().offer(rubbish)
        assert problem is not None
        assert problem.code == "statement_forged"


def test_a_newer_key_is_stored_at_once(opened: Open, tmp_path: Path) -> None:
    """So that the one before it signs nothing after a start either, in each of two copies."""
    now = time.time()
    one = opened()
    offer(one, confirmed(KEY, now))
    offer(one, confirmed(NEWER, now, chain=(vouched(KEY, NEWER),)))

    for name in COPIES:
        path = tmp_path / "state" / name
        data = path.read_bytes()
        path.write_bytes(b"edited")
        again = opened()
        path.write_bytes(data)
        assert offer(again, confirmed(KEY, now + 1)) == "key_retired"


def test_disks_are_spared(opened: Open, tmp_path: Path) -> None:
    """A fleet confirms every few seconds; once a minute it is written."""
    now, one, stamps = time.time(), opened(), set()
    for second in range(0, 121, 3):
        offer(one, confirmed(KEY, now - 200 + second))
        stamps.add((tmp_path / "state" / COPIES[0]).stat().st_mtime_ns)

    assert len(stamps) <= 3


def test_another_process_of_the_gateway_hears_by_the_folder(opened: Open, tmp_path: Path) -> None:
    """It looks when its own is too old, at most once a second."""
    one = opened()
    offer(one, confirmed(KEY, time.time() - AGE - 5))
    assert one.is_over
    other = Freshness(one._stored, one._keys, max_age_seconds=AGE)
    offer(one, confirmed(KEY, time.time()))

    other._looked_at -= 2
    assert not other.is_over


def test_a_folder_that_was_put_back_grows_old(opened: Open, tmp_path: Path) -> None:
    """Whole, and genuine: no file tells, but nobody confirms it any more."""
    offer(opened(), confirmed(KEY, time.time() - AGE - 1))
    shutil.copytree(tmp_path / "state", tmp_path / "old")
    one = opened()
    one._stored.state.keep(kept(8))
    offer(one, confirmed(KEY, time.time(), publish_seq=8))
    shutil.copytree(tmp_path / "old", tmp_path / "state", dirs_exist_ok=True)

    assert opened().is_over
