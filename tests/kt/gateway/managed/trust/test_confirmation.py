"""Verification of confirmations by a managed gateway."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kt.gateway.managed.statement import STATEMENT, Signed, StatementError
from kt.gateway.managed.trust.confirmation import (
    Confirmation,
    Newest,
    genuine_confirmation,
    verify_newest,
)
from tests.kt.gateway.managed.trust.signing import confirmed
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed, vouched

KEY, NEWER, OTHER = new_key(), new_key(), new_key()


def code_of(one: Signed) -> str:
    """Why it is refused; "" when it is believed."""
    try:
        verify_newest(one, pin=pin(KEY), gateway=GATEWAY)
    except StatementError as exc:
        return exc.code
    return ""


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (confirmed(KEY, 9), ""),
        (confirmed(NEWER, 9, chain=(vouched(KEY, NEWER),)), ""),
        (confirmed(OTHER, 9), "key_not_pinned"),
        (replace(confirmed(KEY, 9), signature=bytes(64)), "statement_forged"),
        (confirmed(KEY, 9, gateway="edge-2"), "statement_foreign"),
        (confirmed(KEY, 9, more=1), "statement_forged"),
        (confirmed(KEY, 9, publish_seq=True), "statement_forged"),
        # What is signed about a policy confirms nothing.
        (confirmed(KEY, 9, label=STATEMENT), "statement_forged"),
        (signed(KEY, b""), "statement_forged"),
    ],
)
def test_a_confirmation_is_believed_or_refused(one: Signed, code: str) -> None:
    """By its signature, its signer and its gateway."""
    assert code_of(one) == code


@pytest.mark.parametrize(
    ("runs", "covers"),
    [((7, 3), True), ((8, 3), True), ((7, 4), True), ((6, 3), False), ((7, 2), False)],
)
def test_what_runs_is_confirmed_when_it_is_the_newest(runs: tuple[int, int], covers: bool) -> None:
    """Policy and client keys; or newer, as after a push that came meanwhile."""
    newest = Newest(GATEWAY, 9, keys_seq=3, publish_seq=7)
    assert Confirmation(confirmed(KEY, 9), newest).covers(*runs) is covers


def test_a_stored_one_is_verified_as_one_that_just_came() -> None:
    """Byte for byte."""
    one = confirmed(KEY, 9)
    kept = Confirmation(one, verify_newest(one, pin=pin(KEY), gateway=GATEWAY))

    assert genuine_confirmation(kept.file(), pin=pin(KEY), gateway=GATEWAY) == kept
    assert genuine_confirmation(kept.file() + b" ", pin=pin(KEY), gateway=GATEWAY) is None
    assert genuine_confirmation(kept.file(), pin=pin(OTHER), gateway=GATEWAY) is None
    assert genuine_confirmation(b"", pin=pin(KEY), gateway=GATEWAY) is None
