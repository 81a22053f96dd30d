"""Successors: a configuration goes on under another id, and what was bound to it follows."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Followers:
    """What followed a configuration to another id: gateways by id, and how many other bindings."""

    gateways: tuple[str, ...] = ()
    bindings: int = 0


Follow = Callable[[str, str], Followers]
_followers: list[Follow] = []


def register(follow: Follow) -> None:
    """Have `follow(before, after)` called, in the transaction that renames a configuration.

    Packages above this one bind configurations; this one does not know them.
    """
    if follow not in _followers:
        _followers.append(follow)


def succeed(before: str, after: str) -> Followers:
    """Move everything that is bound to `before` to `after`, which has the same content.

    Called in the writing transaction, after `publish`.
    """
    found = [follow(before, after) for follow in _followers]
    gateways = tuple(name for one in found for name in one.gateways)
    return Followers(gateways, sum(one.bindings for one in found))
