"""Resetting trust: the way back when the signing key that a gateway saw last is lost."""

from __future__ import annotations

from dataclasses import dataclass

from kt.gateway.managed.keys import store
from kt.gateway.managed.keys.proof import KeptKeys
from kt.gateway.managed.state import Kept, State
from kt.gateway.managed.trust import freshness


@dataclass(frozen=True, slots=True)
class Carried:
    """The documents that stay in force until the next ones come; None where there was none."""

    policy: Kept | None
    keys: KeptKeys | None


def reset(state: State, *, gateway: str, token: str) -> Carried:
    """Forget which key signs, and every sequence; `token` is the one that the gateway starts with.

    Afterwards the key that this token pins is trusted, and nothing is too old. What is in force
    stays so until a statement comes that this key, or one that it leads to, signed. Done twice, or
    again after it broke off, the result is the same.

    Raises:
        OSError: the folder cannot be read or written.
    """
    carried = Carried(
        state.policy.carry(gateway=gateway, token=token),
        store.shelf(state.folder).carry(gateway=gateway, token=token),
    )
    # Last: without it the key that signed these would still be trusted.
    freshness.shelf(state.folder).forget()
    return carried
