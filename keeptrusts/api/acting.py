"""The actor: the caller of the present request, command or task, for the audit log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. `id` is empty for a command and for the control plane itself.

    `kind` is token, trust, person, gateway, enrolment_token, webhook, git_repo, command or
    control_plane.
    """

    kind: str
    id: str = ""
    name: str = ""


CONTROL_PLANE = Actor("control_plane")

_actor: ContextVar[Actor] = ContextVar("actor", default=CONTROL_PLANE)


def current() -> Actor:
    """Who acts now; the control plane itself where nobody was named."""
    return _actor.get()


def begin(actor: Actor) -> None:
    """Name who acts from here on, in this thread or task."""
    _actor.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Name who acts within the block."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def forget() -> None:
    """Leave the acts of the caller before to that caller: threads are used again."""
    _actor.set(CONTROL_PLANE)
