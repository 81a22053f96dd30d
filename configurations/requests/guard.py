"""The guard of four eyes: each writer asks it, behind its locks, before it writes.

A change passes when nothing guards its target, when it is exactly what a second person has just
confirmed, or when an admin breaks the glass. What is not guarded costs nothing here.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from configurations.models import Configuration
from keeptrusts.api.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Change:
    """A change of something under four eyes.

    `kind` and `target` as in `ChangeRequest`. `upon` tells the state of the target; `shows` names
    exactly what is changed, `details` says it for people.
    """

    kind: str
    target: str
    upon: str
    shows: Mapping[str, str]
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class Passage:
    """What may pass within a block: `allowed`, or anything; and what did."""

    allowed: Change | None = None
    probes: bool = False
    passed: Change | None = None


class ProbedError(Exception):
    """The change that was tried is guarded; nothing of it is written."""

    def __init__(self, change: Change) -> None:
        super().__init__(change.kind)
        self.change = change


class VoidError(Exception):
    """The target changed since the change was asked for."""


_passage: ContextVar[Passage | None] = ContextVar("passage", default=None)


def demand(change: Change, *, guarded: bool) -> None:
    """Let a change pass, or refuse it. Called with the target locked, before it is written.

    Raises:
        ConflictError: it is guarded and needs a second person (`second_person_needed`).
        VoidError: it is not what was confirmed.
        ProbedError: it was tried alone, to see what is to be asked for.
    """
    if not guarded:
        return
    passage = _passage.get()
    if passage is None:
        body = f'{{"kind": "{change.kind}", "target": "{change.target}", "reason": "…"'
        message = (
            f'{change.target!r} is under four eyes: send {body}, "change": {{…}}}} to POST'
            " /v1/requests, with the body of this request as the change, and have somebody else"
            " confirm it."
        )
        raise ConflictError("second_person_needed", message)
    if passage.probes:
        raise ProbedError(change)
    if passage.allowed is not None and passage.allowed != change:
        raise VoidError(change.kind)
    passage.passed = change


@contextmanager
def passing(passage: Passage) -> Iterator[Passage]:
    """Let something pass within the block."""
    token = _passage.set(passage)
    try:
        yield passage
    finally:
        _passage.reset(token)


def digest(value: Any) -> str:
    """The sha256 of a JSON value in hex, the same for equal values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def standing(row: Configuration) -> str:
    """The state of a configuration: another one after every change that readers see."""
    return f"{row.version}:{row.updated_at:%Y%m%dT%H%M%S.%f}"


def content(
    row: Configuration,
    kind: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    upon: str,
    guarded: bool | None = None,
) -> None:
    """Let a change of a configuration pass, or refuse it, as `demand` does; the row is as after it.

    `before` and `after` have its fields, `upon` its state before, and `guarded` whether it was
    under four eyes, if that changes.
    """
    fields = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    details = {
        "before_hash": before["content_hash"],
        "content_hash": row.content_hash,
        "version": row.version,
        "fields": fields,
    }
    shows = {"content_hash": row.content_hash}
    change = Change(f"configuration.{kind}", row.pk, upon, shows, details)
    demand(change, guarded=row.four_eyes if guarded is None else guarded)
