"""Requests for tokens of Apps' installations, by tables: what is signed, what answers mean."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from gitrepos.errors import AppKeyRefusedError, RateLimitedError, RemoteError
from gitrepos.forge.addresses import RepoURL
from gitrepos.forge.secret import Installation
from gitrepos.forge.wire import installations
from gitrepos.forge.wire.refusals import AnswerHead
from tests.support.forgeapi import app_key, pem

NOW = 1_700_000_000.0
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"  # It is NOW.
LATER = "2023-11-14T23:13:20Z"
ASKED = Installation("https://forge.example/api/v3", "12345", "678", pem(app_key()))
URL = RepoURL(f"{ASKED.api_url}/x", "https", "forge.example", 443)


def read(status: int, body: Any, **headers: str) -> installations.InstallationToken:
    """What an answer of this status, body and headers means now."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = AnswerHead(status, {"date": DATE, **headers})
    return installations.read(head, raw, asked=ASKED, url=URL, now=NOW)


def test_a_request_asks_for_as_little_as_is_needed() -> None:
    """Of an installation, signed for ten minutes from a minute ago; no key is in it."""
    url, body, headers = installations.request(ASKED, NOW)

    text = headers["Authorization"].removeprefix("Bearer ")
    token = jwt.decode(text, RSAKey.import_key(pem(app_key())), algorithms=["RS256"])
    assert url == "https://forge.example/api/v3/app/installations/678/access_tokens"
    assert json.loads(body) == {"permissions": {"contents": "read"}}
    assert token.header == {"alg": "RS256", "typ": "JWT"}
    assert token.claims == {"iat": NOW - 60, "exp": NOW + 540, "iss": "12345"}
    assert not set(ASKED.private_key.split("\n")[1:3]) & set(repr((url, body, headers)))


def test_a_key_of_another_kind_signs_nothing() -> None:
    """Whoever wrote it into the row."""
    key = ec.generate_private_key(ec.SECP256R1())
    raw = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    with pytest.raises(AppKeyRefusedError):
        installations.signature(Installation("https://x.example", "1", "2", raw), NOW)


@pytest.mark.parametrize(
    ("date", "expires_at", "seconds"),
    [
        (DATE, LATER, 3600),
        (DATE, "2023-11-14T22:18:20+00:00", 300),
        (DATE, "2023-11-14T23:18:20+01:00", 300),
        (DATE, "2999-01-01T00:00:00Z", 3600),
        ("Tue, 14 Nov 2023 23:13:10 GMT", LATER, 10),
        ("nonsense", LATER, 3600),
    ],
)
def test_a_token_holds_by_the_clock_of_its_server(
    date: str, expires_at: str, seconds: float
) -> None:
    """An hour at most."""
    token = read(201, {"token": "ghs_x", "expires_at": expires_at}, date=date)

    assert (token.text, token.seconds) == ("ghs_x", seconds)


SHORT = "The answer of forge.example has no token in it"


@pytest.mark.parametrize(
    ("status", "body", "headers", "code"),
    [
        (401, {"message": "A JSON web token could not be decoded"}, {}, "app_key_refused"),
        (401, {}, {"date": "Tue, 14 Nov 2023 22:12:00 GMT"}, "app_clock_skew"),
        (401, {}, {"date": "Tue, 14 Nov 2023 22:23:20 GMT"}, "app_clock_skew"),
        (401, {}, {"date": "Tue, 14 Nov 2023 22:12:40 GMT"}, "app_key_refused"),
        (401, {}, {"date": "no date"}, "app_key_refused"),
        (404, {"message": "Integration not found"}, {}, "app_key_refused"),
        (404, {"message": "Not Found"}, {}, "installation_gone"),
        (404, b"<html>", {}, "installation_gone"),
        (410, {}, {}, "installation_gone"),
        (403, {"message": "This installation has been suspended"}, {}, "app_suspended"),
        (403, {"message": "an IP allow list"}, {}, "app_unanswered"),
        (403, {"message": "API rate limit"}, {"x-ratelimit-remaining": "0"}, "rate_limited"),
        (403, {"message": "secondary limit"}, {"retry-after": "60"}, "rate_limited"),
        (429, {}, {}, "rate_limited"),
        (422, {"message": "The permissions requested"}, {}, "app_not_permitted"),
        (500, {}, {}, "app_unanswered"),
        (503, {}, {"retry-after": "5"}, "rate_limited"),
        (302, b"", {"location": "https://elsewhere.example/"}, "app_unanswered"),
        (200, {"token": "ghs_x", "expires_at": LATER}, {}, "app_unanswered"),
        (201, b"", {}, "app_unanswered"),
        (201, b"[" * 50_000, {}, "app_unanswered"),
        (201, [], {}, "app_unanswered"),
        (201, {"token": "ghs_x"}, {}, "app_unanswered"),
        (201, {"token": 5, "expires_at": LATER}, {}, "app_unanswered"),
        (201, {"token": "", "expires_at": LATER}, {}, "app_unanswered"),
        (201, {"token": "a\r\nX: y", "expires_at": LATER}, {}, "app_unanswered"),
        (201, {"token": "x" * 2001, "expires_at": LATER}, {}, "app_unanswered"),
        (201, {"token": "ghs_x", "expires_at": "soon"}, {}, "app_unanswered"),
        (201, {"token": "ghs_x", "expires_at": "2023-11-14T22:13:20Z"}, {}, "app_unanswered"),
    ],
)
def test_every_other_answer_has_its_code(
    status: int, body: Any, headers: dict[str, str], code: str
) -> None:
    """And no word of the server is in the message."""
    with pytest.raises(RemoteError) as failed:
        read(status, body, **headers)

    assert failed.value.code == code
    assert not any(word in failed.value.message for word in ("JSON web", "IP allow", "elsewhere"))


def test_a_limit_has_its_time() -> None:
    """As long as the server says."""
    with pytest.raises(RateLimitedError) as failed:
        read(429, {}, **{"retry-after": "70"})

    assert failed.value.retry_after_seconds == 70
