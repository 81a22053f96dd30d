"""Requests of a token in a minute, counted in this process.

The web is one process, so its count is all that there is; of several control planes each counts
for itself.
"""

import asyncio
import hashlib
import math
from collections import OrderedDict
from dataclasses import dataclass

from keeptrusts.api.errors import LimitedError

_WINDOW_SECONDS = 60
_MOST_COUNTED = 20_000


@dataclass(slots=True)
class Window:
    """A minute of one token: its requests, of `most`; it `ends` by the clock of the loop."""

    most: int
    ends: float
    requests: int = 0

    @property
    def seconds(self) -> int:
        """The whole seconds until it ends, 1 at least."""
        return max(1, math.ceil(self.ends - asyncio.get_running_loop().time()))

    def check(self) -> None:
        """Refuse a request that is over the limit.

        Raises:
            LimitedError: it is (`rate_limited`).
        """
        if self.requests > self.most:
            message = f"This token may make {self.most} requests a minute; go on in the next."
            raise LimitedError("rate_limited", message, wait_seconds=self.seconds)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """What a client is told of it.

        Source: draft-ietf-httpapi-ratelimit-headers.
        """
        left = max(0, self.most - self.requests)
        return [
            (b"ratelimit-policy", b'"token";q=%d;w=%d' % (self.most, _WINDOW_SECONDS)),
            (b"ratelimit", b'"token";r=%d;t=%d' % (left, self.seconds)),
        ]


class Limits:
    """The windows of all tokens. One begins with the first request after the one before."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._windows: OrderedDict[bytes, Window] = OrderedDict()

    def count(self, credential: str) -> Window | None:
        """Count a request; None where there is no credential, or no limit."""
        if not credential or not self._most:
            return None
        key = hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
        now = asyncio.get_running_loop().time()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._windows.pop(key, None)
            window = self._windows[key] = Window(self._most, now + _WINDOW_SECONDS)
            if len(self._windows) > _MOST_COUNTED:
                self._windows.popitem(last=False)
        window.requests += 1
        return window
