"""Failed authentications: each slows the next ones, and all are told once a minute."""

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable

import structlog

from keeptrusts.api.errors import RefusedError

log = structlog.get_logger(__name__)

_WINDOW_SECONDS = 60.0
# Slips of the pen; each failure beyond them adds a tenth of a second.
_FREE = 10
_SECONDS_EACH = 0.1
_MOST_SECONDS = 5.0
# Delayed requests hold a connection each; beyond, they are refused: of one address, and of all.
_MOST_DELAYED_OF_ONE = 100
_MOST_DELAYED = 1000
_MOST_COUNTED = 10_000
_MOST_KNOWN = 20_000
_TOLD = 5
# Of a token's secret part, enough to tell one from another: what stands before it many share.
_PREFIX = 8
_KINDS = ("kt_", "ktg", "kte")


class Attempts:
    """Counts of failures in the present minute, by address and by the beginning of a token.

    A credential that passed is not slowed, whatever else comes from its address. Without one, what
    failed is counted by address alone.
    """

    def __init__(
        self, *, seconds_each: float = _SECONDS_EACH, most: int = _MOST_DELAYED,
        most_of_one: int = _MOST_DELAYED_OF_ONE,
    ) -> None:  # fmt: skip
        self._seconds_each, self._most, self._most_of_one = seconds_each, most, most_of_one
        self._failures: Counter[str] = Counter()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._delayed: Counter[str] = Counter()
        self._untold = 0

    async def wait(self, address: str, credential: str) -> None:
        """Wait as long as the failures of an address, or of a token's beginning, ask for.

        Raises:
            RefusedError: too many wait already (`too_many_attempts`).
        """
        if _digest(credential) in self._known:
            return
        failures = max(self._failures[name] for name in _names(address, credential))
        seconds = min(max(0, failures - _FREE) * self._seconds_each, _MOST_SECONDS)
        if not seconds:
            return
        if self._delayed[address] >= self._most_of_one or self._delayed.total() >= self._most:
            message = "Too many authentications failed; try again in a minute."
            raise RefusedError(429, "too_many_attempts", message, headers={"Retry-After": "60"})
        self._delayed[address] += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._delayed[address] -= 1
            if not self._delayed[address]:
                del self._delayed[address]

    def passed(self, credential: str) -> None:
        """Note a credential that is good."""
        self.learn([_digest(credential)])

    def learn(self, digests: Iterable[str]) -> None:
        """Note credentials that are good, by the sha256 of each in hex."""
        for digest in digests:
            self._known[digest] = None
            self._known.move_to_end(digest)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    def failed(self, address: str, credential: str) -> None:
        """Count a failure."""
        self._known.pop(_digest(credential), None)
        if not self._untold:
            asyncio.get_running_loop().call_later(_WINDOW_SECONDS, self._tell)
        self._untold += 1
        for name in _names(address, credential):
            if name in self._failures or len(self._failures) < _MOST_COUNTED:
                self._failures[name] += 1

    def _tell(self) -> None:
        most = dict(self._failures.most_common(_TOLD))
        log.warning("authentications failed", count=self._untold, most_from=most)
        self._failures.clear()
        self._untold = 0


def _names(address: str, credential: str) -> tuple[str, ...]:
    if not credential:
        return (f"address {address}",)
    kind = credential[:3] if credential[:3] in _KINDS else ""
    secret = credential.rpartition(".")[2].removeprefix(kind)
    return f"address {address}", f"token {kind}{ascii(secret[:_PREFIX])[1:-1]}…"


def _digest(credential: str) -> str:
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).hexdigest()
