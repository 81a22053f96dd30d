"""Writes of people: upon what was read, and with the command that asks for a second person."""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple

from kt.cli.client.controlplane import Answer, ControlPlane, Query
from kt.cli.client.output import say
from kt.cli.client.refusals import RefusedError
from kt.cli.errors import CommandError

SECOND_PERSON = "second_person_needed"


class Ask(NamedTuple):
    """What a request under four eyes says: its kind, its target, and the change as its body."""

    kind: str
    target: str
    change: dict[str, Any]

    def command(self) -> str:
        """The command that asks for it."""
        words = ["kt", "requests", "ask", self.kind, self.target]
        if self.change:
            words += ["--change", json.dumps(self.change)]
        return f"{shlex.join(words)} --reason '…'"


def change(
    control_plane: ControlPlane,
    method: str,
    path: str,
    body: Any = None,
    *,
    ask: Ask | None = None,
    etag: str = "",
    query: Query | None = None,
) -> Answer:
    """Write, and say what the control plane noticed.

    Raises:
        CommandError: it was not made; where a second person is needed, with the command that asks.
    """
    try:
        answer = control_plane.send(method, path, body, etag=etag, query=query)
    except RefusedError as exc:
        if exc.code == SECOND_PERSON and ask is not None:
            raise CommandError(f"{exc}\n  ask for it: {ask.command()}") from exc
        raise
    for notice in answer.notices:
        say(f"note: {notice}")
    return answer


def write_upon(
    control_plane: ControlPlane,
    method: str,
    path: str,
    body: Any = None,
    *,
    ask: Ask | None = None,
    of: str = "",
    query: Query | None = None,
) -> Answer:
    """As `change`, upon the row as it is now: `of` is its path where that is another."""
    etag = control_plane.read(of or path).etag
    return change(control_plane, method, path, body, ask=ask, etag=etag, query=query)
