"""Calls to receivers over HTTP, by the operator's terms for calls to forges.

No redirect is followed. Time and what is read of an answer are bounded.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from django.conf import settings
from django.utils import timezone

from gitrepos.errors import BadAnswerError, RemoteError, TimedOutError
from gitrepos.forge import documents
from gitrepos.forge.addresses import RepoURL
from gitrepos.forge.wire import refusals
from notifications.forms.told import plain
from notifications.sending import outcomes
from notifications.sending.outcomes import NOT_ACCEPTED, Attempt

CALL_SECONDS = 10.0
_ANSWER_CHARACTERS = 200
_ANSWER_BYTES = 1024
# Of the answer's body, which tells nothing that counts.
_BODY_SECONDS = 1.0
_HEADERS = {
    "User-Agent": "keeptrusts",
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A POST to a receiver; what it goes to and has in its headers stands in no log."""

    server: RepoURL = field(repr=False)
    tail: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


async def post(call: Call) -> Attempt:
    """Send it once; every failure is an attempt that failed."""
    at, began = timezone.now(), time.monotonic()

    def attempt(
        error: str = "", status: int | None = None, answer: str = "", asked: str = ""
    ) -> Attempt:
        seconds = time.monotonic() - began
        wait = refusals.seconds_until(asked, timezone.now()) if asked else None
        return Attempt(at, seconds, error, status, answer, wait)

    dial = documents.terms_of(settings.ENV).dial()
    try:
        async with asyncio.timeout(CALL_SECONDS):
            asked = dial.answer(
                call.server, call.tail, {**_HEADERS, **call.headers}, body=call.body
            )
            async with asked as response:
                status, text = response.status, await _beginning(response)
                error = "" if outcomes.accepted(status) else NOT_ACCEPTED
                return attempt(error, status, text, response.headers.get("Retry-After", ""))
    except TimeoutError:
        return attempt(TimedOutError.code, answer=f"no answer in {CALL_SECONDS:.0f} s")
    except BadAnswerError as exc:  # Whose words are about forges.
        return attempt(exc.code, answer="the answer is no HTTP, or is cut short")
    except RemoteError as exc:
        return attempt(exc.code, answer=plain(exc.message, _ANSWER_CHARACTERS))
    finally:
        await dial.close()


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The first characters of an answer; what was answered counts without them."""
    found = b""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in response.content.iter_any():
                found += piece[: _ANSWER_BYTES - len(found)]
                if len(found) >= _ANSWER_BYTES:
                    break
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # It is slow, or cut short; the status was whole.
    finally:
        response.close()  # What else it says is never read.
    return plain(found.decode(errors="replace"), _ANSWER_CHARACTERS)
