"""A bound on concurrent requests, which leaves threads free for health checks."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Threads of the server, and how many of them work on requests that may wait for a database. The
# rest is for health checks, and for requests that wait for a place.
THREADS = 20
PLACES = 16
# When no place was given back for so long, requests are refused instead of waiting.
STUCK_SECONDS = 0.8
_OPEN = ("/healthz", "/readyz")
_BODY = orjson.dumps(
    {
        "error": {
            "code": "unavailable",
            "message": "All request threads are busy; try again in a few seconds.",
            "details": [],
        }
    }
)


class Admission:
    """A WSGI application that passes at most `places` requests at a time to another."""

    def __init__(self, app: WSGIApp, places: int = PLACES) -> None:
        self._app = app
        self._free = places
        self._changed = threading.Condition()
        self._moved_at = time.monotonic()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in _OPEN:
            return self._app(environ, start_response)
        if not self._enter():
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))]
            start_response("503 Service Unavailable", [*headers, ("Retry-After", "1")])
            return [_BODY]
        try:
            return self._app(environ, start_response)
        finally:
            self._leave()

    def _enter(self) -> bool:
        """Take a place, or wait for one; False when none was given back for `STUCK_SECONDS`."""
        with self._changed:
            while not self._free:
                left = self._moved_at + STUCK_SECONDS - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            self._take(1)
        return True

    def _leave(self) -> None:
        with self._changed:
            self._take(-1)
            self._changed.notify()

    def _take(self, places: int) -> None:
        self._free -= places
        self._moved_at = time.monotonic()
