"""Sending spans to a collector: by a thread, in batches, and never by holding up who made them."""

from __future__ import annotations

import logging
import os
import queue
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from random import random
from typing import Any, NamedTuple

from kt import __version__
from kt.tracing import otlp
from kt.tracing.otlp import Span
from kt.tracing.settings import Settings

_LOG = logging.getLogger("kt.tracing")

_MOST_WAITING = 4096
_BATCH = 512
_PAUSE_SECONDS = 2.0
# What is left at the end of a process, for a collector that stands still.
_LAST_SECONDS = 3.0
# Of a batch that the collector does not take: doubled each time, and not for ever.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 30.0
_KEPT_SECONDS = 300.0
_JITTER = 0.2
# What OTLP says may be sent again.
_PASSING = frozenset({429, 502, 503, 504})
_MOST_ANSWER_BYTES = 1 << 16
_SCOPE = ("keeptrusts", __version__)


class _Fault(NamedTuple):
    """Why a collector did not take a batch; `passes` where it may take it later."""

    why: str
    passes: bool = True
    retry_after_seconds: float = 0.0


class Exporter:
    """Sends spans. Those that do not fit, or that no collector took, are counted in `dropped`.

    A batch that is not taken is sent again for five minutes, while others wait behind it.

    `counted` is told of them after each batch, in the thread: `sent` or `dropped`, and how many.

    A fork begins without its parent's spans, and has a thread of its own.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        most: int = _MOST_WAITING,
        counted: Callable[[str, int], None] = lambda _outcome, _spans: None,
    ) -> None:
        self._settings = settings
        self._most = most
        self._counted = counted
        self._resource = {
            **settings.resource,
            "service.name": settings.service,
            "service.version": __version__,
        }
        self._bound = int(settings.ratio * (1 << 64))
        self._opener = _opener(settings)
        self._begin()

    def _begin(self) -> None:
        self._owner = os.getpid()
        self._waiting: queue.SimpleQueue[Span | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._idle = threading.Event()
        self._ending = threading.Event()
        self._lost_since: int | None = None
        self.sent = self._counted_sent = 0
        self.dropped = self._counted_dropped = 0

    def takes(self, trace_id: str) -> bool:
        """Whether spans of this trace are sent; the same in all processes."""
        return int(trace_id[16:], 16) < self._bound

    def put(self, span: Span) -> None:
        """Have a span sent; never waits."""
        if self._owner != os.getpid():
            self._begin()
        if self._thread is None:
            self._start()
        if self._waiting.qsize() >= self._most:
            self.dropped += 1
            return
        self._waiting.put(span)

    def finish(self) -> None:
        """Send what waits, each batch once more, for three seconds at most."""
        if self._thread is not None and self._owner == os.getpid():
            self._idle.clear()
            self._ending.set()
            self._waiting.put(None)
            self._idle.wait(_LAST_SECONDS)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="spans", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while True:
            batch, is_last = self._gather()
            if batch:
                self._deliver(batch)
                self._count()
            if is_last:
                self._ending.clear()
                self._idle.set()

    def _gather(self) -> tuple[list[Span], bool]:
        """Spans until there are many, or the first has waited for long; whether all are to go."""
        first = self._waiting.get()
        batch = [] if first is None else [first]
        until = time.monotonic() + _PAUSE_SECONDS
        while first is not None and len(batch) < _BATCH:
            try:
                span = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return batch, False
            if span is None:
                return batch, True
            batch.append(span)
        return batch, first is None

    def _deliver(self, batch: list[Span]) -> None:
        """Send a batch until it is taken, or has waited for long, or is refused for good."""
        wait, until = _FIRST_WAIT_SECONDS, time.monotonic() + _KEPT_SECONDS
        while fault := self._send(batch):
            self._tell(fault.why)
            spread = 1 + _JITTER * (2 * random() - 1)  # noqa: S311  Nothing secret.
            rest = max(wait * spread, fault.retry_after_seconds)
            if not fault.passes or self._ending.is_set() or time.monotonic() + rest > until:
                self.dropped += len(batch)
                return
            self._count()  # What does not fit meanwhile is lost now.
            self._ending.wait(rest)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        self.sent += len(batch)
        if self._lost_since is not None:
            lost, self._lost_since = self.dropped - self._lost_since, None
            _LOG.info("the collector takes spans again; %d were lost", lost)

    def _send(self, batch: list[Span]) -> _Fault | None:
        """Send a batch once; why it was not taken, if it was not."""
        body = otlp.encoded(batch, resource=self._resource, scope=_SCOPE)
        headers = {"Content-Type": "application/json", **self._settings.headers}
        request = urllib.request.Request(  # noqa: S310 - the operator's own setting, http or https
            self._settings.url, data=body, headers=headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._settings.timeout_seconds) as answer:
                answer.read(_MOST_ANSWER_BYTES)
        except urllib.error.HTTPError as exc:
            asked = exc.headers.get("Retry-After", "") if exc.headers else ""
            exc.close()
            return _Fault(f"it answers {exc.code}", exc.code in _PASSING, _seconds(asked))
        except (OSError, HTTPException) as exc:
            # Of a url error the reason: its own words repeat nothing that was sent.
            return _Fault(f"{getattr(exc, 'reason', exc) or type(exc).__name__}")
        return None

    def _count(self) -> None:
        sent, dropped = self.sent - self._counted_sent, self.dropped - self._counted_dropped
        self._counted_sent, self._counted_dropped = self.sent, self.dropped
        for outcome, spans in (("sent", sent), ("dropped", dropped)):
            if spans:
                self._counted(outcome, spans)

    def _tell(self, why: str) -> None:
        """Tell of a collector that does not take a batch, once until it takes one."""
        if self._lost_since is None:
            self._lost_since = self.dropped
            _LOG.warning(
                "the collector takes no spans: %s; %d wait at most, and the others are lost",
                why, self._most,
            )  # fmt: skip


def _seconds(asked: str) -> float:
    """The seconds that a collector asks for, as far as a batch is kept."""
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 6
    return min(float(asked), _KEPT_SECONDS) if is_number else 0.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: headers may have a secret, which is for the collector alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(settings: Settings) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=settings.certificate or None)
    return urllib.request.build_opener(
        _NoRedirect, urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
