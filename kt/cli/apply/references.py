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
    """For each step that registers a gateway, the new file for its token.

    Raises:
        CommandError: a new gateway names none, or the file cannot be made.
    """
    found: list[SecretPlace | None] = []
    for step in steps:
        if step.kind.name != "gateways" or step.action != CREATE or step.item is None:
            found.append(None)
            continue
        if not step.item.token_file:
            raise CommandError(
                f"line {step.item.line}: {step.name} is new, and its token is shown once:"
                " say with token_file: PATH where that goes"
            )
        found.append(stack.enter_context(secret_place(os.path.join(folder, step.item.token_file))))
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
