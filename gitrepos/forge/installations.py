"""Tokens of installations of GitHub Apps: had once for many calls, and kept until shortly before
their end, in the memory of the process alone.
"""

import asyncio
import copy
import time
from dataclasses import dataclass, field

from gitrepos.errors import AppUnansweredError, RateLimitedError, RemoteError
from gitrepos.forge import documents, secret
from gitrepos.forge.addresses import BadURLError, parse
from gitrepos.forge.documents import CallTerms
from gitrepos.forge.secret import Installation, Secret
from gitrepos.forge.wire import installations as wire
from gitrepos.forge.wire.installations import InstallationToken

# A call that begins with a token ends while it holds.
_SPARE_SECONDS = 300.0
# A failure is that of all who ask meanwhile: many links have one installation.
_FAILED_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 3600.0
_MOST = 1000


@dataclass(slots=True)
class _Known:
    """What is known of an installation until a moment (monotonic): its token, or why it has none.

    The token itself holds until `ends`. `turn` is had by whoever asks for one.
    """

    until: float = 0.0
    ends: float = 0.0
    token: str = field(default="", repr=False)
    error: RemoteError | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def holds(self) -> bool:
        """True while nobody needs to ask."""
        return time.monotonic() < self.until


_known: dict[tuple[asyncio.AbstractEventLoop, Installation], _Known] = {}


async def proven(asked: Secret, terms: CallTerms) -> Secret:
    """The secret of a call: with a token where it is that of an installation, else as it is.

    Raises:
        RemoteError: no token could be had.
    """
    if asked.installation is None:
        return asked
    with_token = secret.basic(await token(asked.installation, terms))
    return Secret(with_token.authorization, hidden=(*asked.hidden, *with_token.hidden))


def forget(installation: Installation) -> None:
    """Forget the token of an installation, which a server refused; for the event loop alone."""
    _known.pop((asyncio.get_running_loop(), installation), None)


async def token(installation: Installation, terms: CallTerms) -> str:
    """A token of an installation.

    Raises:
        RemoteError: none could be had.
    """
    known = _of(installation)
    if not known.holds():
        async with known.turn:
            if not known.holds():  # Else somebody asked meanwhile.
                await _ask(known, installation, terms)
    if known.error is not None:
        # Each has its own, since the words of an error are changed on its way.
        raise copy.copy(known.error)
    return known.token


def _of(installation: Installation) -> _Known:
    if len(_known) > _MOST:
        _known.clear()
    return _known.setdefault((asyncio.get_running_loop(), installation), _Known())


async def _ask(known: _Known, installation: Installation, terms: CallTerms) -> None:
    """Ask for a token, and keep it; or the error, unless the last token still holds."""
    try:
        found = await _asked(installation, terms)
    except RemoteError as error:
        now = time.monotonic()
        known.error = None if now < known.ends else error
        known.until = now + _pause_seconds(error)
    else:
        now = time.monotonic()
        known.token, known.error, known.ends = found.text, None, now + found.seconds
        known.until = now + max(found.seconds - _SPARE_SECONDS, 0.0)


def _pause_seconds(error: RemoteError) -> float:
    if isinstance(error, RateLimitedError) and error.retry_after_seconds is not None:
        return min(max(error.retry_after_seconds, _FAILED_SECONDS), _LONGEST_PAUSE_SECONDS)
    return _FAILED_SECONDS


async def _asked(installation: Installation, terms: CallTerms) -> InstallationToken:
    try:
        place, body, headers = wire.request(installation, time.time())
        url = parse(place, schemes=terms.schemes)
        head, text = await documents.answer(place, body, headers, terms=terms)
    except BadURLError as exc:
        raise AppUnansweredError(f"Its api_url {exc}.") from exc
    except (AppUnansweredError, RateLimitedError):
        raise
    except RemoteError as exc:
        # The API's server is not git's, of which this says nothing.
        raise AppUnansweredError(f"No token of the App's installation: {exc.message}") from exc
    return wire.read(head, text, asked=installation, url=url, now=time.time())
