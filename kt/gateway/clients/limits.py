"""Rate and token limits of a policy, counted in this process and kept over reloads."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from kt.gateway.clients.windows import Window
from kt.gateway.errors import LimitError

_USER_HEADERS = ("x-user-id",)


class Limits:
    """The counters of all limits; the limits are read from the policy at each request."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, int], Window] = {}

    def admit(self, document: Mapping[str, Any], headers: Mapping[str, str], peer: str) -> None:
        """Count a request.

        A request that is refused counts nowhere.

        Raises:
            LimitError: over a limit.
        """
        now = time.monotonic()
        admitted = []
        for name, key in self._keys(document, headers, peer):
            limit = document[name]
            window = self._window(name, limit["window_seconds"])
            wait = window.wait(key, now, limit=limit["max_requests"])
            if wait:
                raise LimitError(name, wait)
            admitted.append((window, key))
        for window, key in admitted:
            window.add(key, now)

    def reserve_tokens(
        self, document: Mapping[str, Any], headers: Mapping[str, str], peer: str, tokens: int
    ) -> None:
        """Count the tokens that a request is estimated to take.

        Raises:
            LimitError: over the limit.
        """
        limit = document.get("token_rate_limit")
        if not limit:
            return
        now = time.monotonic()
        key = self._token_key(document, headers, peer)
        window = self._window("token_rate_limit", limit["window_seconds"])
        wait = window.wait(key, now, limit=limit["max_tokens"], amount=tokens)
        if wait:
            raise LimitError("token_rate_limit", wait)
        window.add(key, now, tokens)

    def settle_tokens(
        self, document: Mapping[str, Any], headers: Mapping[str, str], peer: str, tokens: int
    ) -> None:
        """Correct the estimate by `tokens`, which may be negative."""
        limit = document.get("token_rate_limit")
        if limit:
            key = self._token_key(document, headers, peer)
            window = self._window("token_rate_limit", limit["window_seconds"])
            window.add(key, time.monotonic(), tokens)

    def _keys(
        self, document: Mapping[str, Any], headers: Mapping[str, str], peer: str
    ) -> list[tuple[str, str]]:
        keys = []
        if document.get("global_rate_limit"):
            keys.append(("global_rate_limit", ""))
        if document.get("ip_rate_limit"):
            keys.append(("ip_rate_limit", address(document, headers, peer)))
        if document.get("user_rate_limit"):
            keys.append(("user_rate_limit", _user(document, headers, peer)))
        return keys

    def _token_key(self, document: Mapping[str, Any], headers: Mapping[str, str], peer: str) -> str:
        scope = document["token_rate_limit"].get("scope", "global")
        return _user(document, headers, peer) if scope == "user" else ""

    def _window(self, name: str, seconds: int) -> Window:
        return self._windows.setdefault((name, seconds), Window(seconds))


def address(document: Mapping[str, Any], headers: Mapping[str, str], peer: str) -> str:
    """The client's address: the peer's, or the one that trusted proxies forward.

    Proxies append, so the address that the outermost trusted one saw is counted from the
    right; whatever is left of it was written by the client.
    """
    depth = (document.get("ip_rate_limit") or {}).get("trust_proxy_depth", 0)
    forwarded = [item.strip() for item in headers.get("x-forwarded-for", "").split(",")]
    hops: Sequence[str] = [*filter(None, forwarded), peer]
    client: str = hops[max(0, len(hops) - 1 - depth)]
    return client


def _user(document: Mapping[str, Any], headers: Mapping[str, str], peer: str) -> str:
    """The user of a request: the first user header, else the client's address."""
    names = (document.get("user_rate_limit") or {}).get("header_names") or _USER_HEADERS
    for name in names:
        if headers.get(name.lower()):
            return f"user {headers[name.lower()]}"
    return f"address {address(document, headers, peer)}"
