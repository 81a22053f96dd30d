"""`kt apply -f FILE`: make the control plane as a file has it.

Exit codes: 0 it is so, 1 with `--dry-run` something would change, or nobody agreed; 2 it could not.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kt.cli.apply.document import Wanted, wanted
from kt.cli.apply.execution import execute
from kt.cli.apply.kinds import KINDS
from kt.cli.apply.plan import DELETE, SIGNS, UPDATE, Plan, PlanError, Step, plan
from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.output import add_json, is_colored, say, text
from kt.cli.client.printable import as_json, line
from kt.cli.client.session import add_connection, connect
from kt.cli.errors import CommandError
from kt.cli.sources import read_file

_HUES = {"+": "32", "~": "33", "-": "31"}
_LONGEST = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("-f", "--file", default="keeptrusts.yaml", metavar="F",
        help="- for stdin; default: keeptrusts.yaml")  # fmt: skip
    add("--dry-run", action="store_true", help="show the plan alone; 1 if anything would change")
    add("--prune", action="store_true",
        help="remove what the file does not have, of the kinds that it has")  # fmt: skip
    add("--renew-secrets", action="store_true",
        help="send secrets again that are there already")  # fmt: skip
    add("--schema", action="store_true", help="print the file's JSON Schema instead")
    add_yes(parser)
    add_json(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Compare, show, ask, and make the changes."""
    if options.schema:
        from kt.cli.apply.shapes import FILE
        from kt.policy.schema import schema

        print(json.dumps(schema(FILE, "Keeptrusts control plane"), indent=2))
        return 0
    source = read_file(options.file)
    if source.failure is not None:
        raise CommandError(f"{source.name}: {source.failure}")
    asked = wanted(source.data, name=source.name)
    control_plane = connect(options)
    live = {kind: control_plane.rows(KINDS[kind].path) for kind in KINDS if kind in asked}
    made = _plan(asked, live, options, source.name)
    _show(made, options)
    if not made.steps:
        return 0
    if options.dry_run:
        return 1
    if not agreed(_question(made.steps), options):
        return 1
    execute(control_plane, made.steps, folder=os.path.dirname(os.path.abspath(options.file)))
    return 0


def _plan(
    asked: Wanted,
    live: Mapping[str, Sequence[Mapping[str, Any]]],
    options: argparse.Namespace,
    name: str,
) -> Plan:
    try:
        return plan(asked, live, prune=options.prune, renew=options.renew_secrets)
    except PlanError as exc:
        raise CommandError(f"{name}: {line(str(exc))}") from exc


def _question(steps: Sequence[Step]) -> str:
    removed = sum(step.action == DELETE for step in steps)
    told = f" {removed} of them remove something." if removed else ""
    return f"Make {len(steps)} change{'s' if len(steps) > 1 else ''}?{told}"


def _show(made: Plan, options: argparse.Namespace) -> None:
    if options.json:
        print(as_json({"changes": list(map(_as_row, made.steps)),
                       "not_in_file": list(map(_as_row, made.left))}))  # fmt: skip
        return
    color = is_colored()
    for step in made.steps:
        for told in shown(step):
            hue = _HUES.get(told[0]) if color else None
            print(f"\x1b[{hue}m{told}\x1b[0m" if hue else told)
    if not made.steps:
        print("nothing to do")
    if made.left:
        kinds = sorted({step.kind.name for step in made.left})
        say(f"{len(made.left)} of {', '.join(kinds)} are not in the file; --prune removes them")


def shown(step: Step) -> Iterator[str]:
    """The lines of one change: what it is about, and its fields before and after."""
    yield f"{SIGNS[step.action]} {step.kind.name}  {line(step.name)}"
    for name, (before, after) in step.fields.items():
        now = _value(after)
        yield (
            f"    {name}: {_value(before)} -> {now}"
            if step.action == UPDATE
            else (f"    {name}: {now}")
        )
    for name, reference in step.secrets.items():
        where = ", ".join(f"{key} {value}" for key, value in (reference or {}).items())
        yield f"    {name}: {line(f'from {where}') if reference else 'taken away'}"


def _value(value: Any) -> str:
    told = text(value)
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…"


def _as_row(step: Step) -> dict[str, Any]:
    fields = {name: {"before": before, "after": after}
              for name, (before, after) in step.fields.items()}  # fmt: skip
    return {"action": step.action, "kind": step.kind.name, "name": step.name, "fields": fields,
            "secrets": dict(step.secrets)}  # fmt: skip
