"""Answers of lists: encoded, kept for as long as nothing changed, with an ETag that says so."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts.api.etags import is_known
from keeptrusts.api.lists.listing import Listing, Page, Scope, Selection
from keeptrusts.api.parameters import Asked
from keeptrusts.api.printable import encode

_MOST_KEPT_BYTES = 64 << 20

_Key = tuple[object, ...]


class Kept:
    """Encoded lists by what they are of, the last used of them, so many bytes at most together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lists: OrderedDict[_Key, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: _Key) -> bytes | None:
        with self._lock:
            if key in self._lists:
                self._lists.move_to_end(key)
            return self._lists.get(key)

    def keep(self, key: _Key, encoded: bytes) -> None:
        """Keep a list; one that is over a fourth of all is not worth the others."""
        if len(encoded) > self._most_bytes // 4:
            return
        with self._lock:
            self._bytes += len(encoded) - len(self._lists.pop(key, b""))
            self._lists[key] = encoded
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._lists.popitem(last=False)[1])


_kept = Kept(_MOST_KEPT_BYTES)


def answered(
    request: Request, listing: Listing[Scope], scope: Scope, *, is_part: bool = False,
    beside: Mapping[str, Any] | None = None, upon: object = None,
) -> Response:  # fmt: skip
    """The answer to a request for a list, with members `beside` the rows.

    While what it stands `upon` is the same, it is kept; None for what is new each time.

    One that changes with a counter alone has an ETag of that, and is kept. For whoever sees a part
    (`is_part`) it is one of the bytes: the counter is of all changes.
    """
    selection = listing.selection(Asked(request.query_params))
    if not listing.counter:
        return Response(_encoded(listing, selection, scope, beside or {}, upon))
    known = request.headers.get("If-None-Match", "")
    if is_part:
        encoded = encode(body(listing.page(selection, scope), selection))
        etag = f'"{hashlib.sha256(encoded).hexdigest()}"'
        return _unless_known(known, etag, encoded)
    counted_before: Any = request.auth  # Change counters, as they stood before any row was read.
    counts: Mapping[str, int] = counted_before or {}
    counted, told = counts.get(listing.counter, 0), _digest(listing, selection)
    if is_known(known, etag := f'"{counted}-{told}"'):
        return Response(status=304, headers={"ETag": etag})
    kept = _kept.get((counted, told))
    if kept is None:
        page = listing.page(selection, scope)
        counted, kept = page.counted, encode(body(page, selection))
        if counted:  # Before a first change any database has the same count.
            _kept.keep((counted, told), kept)
    return Response(kept, headers={"ETag": f'"{counted}-{told}"'})


def _encoded(
    listing: Listing[Scope], selection: Selection[Scope], scope: Scope, beside: Mapping[str, Any],
    upon: object,
) -> bytes:  # fmt: skip
    key = upon, listing.name, selection.key
    kept = _kept.get(key) if upon is not None else None
    if kept is None:
        kept = encode({**body(listing.page(selection, scope), selection), **beside})
        if upon is not None:
            _kept.keep(key, kept)
    return kept


def body(page: Page, selection: Selection[Any]) -> dict[str, Any]:
    """The body of an answer: rows, where the next page begins, and how many match."""
    answer: dict[str, Any] = {"data": page.rows}
    if selection.limit is not None:
        answer["next_cursor"] = page.following
    if selection.wants_count:
        answer["count"] = page.count
    return answer


def _digest(listing: Listing[Any], selection: Selection[Any]) -> str:
    asked = repr((listing.name, selection.key))
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


def _unless_known(known: str, etag: str, encoded: bytes) -> Response:
    headers = {"ETag": etag}
    if is_known(known, etag):
        return Response(status=304, headers=headers)
    return Response(encoded, headers=headers)
