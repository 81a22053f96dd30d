"""Clients by the keys that they hold: their names, models and limits."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from kt.gateway.clients.keys import digest
from kt.policy.decision.tools.globs import Globs, matches


@dataclass(frozen=True, slots=True)
class Allowance:
    """The amount that a client may use in a window of `window_seconds`."""

    amount: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a key. `name` is "" for a key that has none.

    `models` are the models that it may ask for, None for all. `requests` and `tokens` are its own
    limits, None without one.
    """

    name: str = ""
    models: Globs | None = None
    requests: Allowance | None = None
    tokens: Allowance | None = None

    def may_use(self, model: str) -> bool:
        """True when the client may ask for a model."""
        return self.models is None or matches(self.models, model)


# Digests are looked up under a secret of this process, so that the time of a look-up says nothing
# of them, and does not grow with their number.
_SECRET = secrets.token_bytes(32)


class Callers:
    """The holders of all keys, by the SHA-256 of their keys.

    `are_demanded`: a call needs one of the keys, of which there may be none. Else everybody may
    call.
    """

    def __init__(self, holders: Mapping[bytes, Caller], *, demanded: bool = False) -> None:
        self._holders = {_mark(one): caller for one, caller in holders.items()}
        self.are_demanded = demanded or bool(holders)

    def __len__(self) -> int:
        return len(self._holders)

    @property
    def names(self) -> frozenset[str]:
        """The names of the holders; keys without one count for none."""
        return frozenset(caller.name for caller in self._holders.values() if caller.name)

    def beside(self, others: Callers) -> Callers:
        """These holders and `others`, without those of a name or with a key that is here."""
        both = Callers({}, demanded=self.are_demanded or others.are_demanded)
        mine = self.names
        added = {one: held for one, held in others._holders.items() if held.name not in mine}
        both._holders = {**added, **self._holders}
        return both

    def find(self, key: str) -> Caller | None:
        """The holder of a key; None for an unknown one, and for none."""
        return self._holders.get(_mark(digest(key))) if key else None


def _mark(key_digest: bytes) -> bytes:
    return blake2b(key_digest, key=_SECRET, digest_size=32).digest()


def unnamed(digests: Iterable[bytes]) -> Callers:
    """The holders of keys that have no name: each may do what the policy allows."""
    return Callers({one: Caller() for one in digests})
