"""Verification of lists of client keys by a managed gateway."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kt.gateway.managed.keys.proof import (
    KeysStatement,
    check_keys_order,
    check_list,
    genuine_keys,
    verify_keys,
)
from kt.gateway.managed.statement import STATEMENT, Signed, StatementError
from tests.kt.gateway.managed.keys.signing import kept_keys, key_list, signed_keys
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed, vouched

KEY, NEWER, OTHER = new_key(), new_key(), new_key()
LIST = key_list("team")


def code_of(one: Signed, content: bytes = LIST) -> str:
    """Why a list is refused; "" when it is taken."""
    try:
        check_list(verify_keys(one, pin=pin(KEY), gateway=GATEWAY), content)
    except StatementError as exc:
        return exc.code
    return ""


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (signed_keys(KEY, LIST), ""),
        (signed_keys(NEWER, LIST, chain=(vouched(KEY, NEWER),)), ""),
        (signed_keys(OTHER, LIST), "key_not_pinned"),
        (replace(signed_keys(KEY, LIST), signature=bytes(64)), "statement_forged"),
        (replace(signed_keys(KEY, LIST), key=OTHER.public_key().public_bytes_raw()),
         "statement_forged"),
        (signed_keys(KEY, LIST, gateway="edge-2"), "statement_foreign"),
        (signed_keys(KEY, key_list("other")), "content_mismatch"),
        (signed_keys(KEY, LIST, more=1), "statement_forged"),
        (signed_keys(KEY, LIST, seq=True), "statement_forged"),
        # What is signed about a policy is nothing about keys, though the fields would fit.
        (signed_keys(KEY, LIST, label=STATEMENT), "statement_forged"),
        (signed(KEY, LIST), "statement_forged"),
    ],
)  # fmt: skip
def test_a_list_is_believed_or_refused(one: Signed, code: str) -> None:
    """By its signature, its signer, its gateway and its bytes."""
    assert code_of(one) == code


@pytest.mark.parametrize(
    ("seq", "content_hash", "passes"),
    [(8, "b", True), (7, "a", True), (7, "b", False), (6, "a", False)],
)
def test_an_older_list_brings_no_revoked_key_back(
    seq: int, content_hash: str, passes: bool
) -> None:
    """Nor does another one with the same sequence."""
    newest = KeysStatement("a", GATEWAY, 7)
    offered = KeysStatement(content_hash, GATEWAY, seq)

    if passes:
        check_keys_order(offered, newest)
    else:
        with pytest.raises(StatementError, match=f"keys_seq {seq}, after 7") as caught:
            check_keys_order(offered, newest)
        assert caught.value.code == "statement_older"


def test_what_was_stored_is_verified_as_what_just_came() -> None:
    """Byte for byte."""
    kept = kept_keys(KEY, LIST)
    data = kept.file()

    assert genuine_keys(data, pin=pin(KEY), gateway=GATEWAY) == kept
    assert genuine_keys(data + b" ", pin=pin(KEY), gateway=GATEWAY) is None
    assert genuine_keys(data, pin=pin(OTHER), gateway=GATEWAY) is None
    assert genuine_keys(b"", pin=pin(KEY), gateway=GATEWAY) is None
