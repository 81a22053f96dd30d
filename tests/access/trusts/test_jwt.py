"""JWTs as they come: read strictly, or refused with a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.trusts import jwt
from access.trusts.refusals import JWTRefusedError
from tests.support.issuer import encoded

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=9,
)
HEAD = encoded(b'{"alg": "ES256", "kid": "one"}')


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_whatever_comes_is_refused(text: str) -> None:
    """With no other error."""
    with pytest.raises(JWTRefusedError):
        jwt.read(text)


@given(st.dictionaries(st.text(max_size=9), _JSON, max_size=4), st.binary(min_size=1, max_size=99))
def test_what_was_written_is_read(claims: dict[str, object], signature: bytes) -> None:
    """Claims as they were, and one digest for what is signed."""
    text = f"{HEAD}.{encoded(json.dumps(claims).encode())}"

    token = jwt.read(f"{text}.{encoded(signature)}")

    assert (token.claims, token.algorithm, token.kid) == (claims, "ES256", "one")
    assert token.digest == jwt.read(f"{text}.{encoded(signature + b'x')}").digest


@given(st.binary(min_size=1, max_size=30))
def test_bytes_have_one_spelling(data: bytes) -> None:
    """All others are refused."""
    text = encoded(data)
    assert jwt.decoded(text) == data
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet.replace(text[-1], ""):
        try:
            assert jwt.decoded(text[:-1] + last) != data
        except JWTRefusedError:
            continue


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a.b.c", True),
        ("a.b.c.d.e", True),
        ('{"payload": ""}', True),
        ("kt_abc", False),
        ("ktg_edge.abc", False),
        ("", False),
    ],
)
def test_no_token_of_ours_is_taken_for_a_jwt(text: str, meant: bool) -> None:
    """Neither a person's nor a gateway's."""
    assert jwt.is_meant(text) == meant
