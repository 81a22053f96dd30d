"""Answers in fewer bytes: gzip and zstd, for who asks.

Each coding of a representation has an ETag of its own, as RFC 9110 (8.8.3) wants it of strong ones:
that of the plain one with the name of the coding behind it. Django knows the plain ones alone.
"""

import gzip
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace

from keeptrusts.serving.answers import Answer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Of little that is, more is lost than won.
_LEAST_BYTES = 1024
_MOST_KEPT_BYTES = 32 << 20
_TEXTS = re.compile(
    rb"(application/([a-z.+-]*json|yaml|x-ndjson|javascript)|text/.*|image/svg)(;.*)?"
)
_SUFFIX = re.compile(r'-(gzip|zstd)"')
_QUALITY = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 4, mtime=0)


# The one that is taken first where a client likes both as much.
_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {"zstd": zstd.compress, "gzip": _gzip}


def chosen(accepted: str) -> str:
    """The coding for a client, by its `Accept-Encoding`; empty for none.

    Source: RFC 9110, section 12.5.3.
    """
    qualities = dict(_read(part) for part in accepted.lower().split(",") if part.strip())
    others = qualities.get("*", 0.0)
    liked = {name: qualities.get(name, others) for name in _CODINGS}
    best = max(liked, key=liked.__getitem__)
    return best if liked[best] > 0 and liked[best] >= qualities.get("identity", 0.0) else ""


def _read(part: str) -> tuple[str, float]:
    name, _, parameter = part.strip().partition(";")
    name = name.strip().removeprefix("x-")
    found = _QUALITY.fullmatch(parameter.strip()) if parameter else None
    if parameter and found is None:
        return name, 0.0  # Of what cannot be read, none.
    return name, float(found[1]) if found else 1.0


def plain(validators: str) -> str:
    """ETags as Django knows them, from a header with those of encoded representations."""
    return _SUFFIX.sub('"', validators)


class Encoder:
    """Encodes answers; of those with an ETag, which are asked for again, the bytes are kept."""

    def __init__(self, *, most_kept_bytes: int = _MOST_KEPT_BYTES) -> None:
        self._most = most_kept_bytes
        self._kept: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def encode(self, answer: Answer, coding: str, *, known: str) -> Answer:
        """An answer in a coding, where it is worth it. `known` is the request's `If-None-Match`."""
        headers = dict(answer.headers)
        etag = headers.get(b"etag", b"")
        own = etag[:-1] + b"-" + coding.encode() + b'"'
        if answer.status == 304 and etag and own.decode("latin-1") in known:
            return _with(answer, {b"etag": own})
        if not coding or not _is_worth_it(answer, headers):
            return answer
        body = self._encoded(answer.body, coding, is_kept=bool(etag))
        fields = {b"content-encoding": coding.encode(), b"content-length": b"%d" % len(body)}
        if etag:
            fields[b"etag"] = own
        return replace(_with(answer, fields), body=body)

    def _encoded(self, body: bytes, coding: str, *, is_kept: bool) -> bytes:
        if not is_kept:
            return _CODINGS[coding](body)
        key = (coding, body)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = _CODINGS[coding](body)
        with self._lock:
            if self._kept.setdefault(key, found) is found:
                self._size += len(body) + len(found)
            while self._size > self._most:
                (_, oldest), short = self._kept.popitem(last=False)
                self._size -= len(oldest) + len(short)
        return found


def _is_worth_it(answer: Answer, headers: Mapping[bytes, bytes]) -> bool:
    """Whether to encode an answer: never one that shows a secret, whose length would tell of it."""
    return (
        answer.status in range(200, 300)
        and len(answer.body) >= _LEAST_BYTES
        and b"content-encoding" not in headers
        and b"no-store" not in headers.get(b"cache-control", b"")
        and _TEXTS.fullmatch(headers.get(b"content-type", b"")) is not None
    )


def _with(answer: Answer, fields: Mapping[bytes, bytes]) -> Answer:
    kept = [(name, value) for name, value in answer.headers if name not in fields]
    return replace(answer, headers=[*kept, *fields.items()])
