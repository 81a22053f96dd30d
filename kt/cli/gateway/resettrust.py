"""`kt gateway reset-trust`: let a gateway begin anew with the signing key that its token pins.

Exit codes: 0 done, 2 it could not be done, as while the gateway runs.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from kt.cli.errors import CommandError
from kt.cli.gateway.managed import GatewayIdentity, add_identity, read_identity

if TYPE_CHECKING:
    from kt.gateway.managed.identity import Identity
    from kt.gateway.managed.state import State
    from kt.gateway.managed.trust.reset import Carried


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_identity(parser.add_argument)
    parser.add_argument(
        "--forget-identity",
        action="store_true",
        help="also forget the token from an enrolment; the next start enrols anew",
    )


def run(options: argparse.Namespace) -> int:
    """Reset the trust of a gateway that does not run, and say what that means."""
    own = read_identity(options, os.environ)
    if not os.path.isdir(own.state_dir):
        raise CommandError(f"there is no state folder {own.state_dir}; give --state-dir D")
    try:
        from kt.gateway.managed.state import State
    except ImportError as exc:
        from kt.cli.models.extra import command

        message = f"the gateway needs {exc.name}, which kt was installed without: {command()}"
        raise CommandError(message) from exc
    try:
        state = State(own.state_dir)
        try:
            return _reset(state, own, forgets=options.forget_identity)
        finally:
            state.close()
    except OSError as exc:
        raise CommandError(f"{exc.filename or own.state_dir}: {exc.strerror}") from exc


def _reset(state: State, own: GatewayIdentity, *, forgets: bool) -> int:
    from kt.gateway.managed.trust.reset import reset

    next_start = _identity(state, own, forgets=forgets)
    carried = reset(state, gateway=own.gateway_id, token=next_start.token)
    if forgets:
        state.forget_identity()
    print("\n".join(_lines(own, carried, next_start)))
    return 0


def _identity(state: State, own: GatewayIdentity, *, forgets: bool) -> Identity:
    """The token that the gateway starts with next, and the key that is trusted then."""
    from kt.gateway.managed.identity import ENROLMENT, GATEWAY, identity
    from kt.gateway.policy.source import SourceError

    if forgets and own.gateway_token:
        raise CommandError("give --gateway-token or --forget-identity, not both")
    if forgets and not own.enrolment_token:
        raise CommandError("--forget-identity needs the --enrolment-token to enrol with")
    if own.gateway_token:
        return identity(own.gateway_token, GATEWAY)
    try:
        stored = None if forgets else state.identity()
    except SourceError as exc:
        raise CommandError(f"{exc}") from exc
    if stored is None and not own.enrolment_token:
        raise CommandError("give the --gateway-token that the gateway starts with")
    return stored or identity(own.enrolment_token, ENROLMENT)


def _lines(own: GatewayIdentity, carried: Carried, next_start: Identity) -> list[str]:
    from kt.gateway.managed.statement import fingerprint

    policy, keys = carried.policy, carried.keys
    lines = [f"gateway {own.gateway_id} in {own.state_dir}:"]
    for what, kept in (("policy", policy), ("client keys", keys)):
        if kept is not None:
            signer = fingerprint(kept.signed.key)
            lines.append(f"  forgot that {what} of sequence {kept.seq} came from key {signer}")
    lines.append(f"  trusts key {next_start.pin}, which the token pins")
    if policy is not None:
        named = f"{policy.statement.configuration} version {policy.statement.version}"
        lines.append(f"  keeps {named} in force until the control plane says what follows it")
    else:
        lines.append("  has no policy, and refuses every call until one comes")
    return lines
