"""The execution of a plan: step by step, each upon the row that was compared."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from kt.cli.apply.kinds import Row, normal
from kt.cli.apply.plan import CREATE, DELETE, SIGNS, Step
from kt.cli.apply.references import Secrets, places, resolved
from kt.cli.client.asking import waiting
from kt.cli.client.changing import Ask, change
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import identity
from kt.cli.client.output import say, text
from kt.cli.client.printable import line
from kt.cli.client.secrets import SecretPlace
from kt.cli.errors import CommandError
from kt.cli.resources.watching import outcome, synced

_SYNC_SECONDS = 60


def execute(control_plane: ControlPlane, steps: Sequence[Step], *, folder: str) -> None:
    """Make all changes, in their order.

    Secrets and places for tokens are looked for before the first change.

    Raises:
        CommandError: one failed; the message says what was done and what was not.
    """
    secrets = resolved(steps, folder=folder, environment=os.environ)
    with ExitStack() as stack:
        keepers = places(steps, folder=folder, stack=stack)
        fresh: list[Row] = []
        for number, step in enumerate(steps):
            try:
                if fresh and step.kind.name in ("gateways", "gateway_bindings"):
                    # What they name may come from these.
                    _wait(control_plane, fresh)
                    fresh = []
                made = _step(control_plane, step, secrets[number], keepers[number])
            except CommandError as exc:
                raise CommandError(_stopped(steps, number, exc)) from exc
            say(f"{SIGNS[step.action]} {step.kind.name}  {line(step.name)}  done")
            if step.kind.name == "git_repos" and step.action != DELETE and not _rests(made):
                fresh.append(made)
        if fresh:
            _wait(control_plane, fresh)


def _step(
    control_plane: ControlPlane, step: Step, secrets: Secrets, place: SecretPlace | None
) -> Row:
    path, body = step.kind.path, {**step.body, **secrets}
    if step.action == CREATE:
        ask = _ask(step, step.kind.create, str(body.get("configuration", "")))
        made = change(control_plane, "POST", path, body, ask=ask).row
        if place is not None and step.kind.issued is not None:
            place.keep(str(made.pop(step.kind.issued.member, "")))
        return made
    path = f"{path}/{identity(step.row)}"
    now = control_plane.read(path)
    # What else of it changed is no matter, unless it is removed.
    compared = step.kind.fields if step.action == DELETE else step.fields
    if any(
        normal(name, now.row.get(name)) != normal(name, step.row.get(name)) for name in compared
    ):
        raise CommandError("somebody changed it since the plan was made; apply again")
    target = str(step.row.get("id"))
    if step.action == DELETE:
        ask = _ask(step, step.kind.delete, target)
        return change(control_plane, "DELETE", path, ask=ask, etag=now.etag).row
    # A binding is another request than an edit, which wants another role.
    kind = "gateway.bind" if step.body.keys() == {"configuration"} else step.kind.edit
    ask = _ask(step, kind, target)
    made = change(control_plane, "PATCH", path, body, ask=ask, etag=now.etag).row
    for name, (_, after) in step.fields.items():
        if normal(name, made.get(name)) != normal(name, after):
            say(f"note: {line(step.name)}: {name} is {text(made.get(name))} there; write that")
    return made


def _ask(step: Step, kind: str, target: str) -> Ask | None:
    """The request for the same change; none asks for one with a secret."""
    return Ask(kind, target, step.body) if kind and not step.secrets else None


def _rests(row: Mapping[str, Any]) -> bool:
    return bool(row.get("suspended"))


def _wait(control_plane: ControlPlane, rows: Sequence[Row]) -> None:
    """Have links synced that were made or changed, and say what came of them."""
    for row in rows:
        with waiting(f"waiting for the sync of {text(row.get('url'))}"):
            after = synced(control_plane, dict(row), seconds=_SYNC_SECONDS)
        for told in outcome(after):
            say(told)


def _stopped(steps: Sequence[Step], number: int, exc: CommandError) -> str:
    """What is told of a plan that went no further: what failed, what was done, what was not."""
    lines = [f"{_shown(steps[number])}: {exc}"]
    if done := [_shown(step) for step in steps[:number]]:
        lines += ["  done before:", *(f"    {one}" for one in done)]
    if more := [_shown(step) for step in steps[number + 1 :]]:
        lines += ["  not tried:", *(f"    {one}" for one in more)]
    return "\n".join([*lines, "  apply again to go on from there"])


def _shown(step: Step) -> str:
    return f"{SIGNS[step.action]} {step.kind.name} {line(step.name)}"
