"""Headers that every answer has: the request's id, `Vary`, and what browsers ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

from django.conf import settings

from keeptrusts.api import requestid
from keeptrusts.observed import traces
from keeptrusts.serving.answers import Answer, Scope
from keeptrusts.serving.limits import Window
from kt.tracing.context import Trace

Pairs = list[tuple[bytes, bytes]]

_TRACE = traces.HEADER.encode()
_ID = requestid.HEADER.lower().encode()
_VARY = (b"Accept-Encoding", b"Origin")


@dataclass(slots=True)
class Manners:
    """What of a request every answer depends on. `window` is that of its token, if it has one."""

    request_id: str
    origin: str
    trace: Trace
    window: Window | None = None

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Of a request; its headers get the id that it has from here on, in the place of others."""
        headers: Pairs = scope["headers"]
        request_id = requestid.accepted(_only(headers, _ID))
        trace = traces.begun(_only(headers, _TRACE))
        headers[:] = [pair for pair in headers if pair[0] != _ID]
        headers.append((_ID, request_id.encode()))
        return cls(request_id, _origin(headers), trace)

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Have id and trace in every log line, until the end of the block."""
        with requestid.bound(self.request_id), traces.bound(self.trace):
            yield

    def dressed(self, answer: Answer) -> Answer:
        """An answer with all that is common to answers, without what it has already."""
        return replace(answer, headers=self.headers(answer.headers))

    def headers(self, given: Pairs) -> Pairs:
        """The headers of an answer that has those of `given`."""
        names = {name for name, _ in given}
        common = [(_ID, self.request_id.encode()), *for_browsers(self.origin)]
        if self.window is not None:
            common += self.window.headers()
        kept = [pair for pair in given if pair[0] != b"vary"]
        kept += [pair for pair in common if pair[0] not in names]
        return [*kept, (b"vary", _vary([value for name, value in given if name == b"vary"]))]


def for_browsers(origin: str) -> Pairs:
    """The headers by which a browser lets a page of an origin read an answer; none for others.

    Source: WHATWG Fetch, "CORS protocol".
    """
    if origin not in settings.CORS_ALLOWED_ORIGINS:
        return []
    exposed = ", ".join(settings.CORS_EXPOSE_HEADERS)
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", exposed.encode()),
    ]


def refused(headers: Pairs | None) -> tuple[str, Pairs]:
    """An id, and the headers for an answer to a request of which these were read so far."""
    asked = Manners.of({"headers": list(headers or [])})
    return asked.request_id, asked.headers([])


def _only(headers: Pairs, name: bytes) -> str:
    """The value of a header that is there once; empty for any other."""
    sent = [value.decode("latin-1") for one, value in headers if one == name]
    return sent[0] if len(sent) == 1 else ""


def _origin(headers: Pairs) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == b"origin"), "")


def _vary(given: list[bytes]) -> bytes:
    """What answers depend on: what was said of this one, and what each may."""
    named = [name.strip() for value in given for name in value.split(b",")]
    known = {name.lower() for name in named}
    return b", ".join([*named, *(name for name in _VARY if name.lower() not in known)])
