"""Reloading: a changed policy comes into force while requests go on, or is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from hashlib import sha256

from kt.gateway.gateway import Gateway, timestamp
from kt.gateway.policy.loading import Loaded, PolicyError, load, warm
from kt.gateway.policy.source import Sourced, SourceError

_LOG = logging.getLogger("kt.gateway")
_PAUSE_SECONDS = 0.5
_REMINDER_SECONDS = 60.0


class Reloader:
    """Puts the newest policy into force: compiled first, swapped whole, or refused."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = asyncio.Lock()
        self._seen = gateway.source.stamp()

    async def reload(self) -> bool:
        """Put the source's policy into force; False when it was refused."""
        async with self._lock:
            gateway = self._gateway
            self._seen = gateway.source.stamp()
            try:
                loaded = await asyncio.to_thread(self._load_newest)
            except (OSError, PolicyError, SourceError) as exc:
                self._refuse(exc)
                return False
            self._enforce(loaded)
            return True

    @property
    def is_configured(self) -> bool:
        """True when any policy is in force."""
        return self._gateway.loaded.is_configured

    async def take(self, loaded: Loaded | None, keep: Callable[[], None]) -> OSError | None:
        """Put the result of `load_changed` into force, then call `keep`, which writes it down.

        Returns the error when it could not be written; the policy is in force all the same.
        """
        async with self._lock:
            self._enforce(loaded)
            failure = await asyncio.to_thread(_failure, keep)
            self._seen = self._gateway.source.stamp()
            return failure

    def load_changed(self, sourced: Sourced) -> Loaded | None:
        """A compiled policy, which takes a while; None when it is the one in force.

        Raises:
            PolicyError: it cannot be served.
        """
        gateway = self._gateway
        is_same = sha256(sourced.data).hexdigest() == gateway.loaded.content_hash
        if is_same and sourced.id in (None, gateway.loaded.id):
            return None
        name = gateway.source.name
        loaded = load(sourced, gateway.options, gateway.environment, source=name, now=timestamp())
        warm(loaded)
        return loaded

    def _load_newest(self) -> Loaded | None:
        return self.load_changed(self._gateway.source.read())

    def _enforce(self, loaded: Loaded | None) -> None:
        gateway = self._gateway
        gateway.problem = ""
        if loaded is not None:
            gateway.loaded = loaded
            _LOG.warning("now enforcing %s %s", loaded.id, loaded.content_hash)
        gateway.metrics.count("keeptrusts_config_reloads_total", outcome="taken")

    def _refuse(self, exc: Exception) -> None:
        if isinstance(exc, PolicyError):
            text = "; ".join(exc.problems[:3])
        else:
            text = getattr(exc, "strerror", None) or str(exc)
        self._gateway.problem = f"the newest policy was not taken: {text}"
        self._gateway.metrics.count("keeptrusts_config_reloads_total", outcome="refused")
        _LOG.error("%s", self._gateway.problem)

    async def watch(self) -> None:
        """Reload whenever the source changes, until cancelled."""
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            if self._gateway.source.stamp() != self._seen:
                await self.reload()

    async def remind(self) -> None:
        """Log once a minute that nothing is enforced, while that is so."""
        while True:
            if not self._gateway.loaded.snapshot.enabled:
                _LOG.warning("pack.enabled is false: every request passes through")
            await asyncio.sleep(_REMINDER_SECONDS)


def _failure(keep: Callable[[], None]) -> OSError | None:
    try:
        keep()
    except OSError as exc:
        return exc
    return None
