"""The ladder of fetching: the ways to bring a commit here, the cheapest first.

A way is left for the next one only when the server answered, and its answer shows that it does not
know the request. The way that then succeeds is where fetches from this host begin for an hour; one
that begins below the top and fails is tried from the top, once.
"""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import structlog

from gitrepos.errors import (
    BadAnswerError,
    ObjectRefusedError,
    RemoteError,
    RequestFailedError,
    TooLargeError,
)
from gitrepos.forge.addresses import RepoURL
from gitrepos.snapshot.repository import Bare, RemoteRef
from gitrepos.snapshot.unpacked import Unpacked

log = structlog.get_logger(__name__)

HEAD = "refs/keeptrusts/head"
PUZZLED = (BadAnswerError, ObjectRefusedError, RequestFailedError)
"""The errors of servers that may not know the request."""

_FORGET_SECONDS = 3600
_MAX_HOSTS = 10_000


class Way(IntEnum):
    """A way to bring a commit; each brings all that the ones above it bring, and more besides."""

    OWN = 0
    """Its trees alone, by a request of our own."""
    FILTERED = 1
    """Its trees alone, by git."""
    SHALLOW = 2
    """Its trees and blobs."""
    WHOLE = 3
    """All of its history, over dumb http too."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A repository with a commit, under its `name` there, and the way it came.

    `own` is the commit where it was read without git, which has it when it is asked.
    """

    bare: Bare
    name: str
    way: Way
    own: Unpacked | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A commit, the tag that comes with it, and the paths at which it will be listed."""

    head: str
    tag_object: str
    names: Sequence[str]


_Host = tuple[str, str, int]
# By host, in this process: where to begin, and until which moment (monotonic).
_known: dict[_Host, tuple[Way, float]] = {}
_names = itertools.count()


def bring(
    source: RemoteRef,
    head: str,
    *,
    tag_object: str = "",
    least: Way = Way.OWN,
    names: Sequence[str] = (),
) -> Brought:
    """Bring the commit with the id `head`; without it on the server, that of the ref.

    `names` are the paths at which it is going to be listed.
    `tag_object` is an annotated tag that comes with it; by git, the one that the ref leads to now.
    The ways above `least` are left out.

    Raises:
        RemoteError: the commit cannot be fetched.
    """
    if source.access.url.scheme not in ("https", "http"):
        least = max(least, Way.FILTERED)
    first = max(least, _first(source.access.url))
    wanted = _Wanted(head, tag_object, names)
    try:
        return _down(source, wanted, first)
    except (TooLargeError, *PUZZLED):
        if first == least:
            raise
        _known.pop(_host(source.access.url), None)
        return _down(source, wanted, least)


def forget() -> None:
    """Begin at the top for every host."""
    _known.clear()


def _down(source: RemoteRef, wanted: _Wanted, first: Way) -> Brought:
    last: RemoteError | None = None
    for way in [way for way in Way if way >= first]:
        try:
            brought = _by(way, source, wanted)
        except PUZZLED as error:
            if way is Way.OWN:  # What it could not ask for it leaves to git; what came was bad.
                raise
            last = error
            continue
        if brought is not None:
            if way > first:
                _remember(source.access.url, way)
            return brought
        if source.courier.is_silent:
            # Also when git hears no more: some servers die of a client that hangs up.
            _remember(source.access.url, Way.FILTERED)
    assert last is not None
    raise last


def _by(way: Way, source: RemoteRef, wanted: _Wanted) -> Brought | None:
    """The commit by one way; None where our own request is not understood."""
    bare = Bare(source, f"{way.name.lower()}-{next(_names)}")
    branch = ["origin", f"+{source.ref}:{HEAD}"]
    match way:
        case Way.OWN:
            return _own(bare, source, wanted)
        case Way.FILTERED:
            bare.fetch(["--depth=1", "--filter=blob:none", *branch])
        case Way.SHALLOW:
            bare.fetch(["--depth=1", *branch])
        case Way.WHOLE:
            bare.fetch_whole(branch)
    return Brought(bare, HEAD, way)


def _own(bare: Bare, source: RemoteRef, wanted: _Wanted) -> Brought | None:
    """The commit by our own request, which git reads where the unpacker does not."""
    own = Unpacked(source.unpacker, wanted.head, wanted.names) if source.unpacker else None
    ids = [wanted.head, wanted.tag_object] if wanted.tag_object else [wanted.head]
    if not bare.take(ids, thin=True, read=own.read_commit if own else None):
        return None
    return Brought(bare, wanted.head, Way.OWN, own if own and own.is_read else None)


def _host(url: RepoURL) -> _Host:
    return url.scheme, url.host, url.port


def _first(url: RepoURL) -> Way:
    way, until = _known.get(_host(url), (Way.OWN, 0.0))
    return way if time.monotonic() < until else Way.OWN


def _remember(url: RepoURL, way: Way) -> None:
    if len(_known) >= _MAX_HOSTS:
        _known.clear()
    _known[_host(url)] = way, time.monotonic() + _FORGET_SECONDS
    log.info("fetched in an older way", host=url.host, way=way.name.lower())
