"""Reloading: a changed policy, and changed client keys, come into force or are refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from hashlib import sha256

from kt.gateway.gateway import Gateway, timestamp
from kt.gateway.policy.loading import Loaded, PolicyError, load, warm
from kt.gateway.policy.source import Sourced, SourceError, stamp

_LOG = logging.getLogger("kt.gateway")
# News for whoever reads along, which is no warning.
_NEWS = logging.getLogger("kt.gateway.policy")
_PAUSE_SECONDS = 0.5
_REMINDER_SECONDS = 60.0


class Reloader:
    """Puts the newest policy and client keys into force: read first, swapped whole, or refused.

    Neither waits for the other: a key is withdrawn also while the policy cannot be served.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = asyncio.Lock()
        self._seen = gateway.source.stamp()
        self._keys_seen = self._stamp_keys()

    async def reload(self) -> bool:
        """Put the newest policy and client keys into force; False when either was refused."""
        async with self._lock:
            is_taken = await self._reload_keys()
            gateway = self._gateway
            self._seen = gateway.source.stamp()
            try:
                loaded = await asyncio.to_thread(self._load_newest)
            except (OSError, PolicyError, SourceError) as exc:
                self._refuse(exc)
                return False
            self._enforce(loaded)
            return is_taken

    async def _reload_keys(self) -> bool:
        gateway = self._gateway
        self._keys_seen = self._stamp_keys()
        await asyncio.to_thread(gateway.renew_callers)
        if gateway.keys_problem:
            _LOG.error("%s", gateway.keys_problem)
        return not gateway.keys_problem

    def _stamp_keys(self) -> tuple[int, ...]:
        path, source = self._gateway.options.client_keys_path, self._gateway.admission.source
        return (*(stamp(path) if path else ()), *(source.stamp() if source else ()))

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

    async def take_keys(self, content: bytes, seq: int, keep: Callable[[], None]) -> OSError | None:
        """Put client keys that a control plane issued into force, then call `keep`, as `take`.

        Raises:
            SettingError: the list cannot be read; the last one stays in force.
        """
        async with self._lock:
            admission = self._gateway.admission
            await asyncio.to_thread(admission.issue, content, seq, timestamp())
            failure = await asyncio.to_thread(_failure, keep)
            self._keys_seen = self._stamp_keys()
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
            gateway.readiness.note(has_policy=loaded.is_configured)
            if loaded.snapshot.asks:
                gateway.models.prepare(*loaded.model)
            _NEWS.info("now enforcing %s %s", loaded.id, loaded.content_hash)
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
        """Reload whenever the source or the client keys change, until cancelled."""
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            if self._gateway.source.stamp() != self._seen:
                await self.reload()
            elif self._stamp_keys() != self._keys_seen:
                async with self._lock:
                    await self._reload_keys()

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
