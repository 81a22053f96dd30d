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
from typing import Any

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
_MOST_ANSWER_BYTES = 1 << 16
_SCOPE = ("keeptrusts", __version__)


class Exporter:
    """Sends spans. Those that do not fit, or that no collector took, are counted in `dropped`.

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
        self._told: str | None = None
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
        """Send what waits, for three seconds at most."""
        if self._thread is not None and self._owner == os.getpid():
            self._idle.clear()
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
                self._send(batch)
                self._count()
            if is_last:
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

    def _send(self, batch: list[Span]) -> None:
        body = otlp.encoded(batch, resource=self._resource, scope=_SCOPE)
        headers = {"Content-Type": "application/json", **self._settings.headers}
        request = urllib.request.Request(  # noqa: S310 - the operator's own setting, http or https
            self._settings.url, data=body, headers=headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._settings.timeout_seconds) as answer:
                answer.read(_MOST_ANSWER_BYTES)
        except urllib.error.HTTPError as exc:
            exc.close()
            self._failed(len(batch), f"it answers {exc.code}")
        except (OSError, HTTPException) as exc:
            # Of a url error the reason: its own words repeat nothing that was sent.
            self._failed(len(batch), f"{getattr(exc, 'reason', exc) or type(exc).__name__}")
        else:
            self.sent += len(batch)
            self._told = None

    def _count(self) -> None:
        sent, dropped = self.sent - self._counted_sent, self.dropped - self._counted_dropped
        self._counted_sent, self._counted_dropped = self.sent, self.dropped
        for outcome, spans in (("sent", sent), ("dropped", dropped)):
            if spans:
                self._counted(outcome, spans)

    def _failed(self, spans: int, why: str) -> None:
        """Count a batch that is lost; told once, until one is taken again."""
        self.dropped += spans
        if why != self._told:
            self._told = why
            _LOG.warning("spans are lost: the collector takes none: %s", why)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: headers may have a secret, which is for the collector alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(settings: Settings) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=settings.certificate or None)
    return urllib.request.build_opener(
        _NoRedirect, urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
