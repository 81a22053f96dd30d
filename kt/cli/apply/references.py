"""Secrets that the file refers to, and new files for tokens that are shown once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from kt.cli.apply.plan import CREATE, Step
from kt.cli.client.secrets import SecretPlace, read_secret, secret_place, variable
from kt.cli.errors import CommandError

Secrets = Mapping[str, str | None]


def resolved(
    steps: Sequence[Step], *, folder: str, environment: Mapping[str, str]
) -> list[Secrets]:
    """The secrets of each step; None for one that is taken away.

    Raises:
        CommandError: one is missing. Nothing has been written by then.
    """
    return [
        {name: _text(step, name, where, folder, environment) for name, where in
         step.secrets.items()}
        for step in steps
    ]  # fmt: skip


def places(steps: Sequence[Step], *, folder: str, stack: ExitStack) -> list[SecretPlace | None]:
    """For each step that makes a row with a secret of its own, the new file for that.

    Raises:
        CommandError: a new row names none, or the file cannot be made.
    """
    found: list[SecretPlace | None] = []
    for step in steps:
        issued, item = step.kind.issued, step.item
        if issued is None or step.action != CREATE or item is None or not issued.of(item.fields):
            found.append(None)
            continue
        if not item.new_file:
            raise CommandError(
                f"line {item.line}: {step.name} is new, and its {issued.member} is shown once:"
                f" say with {issued.file}: PATH where that goes"
            )
        found.append(stack.enter_context(secret_place(os.path.join(folder, item.new_file))))
    return found


def _text(
    step: Step,
    name: str,
    where: Mapping[str, str] | None,
    folder: str,
    environment: Mapping[str, str],
) -> str | None:
    if where is None:
        return None
    try:
        if named := where.get("env"):
            return variable(named, environment)
        return read_secret(os.path.join(folder, where["file"]))
    except CommandError as exc:
        raise CommandError(f"{name} of {step.name}: {exc}") from exc
