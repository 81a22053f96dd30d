"""`kt whoami`: whose token is used, at which control plane, and what it may do."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from kt.cli.client.members import Row, block
from kt.cli.client.output import add_json, show_row
from kt.cli.client.session import add_connection, connect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_json(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Ask and print it."""
    control_plane = connect(options)
    who = control_plane.row("/v1/whoami")
    if options.json:
        show_row(who, (), options)
        return 0
    bearer = bearer_of(who)
    row = {"control_plane": control_plane.url, **bearer, "may": who.get("actions")}
    row["subject"] = who.get("subject")
    names = ("control_plane", "name", "subject", "role", "sight", "id", "expires_at", "emails",
             "may")  # fmt: skip
    show_row(row, names, options)
    return 0


def bearer_of(who: Mapping[str, Any]) -> Row:
    """The token or trust that asks."""
    return block(who, "token") or block(who, "trust")


def described(who: Mapping[str, Any]) -> str:
    """A bearer in a few words: its name and role."""
    bearer = bearer_of(who)
    return f"{bearer.get('name')} ({bearer.get('role')})"
