"""Keys of issuers, asked for and remembered: in the process, and for all of them in the database.

An issuer is asked once a minute at most, by one process at a time, over all callers; who finds
that somebody asks it waits for the answer. Nothing here runs within a transaction of its own.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import cast

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string

from access.models import IssuerKeys
from access.trusts import keys
from access.trusts.keys import BadDocumentError, Key, Row
from access.trusts.refusals import JWTRefusedError, Reason

log = structlog.get_logger(__name__)

_FRESH = timedelta(minutes=10)
# While the issuer is away. Longer than most outages, shorter than a withdrawn key may do harm.
_GOOD = timedelta(hours=6)
_BETWEEN = timedelta(minutes=1)
# Two calls, each with a deadline of its own.
_ANSWERS_IN = timedelta(seconds=10)
_LOOK_SECONDS = 0.1
_MOST_WAITING = 4
CONFIGURATION = "/.well-known/openid-configuration"

Fetch = Callable[[str], bytes]


class IssuerAwayError(Exception):
    """An issuer's document could not be had; the message holds no words of the issuer."""


@dataclass(frozen=True, slots=True)
class Known:
    """The keys of an issuer by their ids, and when it last gave them."""

    keys: Mapping[str, Key]
    confirmed_at: datetime | None

    def find(self, kid: str, *, within: timedelta) -> Key | None:
        """The key of an id, if it was given within a time."""
        is_good = self.confirmed_at is not None and timezone.now() - self.confirmed_at < within
        return self.keys.get(kid) if is_good else None


_known: dict[str, Known] = {}
_waiting = BoundedSemaphore(_MOST_WAITING)


def key(issuer: str, kid: str) -> Key:
    """The key of an issuer that has a trust.

    One that was given in the last ten minutes costs no query. While the issuer is away, what it
    gave in the last six hours is good.

    Raises:
        JWTRefusedError: the issuer has no such key now, or does not answer.
    """
    found = _of(issuer).find(kid, within=_FRESH)
    if found is not None:
        return found
    row, _ = IssuerKeys.objects.get_or_create(pk=issuer)
    found = _read(row).find(kid, within=_FRESH)
    if found is None:
        _renew(row, has_key=_of(issuer).find(kid, within=_GOOD) is not None)
        found = _of(issuer).find(kid, within=_GOOD)
    if found is None:
        raise _missing(issuer, kid)
    return found


def forget(issuer: str) -> None:
    """Remove the keys of an issuer that has no trust any more, in the caller's transaction."""
    IssuerKeys.objects.filter(pk=issuer).delete()


def configuration(issuer: str) -> bytes:
    """What an issuer says of itself, asked for now.

    Raises:
        IssuerAwayError: it could not be had.
    """
    return fetched(issuer.rstrip("/") + CONFIGURATION)


def fetched(url: str) -> bytes:
    """A document of an issuer.

    Raises:
        IssuerAwayError: it could not be had.
    """
    return cast(Fetch, import_string(settings.ISSUER_DOCUMENTS))(url)


def _of(issuer: str) -> Known:
    return _known.get(issuer, Known({}, None))


def _missing(issuer: str, kid: str) -> JWTRefusedError:
    if _of(issuer).find(kid, within=timedelta.max) or _of(issuer).confirmed_at is None:
        return JWTRefusedError(Reason.ISSUER_AWAY, f"{issuer} does not give its keys")
    return JWTRefusedError(Reason.UNKNOWN_KEY, f"{issuer} has no key {kid}")


def _read(row: IssuerKeys) -> Known:
    """What a row has; it is parsed when it is new."""
    if _of(row.issuer).confirmed_at != row.confirmed_at or row.confirmed_at is None:
        _known[row.issuer] = Known(keys.loaded(row.keys), row.confirmed_at)
    return _of(row.issuer)


def _renew(row: IssuerKeys, *, has_key: bool) -> None:
    """Ask an issuer, or wait for who does, unless it was asked a minute ago."""
    now = timezone.now()
    may_ask = Q(asked_at=None) | Q(asked_at__lte=now - _BETWEEN) | Q(asked_at__gt=now + _BETWEEN)
    if IssuerKeys.objects.filter(may_ask, pk=row.issuer).update(asked_at=now):
        _ask(row.issuer)
    elif not has_key:
        _wait(row.issuer)


def _ask(issuer: str) -> None:
    try:
        found = _fetched(issuer)
    except (IssuerAwayError, BadDocumentError) as exc:
        log.warning("keys of an issuer not fetched", issuer=issuer, error=str(exc))
        IssuerKeys.objects.filter(pk=issuer).update(answered_at=timezone.now())
        return
    now = timezone.now()
    IssuerKeys.objects.filter(pk=issuer).update(keys=found, confirmed_at=now, answered_at=now)
    _known[issuer] = Known(keys.loaded(found), now)


def _fetched(issuer: str) -> list[Row]:
    return keys.usable(fetched(keys.discovered(configuration(issuer), issuer=issuer)))


def _wait(issuer: str) -> None:
    """Wait until nobody asks an issuer; a few do so at once, and others go on without."""
    if not _waiting.acquire(blocking=False):
        return
    try:
        while _is_asked(issuer):
            time.sleep(_LOOK_SECONDS)
    finally:
        _waiting.release()


def _is_asked(issuer: str) -> bool:
    row = IssuerKeys.objects.filter(pk=issuer).first()
    if row is None or row.asked_at is None:
        return False
    _read(row)
    has_ended = row.answered_at is not None and row.answered_at >= row.asked_at
    return not has_ended and timezone.now() - row.asked_at < _ANSWERS_IN
