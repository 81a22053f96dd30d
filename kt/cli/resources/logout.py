"""`kt logout`: forget a control plane's url and token."""

from __future__ import annotations

import argparse
import os

from kt.cli.client import logins
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import block, identity
from kt.cli.errors import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--name", metavar="NAME", help="of the login; without it, the one that is used")
    add("--revoke", action="store_true", help="end the token as well, wherever else it is kept")


def run(options: argparse.Namespace) -> int:
    """Remove the login; the one that is used next is said."""
    kept = logins.read(os.environ)
    name = options.name or kept.current
    login = kept.by_name.get(name)
    if login is None:
        raise CommandError(f"there is no login {name!r}")
    if options.revoke:
        control_plane = ControlPlane(login.url, login.token)
        who = block(control_plane.row("/v1/whoami"), "token")
        if not who:
            raise CommandError("this is no token that can be revoked")
        control_plane.send("DELETE", f"/v1/tokens/{identity(who)}")
    left = {key: one for key, one in kept.by_name.items() if key != name}
    current = kept.current if kept.current in left else next(iter(left), logins.DEFAULT)
    logins.write(logins.Logins(left, current), os.environ)
    following = f"; {current} ({left[current].url}) is used now" if left else ""
    print(f"forgot {name} ({login.url}){following}")
    return 0
