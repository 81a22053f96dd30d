"""Refusals of forges and of proxies before them: the error for the head of an answer. Pure.

Forges say the same in many ways: a limit by a status or by a count that is used up, a missing
credential by a redirect or a page to sign in. No redirect is followed, so none is tried out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from gitrepos.errors import (
    AuthFailedError,
    MovedError,
    RateLimitedError,
    RemoteError,
    RepoNotFoundError,
    TakenDownError,
    UnreachableError,
)
from gitrepos.forge.addresses import BadURLError, RepoURL, parse
from gitrepos.forge.wire.pkt_line import malformed

POST_TAIL = "/git-upload-pack"
GET_TAIL = "/info/refs"
# 203 is a 200 that a proxy changed.
_FINE = (200, 203)
_PAGES = ("text/html", "application/xhtml+xml")
_MOVED_FOR_NOW = (302, 303, 307)
_MOVED = (301, 308, *_MOVED_FOR_NOW)
_LIMITING = (403, 429, 503)
# GitHub's, those of the drafts of an RFC, and older ones.
_LEFT = ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining")
_RESET = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")
_POLICY = ("ratelimit", "x-ratelimit")
_SIGN_IN = re.compile(
    r"log[-_]?(in|on)|sign[-_]?(in|on)|auth|saml|openid|oidc|adfs|realms"
    r"|(^|[/._-])(sso|idp|cas|dex|sessions?|accounts?|identity)([/._-]|$)"
)
_NONE = re.compile(r"\s*0+(\.0*)?\s*([,;].*)?")
_NONE_LEFT = re.compile(r"(?:^|[;,\s])(?:r|remaining)\s*=\s*0+(?:\s*[;,]|\s*$)")
_AGAIN_IN = re.compile(r"(?:^|[;,\s])(?:t|reset)\s*=\s*([0-9]{1,9})(?:\s*[;,]|\s*$)")
_MAX_RETRY_AFTER_SECONDS = 86_400
# A larger number of seconds is a date, a larger one yet has milliseconds.
_DATES_FROM, _MILLISECONDS_FROM = 10**9, 10**11
_REFUSED = "The server refuses this credential, or wants one: send another access_token."


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """The head of an answer: its status, and its headers by lower-case name."""

    status: int
    headers: Mapping[str, str]

    def header(self, *names: str) -> str:
        """The first of these headers that is there; empty without any."""
        return next((self.headers[name] for name in names if name in self.headers), "")


def refusal(head: AnswerHead, url: RepoURL) -> RemoteError | None:
    """The error for the head of an answer to a request below `url`; None for 200 and 203."""
    status = head.status
    if status in _FINE:
        return None
    if status in _LIMITING and (status == 429 or _is_limit(head)):
        message = "The server asks for fewer requests."
        return RateLimitedError(message, retry_after_seconds=_retry_after(head))
    if status in (401, 403):
        return AuthFailedError(_REFUSED)
    if status in (404, 410):
        return RepoNotFoundError(
            "The server knows no such repository, or hides it from this credential."
        )
    if status == 451:
        return TakenDownError("The server may not show the repository, for legal reasons.")
    if status in _MOVED:
        return _redirect(head, url)
    words = f"The requested URL returned error: {status}."
    if status >= 500:
        return UnreachableError(f"The server cannot be reached: {words}")
    return malformed(words.removesuffix("."))


def page(content_type: str) -> RemoteError | None:
    """The error for a web page in place of git's answer; None for all else."""
    if content_type.lower() not in _PAGES:
        return None
    return AuthFailedError(
        "The server answers with a web page, as to somebody who is to sign in: send another"
        " access_token, and check that the url is a repository's."
    )


def _is_limit(head: AnswerHead) -> bool:
    """True when a refusal says that it ends by itself, or that no request is left."""
    if head.header("retry-after"):
        return True
    left = head.header(*_LEFT)
    return bool(_NONE.fullmatch(left) if left else _NONE_LEFT.search(head.header(*_POLICY)))


def _retry_after(head: AnswerHead) -> int | None:
    """The seconds until the next request, a day at most; None where there is no readable time."""
    now = datetime.now(UTC)
    if text := head.header("retry-after"):
        return seconds_until(text, now)
    if text := head.header(*_RESET):
        return seconds_until(text.partition(".")[0].strip(), now)
    again = _AGAIN_IN.search(head.header(*_POLICY))
    return seconds_until(again[1], now) if again else None


def seconds_until(text: str, now: datetime) -> int | None:
    """The seconds of a number of them, or until a date: of HTTP, or in seconds since 1970.

    A day at most; None where it cannot be read.
    """
    if text.isascii() and text.isdecimal():
        seconds = int(text[:20])
        if _MILLISECONDS_FROM <= seconds < _MILLISECONDS_FROM * 1000:
            seconds //= 1000
        if _DATES_FROM <= seconds < _MILLISECONDS_FROM:
            seconds -= int(now.timestamp())
    else:
        at = date(text)
        if at is None:
            return None
        seconds = int((at - now).total_seconds())
    return min(max(seconds, 0), _MAX_RETRY_AFTER_SECONDS)


def date(text: str) -> datetime | None:
    """The time of a date of HTTP, in UTC where it names no zone; None where it cannot be read."""
    try:
        at = parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _redirect(head: AnswerHead, url: RepoURL) -> RemoteError:
    """The error for a redirect: to the repository's new url, to a page to sign in, or elsewhere."""
    location = head.header("location")
    try:
        to = urlsplit(urljoin(f"{url.text}/", location))
        where = _repository(to, url) if location else "elsewhere"
    except ValueError:
        where = "elsewhere"
    if where is not None:
        return _moved(where)
    if head.status in _MOVED_FOR_NOW and _is_sign_in(to, url):
        host = "".join(c if c.isprintable() else "?" for c in to.hostname or "")[:253]
        return AuthFailedError(f"The server redirects to a page of {host} to sign in. {_REFUSED}")
    return _moved("elsewhere")


def _is_sign_in(to: SplitResult, url: RepoURL) -> bool:
    """True for a redirect, for now, to a page of another host, or to one that has a way back.

    A page of the same host may be one about maintenance, unless its path has a telling word.
    """
    if to.scheme not in ("https", "http") or not to.hostname:
        return False
    returns = _path(url) in unquote(unquote(to.query))
    return to.hostname != url.host or returns or bool(_SIGN_IN.search(to.path.lower()))


def _repository(to: SplitResult, url: RepoURL) -> str | None:
    """The place of the repository that a redirect leads to, for a message; None for a page.

    It is one when it ends as the request did or in `.git`, or is the url itself, as its page in a
    browser is.
    """
    path = to.path.rstrip("/")
    tail = next((tail for tail in (POST_TAIL, GET_TAIL) if path.endswith(tail)), "")
    path = path.removesuffix(tail)
    is_here = path.removesuffix(".git") == _path(url).removesuffix(".git")
    if not (tail or is_here or path.endswith(".git")):
        return None
    try:
        there = parse(f"{to.scheme}://{to.netloc}{path}", schemes=("https", "http")).text
    except BadURLError:
        return "elsewhere"
    return "elsewhere" if there == url.text else f"to {there}"


def _path(url: RepoURL) -> str:
    return urlsplit(url.text).path


def _moved(where: str) -> MovedError:
    return MovedError(
        f"The server redirects {where}, and no redirect is followed: link the new url."
    )
