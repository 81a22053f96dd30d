"""The signing keys that a gateway trusts, one after the other."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt.gateway.managed import identity
from kt.gateway.managed.identity import Trust
from kt.gateway.managed.statement import MOST_LINKS, Signed, StatementError, parse, render, verify
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed, vouched

CONTENT = b"a policy"
KEYS = [new_key() for _ in range(5)]
LINKS = tuple(vouched(older, newer) for older, newer in pairwise(KEYS))
EVIL = new_key()


def by(number: int, *, seq: int = 7) -> Signed:
    """What a control plane says that has rotated so often."""
    return signed(KEYS[number], CONTENT, chain=LINKS[:number], publish_seq=seq)


def code_of(trust: Trust, one: Signed) -> str:
    """Why it is refused; "" when it is believed."""
    try:
        trust.believe(verify, one, GATEWAY)
    except StatementError as exc:
        return exc.code
    return ""


# Each stands for a way in which somebody with the first key would go on after it was replaced.
STOLEN = {
    "without a chain": signed(KEYS[0], CONTENT, publish_seq=200),
    "with the real chain": signed(KEYS[0], CONTENT, chain=LINKS[:1], publish_seq=201),
    "by a key that it vouches for": signed(
        EVIL, CONTENT, chain=(vouched(KEYS[0], EVIL),), publish_seq=202
    ),
    "by that behind the real chain": signed(
        EVIL, CONTENT, chain=(*LINKS[:1], vouched(KEYS[0], EVIL)), publish_seq=203
    ),
    "by that before the real chain": signed(
        EVIL, CONTENT, chain=(vouched(KEYS[0], EVIL), *LINKS[:1]), publish_seq=204
    ),
    "with the newest key vouched back": signed(
        KEYS[0], CONTENT, chain=(*LINKS[:1], vouched(KEYS[0], KEYS[0])), publish_seq=205
    ),
}


@pytest.mark.parametrize("how", STOLEN)
def test_a_key_that_was_replaced_signs_nothing(how: str) -> None:
    """Once the next one was seen; what that one signs goes on."""
    trust = Trust(pin(KEYS[0]))
    assert code_of(trust, by(0)) == ""
    assert code_of(trust, by(1)) == ""

    assert code_of(trust, STOLEN[how]) in ("key_retired", "key_not_pinned")
    assert trust.newest == pin(KEYS[1])
    assert code_of(trust, by(1, seq=8)) == ""


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(0, 4))
def test_trust_never_goes_back(order: list[int], first: int) -> None:
    """In whichever order statements of one control plane come, and whichever key is pinned."""
    trust, reached = Trust(pin(KEYS[first])), first
    for number in order:
        assert code_of(trust, by(number)) == (
            "" if number >= reached else "key_retired" if number >= first else "key_not_pinned"
        )
        reached = max(reached, number)
        assert trust.newest == pin(KEYS[reached])


@given(st.permutations(range(4)))
def test_a_chain_is_followed_in_order(order: list[int]) -> None:
    """Its links shuffled are no chain."""
    shuffled = signed(KEYS[4], CONTENT, chain=tuple(LINKS[at] for at in order))
    assert (code_of(Trust(pin(KEYS[0])), shuffled) == "") == (order == sorted(order))


def test_a_refused_statement_moves_no_trust() -> None:
    """A link alone proves nothing: its key must sign for this gateway."""
    trust = Trust(pin(KEYS[0]))
    foreign = signed(KEYS[1], CONTENT, chain=LINKS[:1], gateway="edge-2")

    assert code_of(trust, foreign) == "statement_foreign"
    assert trust.newest == pin(KEYS[0])


def test_what_a_new_key_overtook_is_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """For some seconds, in which a process of the control plane may not know of it."""
    now = time.monotonic()
    monkeypatch.setattr(identity.time, "monotonic", lambda: now)
    trust = Trust(pin(KEYS[0]))
    retired = StatementError("key_retired", "")
    before = trust.is_overtaken(retired)
    code_of(trust, by(1))

    assert (before, trust.is_overtaken(retired)) == (False, True)
    assert not trust.is_overtaken(StatementError("key_not_pinned", ""))
    now += 6
    assert not trust.is_overtaken(retired)


def test_a_long_chain_costs_nothing_much() -> None:
    """It is refused before a signature is looked at; nor are links verified that are history."""
    shown = render(by(1))
    endless = {**shown, "chain": shown["chain"] * 5000}
    began = time.process_time()
    with pytest.raises(StatementError, match=f"more than {MOST_LINKS} links"):
        parse(endless)
    assert time.process_time() - began < 0.05
