"""A changed policy takes over while requests go on, or does not, and says why."""

from __future__ import annotations

import asyncio
import logging
import os
from hashlib import sha256

from kt.gateway.gateway import Gateway, timestamp
from kt.gateway.loading import Loaded, PolicyError, load, warm
from kt.policy.files import MAX_BYTES

_LOG = logging.getLogger("kt.gateway")
_PAUSE_SECONDS = 0.5
_REMINDER_SECONDS = 60.0


def read_policy(path: str) -> bytes:
    """The policy's bytes, at most one more than a policy may have."""
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


class Reloader:
    """Takes the newest policy: compiled aside, swapped whole; a bad one changes nothing."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = asyncio.Lock()
        self._seen = self._stamp()

    async def reload(self) -> bool:
        """Take the file as it is now; whether that is what is now enforced."""
        async with self._lock:
            gateway = self._gateway
            self._seen = self._stamp()
            try:
                loaded = await asyncio.to_thread(self._load)
            except (OSError, PolicyError) as exc:
                self._refuse(exc)
                return False
            gateway.problem = ""
            if loaded is not None:
                gateway.loaded = loaded
                _LOG.warning("now enforcing %s %s", loaded.id, loaded.content_hash)
            gateway.metrics.count("keeptrusts_config_reloads_total", outcome="taken")
            return True

    def _load(self) -> Loaded | None:
        """The newest policy; None when it is the one in force."""
        gateway = self._gateway
        path = gateway.options.policy_path
        data = read_policy(path)
        if sha256(data).hexdigest() == gateway.loaded.content_hash:
            return None
        loaded = load(data, gateway.options, gateway.environment, source=path, now=timestamp())
        warm(loaded)
        return loaded

    def _refuse(self, exc: Exception) -> None:
        if isinstance(exc, PolicyError):
            text = "; ".join(exc.problems[:3])
        else:
            text = getattr(exc, "strerror", None) or str(exc)
        self._gateway.problem = f"the newest policy was not taken: {text}"
        self._gateway.metrics.count("keeptrusts_config_reloads_total", outcome="refused")
        _LOG.error("%s", self._gateway.problem)

    async def watch(self) -> None:
        """Reload whenever the file changes, until cancelled."""
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            if self._stamp() != self._seen:
                await self.reload()

    async def remind(self) -> None:
        """Say once a minute that nothing is enforced, while that is so."""
        while True:
            if not self._gateway.loaded.snapshot.enabled:
                _LOG.warning("pack.enabled is false: every request passes through")
            await asyncio.sleep(_REMINDER_SECONDS)

    def _stamp(self) -> tuple[int, ...]:
        """What changes when the file does, be it written over, replaced or re-linked."""
        try:
            found = os.stat(self._gateway.options.policy_path)
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino
