"""`kt evidence`: what was in force at a time, with proof.

Exit codes of verify: 0 all is proven, 1 something is not, 2 it could not tell.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from kt.cli.client.members import segment
from kt.cli.client.printable import line
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.evidence import files
from kt.cli.evidence.entries import whole

if TYPE_CHECKING:
    from collections.abc import Sequence


def _trusted_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--checkpoint", metavar="F", help="a checkpoint that you kept, of the same log")
    add(
        "--witness",
        action="append",
        default=[],
        metavar="KEY",
        help="the key of a witness that must have signed; more than once for several",
    )


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    wrote = "as kt evidence show --output wrote it; more than one may be given"
    parser.add_argument("files", nargs="+", metavar="FILE", help=wrote)
    _trusted_arguments(parser)


def _verify(options: argparse.Namespace) -> int:
    """Verify files, without a network."""
    files.needed()
    return max([_told(files.read(path), options) for path in options.files])


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--gateway", metavar="G", help="what it was to enforce, was handed and ran")
    add("--configuration", metavar="C", help="what was in force of it")
    add("--at", metavar="TIME", help="such as 2026-01-31T12:00:00Z; now without it")
    add("--output", metavar="F", help="also write the file, for kt evidence verify")
    add(
        "--whole",
        action="store_true",
        help="with all entries of the log, so that none can have been left out",
    )
    _trusted_arguments(parser)
    add_connection(parser)


def _show(options: argparse.Namespace) -> int:
    """Ask the control plane for a file, and say what it proves."""
    files.needed()
    if bool(options.gateway) == bool(options.configuration):
        raise CommandError("give --gateway G or --configuration C")
    about = ("gateways", options.gateway) if options.gateway else (
        "configurations", options.configuration)  # fmt: skip
    query = {"at": options.at} if options.at else {}
    if options.checkpoint:
        from kt.evidence import notes

        body = files.checkpoint(options.checkpoint).body
        query["since"] = str(notes.checkpoint(body).size)
    path = f"/v1/{about[0]}/{segment(about[1])}/evidence"
    control_plane = connect(options)
    data = control_plane.content(f"{path}?{urlencode(query)}" if query else path)
    if options.whole:
        data = whole(control_plane, data)
    if options.output:
        try:
            with open(options.output, "wb") as file:
                file.write(data)
        except OSError as exc:
            raise CommandError(f"{options.output}: {exc.strerror}") from exc
    _told(data, options)
    return 0


def _told(data: bytes, options: argparse.Namespace) -> int:
    from kt.evidence import verdict
    from kt.evidence.proofs import ProofError

    held = files.checkpoint(options.checkpoint) if options.checkpoint else None
    witnesses = files.keys(options.witness, of_witnesses=True)
    try:
        found = verdict.judge(data, witnesses=witnesses, checkpoint=held, now=time.time())
    except ProofError as exc:
        _print([f"NOT PROVEN: {exc}"])
        return 1
    _print(found.lines)
    return 0 if found.is_proven else 1


def _print(lines: Sequence[str]) -> None:
    for one in lines:
        print(line(one))


VERBS = (
    Verb("show", "say what was in force at a time", _show, _show_arguments,
         "kt evidence show --gateway edge-1 --at 2026-01-31T12:00:00Z --output edge-1.json"),
    Verb("verify", "verify files of evidence, without a network", _verify, _verify_arguments,
         "kt evidence verify edge-1.json --witness KEY"),
)  # fmt: skip
