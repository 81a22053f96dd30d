"""Verification of statements by a managed gateway."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kt.gateway.managed.statement import (
    STATEMENT,
    KeyLink,
    Signed,
    StatementError,
    check_content,
    check_order,
    decode,
    encode,
    parse,
    render,
    verify,
)
from tests.kt.gateway.signing import GATEWAY, fields, new_key, pin, raw, signed, vouched

CONTENT = b"pack: {name: Test, version: 1.0.0, enabled: true}\npolicies: {chain: []}\n"
FIRST, SECOND, THIRD, OTHER = new_key(), new_key(), new_key(), new_key()
ROTATED = signed(THIRD, CONTENT, chain=(vouched(FIRST, SECOND), vouched(SECOND, THIRD)))


def code_of(one: Signed, trusted: str = pin(FIRST), content: bytes = CONTENT) -> str:
    """Why something is refused; "" when it is taken."""
    try:
        check_content(verify(one, pin=trusted, gateway=GATEWAY), content)
    except StatementError as exc:
        return exc.code
    return ""


def test_what_the_pinned_key_signed_is_believed() -> None:
    """With all that it says."""
    found = verify(signed(FIRST, CONTENT), pin=pin(FIRST), gateway=GATEWAY)
    assert (found.configuration, found.version, found.publish_seq) == ("support-bot", 3, 7)


def test_a_key_is_believed_that_a_trusted_one_signed() -> None:
    """However often the keys were rotated since the token was made."""
    assert [code_of(ROTATED, pin(key)) for key in (FIRST, SECOND, THIRD)] == ["", "", ""]


def test_a_key_is_not_believed_without_the_pinned_ones_word() -> None:
    """Though everything else fits."""
    alone = signed(OTHER, CONTENT)
    by_itself = signed(OTHER, CONTENT, chain=(vouched(OTHER, OTHER),))
    backwards = signed(FIRST, CONTENT, chain=(vouched(FIRST, SECOND),))
    assert {code_of(alone), code_of(by_itself)} == {"key_not_pinned"}
    assert code_of(backwards, pin(SECOND)) == "key_not_pinned"


def test_a_forged_signature_is_refused() -> None:
    """Also one over the same bytes for another purpose."""
    genuine = signed(FIRST, CONTENT)
    assert code_of(replace(genuine, signature=b"\0" * 64)) == "statement_forged"
    assert code_of(replace(genuine, signature=FIRST.sign(genuine.statement))) == "statement_forged"


def test_another_gateways_statement_is_refused() -> None:
    """Genuine as it is."""
    assert code_of(signed(FIRST, CONTENT, gateway="edge-2")) == "statement_foreign"


def test_another_policy_than_the_signed_one_is_refused() -> None:
    """Be it a byte longer, shorter, or empty."""
    one = signed(FIRST, CONTENT)
    codes = {code_of(one, content=other) for other in (CONTENT + b"\n", CONTENT[:-1], b"")}
    assert codes == {"content_mismatch"}


@pytest.mark.parametrize(
    "change",
    [
        {"publish_seq": "7"},
        {"publish_seq": True},
        {"version": None},
        {"surprise": 1},
    ],
)
def test_a_signed_statement_of_another_form_is_refused(change: dict[str, Any]) -> None:
    """A later version's fields are not guessed at."""
    assert code_of(signed(FIRST, CONTENT, **change)) == "statement_forged"


@pytest.mark.parametrize("text", [b"", b"[]", b"nonsense", b"[" * 100_000])
def test_a_signed_text_that_is_no_object_is_refused(text: bytes) -> None:
    """Whatever it is."""
    one = Signed(text, FIRST.sign(STATEMENT + text), raw(FIRST))
    assert code_of(one) == "statement_forged"


def _old(seq: int, **more: Any) -> str:
    before = verify(signed(FIRST, CONTENT), pin=pin(FIRST), gateway=GATEWAY)
    after = replace(before, publish_seq=seq, **more)
    try:
        check_order(after, before)
    except StatementError as exc:
        return exc.code
    return ""


def test_nothing_older_comes_back() -> None:
    """And one sequence number says one thing."""
    assert _old(6) == "statement_older"
    assert _old(7, version=4) == "statement_older"
    assert (_old(7), _old(8, version=1)) == ("", "")


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    """In the statement, the signature, the key, the policy, and each part of the key chain."""
    where = data.draw(st.sampled_from(["statement", "signature", "key", "content", "chain"]))
    one, content = ROTATED, CONTENT
    if where == "content":
        content = _flipped(data, content)
    elif where == "chain":
        at = data.draw(st.integers(0, len(one.chain) - 1))
        part = data.draw(st.sampled_from(["key", "signer", "signature"]))
        link = replace(one.chain[at], **{part: _flipped(data, getattr(one.chain[at], part))})
        one = replace(one, chain=(*one.chain[:at], link, *one.chain[at + 1 :]))
    else:
        one = replace(one, **{where: _flipped(data, getattr(one, where))})

    assert code_of(one, content=content) != ""


def _flipped(data: st.DataObject, text: bytes) -> bytes:
    at = data.draw(st.integers(0, len(text) * 8 - 1))
    changed = bytearray(text)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def test_a_statement_travels_as_text_and_back() -> None:
    """With its chain."""
    assert parse(json.loads(json.dumps(render(ROTATED)))) == ROTATED


@given(st.binary(max_size=80))
def test_bytes_have_one_text(data: bytes) -> None:
    """Which has no padding."""
    text = encode(data)
    assert decode(text) == data
    assert "=" not in text


@pytest.mark.parametrize("text", [None, 7, "A", "QQ==", "QR", "Q Q", "Q\nQ", "é", "+/+/"])
def test_text_that_no_bytes_have_is_refused(text: Any) -> None:
    """Also where a lenient decoder would make something of it."""
    with pytest.raises(StatementError):
        decode(text)


@pytest.mark.parametrize(
    "change",
    [
        {"chain": None},
        {"chain": ["x"]},
        {"chain": [{"key": "", "signer": "", "signature": "", "signed_by": "another"}]},
        {"statement": None},
        {"key": "?"},
    ],
)
def test_a_statement_in_pieces_is_refused(change: dict[str, Any]) -> None:
    """Each part is there and has its form."""
    with pytest.raises(StatementError):
        parse({**render(signed(FIRST, CONTENT)), **change})


def test_a_key_of_another_length_is_refused() -> None:
    """Instead of ending the gateway."""
    assert code_of(replace(signed(FIRST, CONTENT), key=b"short")) == "statement_forged"
    link = KeyLink(b"short", b"short", b"short")
    assert code_of(replace(ROTATED, chain=(link, *ROTATED.chain))) == "key_not_pinned"


def test_the_etag_is_the_hash_of_the_statement() -> None:
    """So that it changes with anything that is said."""
    one = signed(FIRST, CONTENT)
    other = signed(FIRST, CONTENT, publish_seq=8)
    assert len(one.etag) == 64
    assert one.etag != other.etag
    assert json.loads(one.statement) == fields(CONTENT)
