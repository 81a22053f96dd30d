"""Requests for tokens of installations of GitHub Apps, and what their answers mean. Pure.

Sources: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
(the JWT: RS256, ten minutes at most, made a minute ago against clocks that differ); RFC 7515.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gitrepos.errors import (
    AppClockSkewError,
    AppKeyRefusedError,
    AppNotPermittedError,
    AppSuspendedError,
    AppUnansweredError,
    InstallationGoneError,
    RateLimitedError,
    RemoteError,
)
from gitrepos.forge.addresses import RepoURL
from gitrepos.forge.secret import Installation
from gitrepos.forge.wire import refusals
from gitrepos.forge.wire.refusals import AnswerHead

# The token is made so long ago, and ends so much later; together ten minutes at most.
_AGO_SECONDS, _AHEAD_SECONDS = 60, 540
_CREATED = 201
_LONGEST_SECONDS = 3600
_TOKEN = re.compile(r"[!-~]{1,2000}")
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
"""What every request to GitHub's API has."""


@dataclass(frozen=True, slots=True)
class InstallationToken:
    """A token of an installation, and for how many seconds from now it holds."""

    text: str = field(repr=False)
    seconds: float


def request(asked: Installation, now: float) -> tuple[str, bytes, Mapping[str, str]]:
    """The url, body and headers of the request for a token, at a time (seconds since 1970)."""
    url = f"{asked.api_url}/app/installations/{asked.installation_id}/access_tokens"
    body = json.dumps({"permissions": dict(asked.permissions)}).encode()
    signed = signature(asked, now)
    proof = {"Authorization": f"Bearer {signed}", "Content-Type": "application/json"}
    return url, body, {**HEADERS, **proof}


def signature(asked: Installation, now: float) -> str:
    """The JWT that proves to be the App, at a time.

    Raises:
        AppKeyRefusedError: the key is not one of RSA.
    """
    key = load_pem_private_key(
        asked.private_key.encode(), None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, RSAPrivateKey):
        raise AppKeyRefusedError("The App's private key is not one of RSA.")
    at = int(now)
    claims = {"iat": at - _AGO_SECONDS, "exp": at + _AHEAD_SECONDS, "iss": asked.app_id}
    text = f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    return f"{text}.{_spelt(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def read(
    head: AnswerHead, body: bytes, *, asked: Installation, url: RepoURL, now: float
) -> InstallationToken:
    """The token in an answer that came at a time.

    Raises:
        RateLimitedError: the API asks for fewer requests.
        AppUnansweredError: there is none; the class says why, in no words of the server.
    """
    if head.status != _CREATED:
        raise _refusal(head, body, asked, url, now)
    try:
        found = json.loads(body)
        token, until = found["token"], datetime.fromisoformat(found["expires_at"])
        seconds = min((until.astimezone(UTC) - _date(head, now)).total_seconds(), _LONGEST_SECONDS)
        is_token = isinstance(token, str) and bool(_TOKEN.fullmatch(token))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as exc:
        raise AppUnansweredError(f"The answer of {url.host} has no token in it.") from exc
    if not is_token or seconds <= 0:
        raise AppUnansweredError(f"The answer of {url.host} has no token in it that holds.")
    return InstallationToken(token, seconds)


def _refusal(
    head: AnswerHead, body: bytes, asked: Installation, url: RepoURL, now: float
) -> RemoteError:
    limit = refusals.refusal(head, url)
    if isinstance(limit, RateLimitedError):
        return limit
    words = _words(body)
    named = f"installation {asked.installation_id} of the App {asked.app_id}"
    match head.status:
        case 401 if (ahead := now - _date(head, now).timestamp()) and not _fits(ahead):
            way = "ahead of" if ahead > 0 else "behind"
            return AppClockSkewError(
                f"The clock here is {abs(ahead):.0f} s {way} that of {url.host}, which therefore"
                " refuses what the App's key signs."
            )
        case 401:
            return AppKeyRefusedError(f"{url.host} refuses the key of the App {asked.app_id}.")
        case 404 if "integration" in words:
            return AppKeyRefusedError(f"{url.host} knows no App {asked.app_id}.")
        case 404 | 410:
            return InstallationGoneError(f"{url.host} knows no {named}.")
        case 403 if "suspended" in words:
            return AppSuspendedError(f"The {named} is suspended.")
        case 422:
            wanted = ", ".join(f"{name}: {level}" for name, level in asked.permissions)
            return AppNotPermittedError(f"The {named} has not all of the permissions {wanted}.")
    return AppUnansweredError(
        f"{url.host} answers {head.status} when asked for a token of the {named}."
    )


def _fits(ahead: float) -> bool:
    """True when a JWT of a clock so many seconds ahead is one of now."""
    return -_AHEAD_SECONDS < ahead < _AGO_SECONDS


def _date(head: AnswerHead, now: float) -> datetime:
    """The server's time, by whose clock its tokens end; ours where it tells none."""
    return refusals.date(head.header("date")) or datetime.fromtimestamp(now, UTC)


def _words(body: bytes) -> str:
    """What the server says, in small letters; read, and never shown."""
    return body[:2000].decode(errors="replace").lower()


def _encoded(value: Any) -> str:
    return _spelt(json.dumps(value, separators=(",", ":")).encode())


def _spelt(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
