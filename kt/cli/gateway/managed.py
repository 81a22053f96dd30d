"""The options and variables by which `kt gateway run` is bound to a control plane."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from kt.cli.client.addresses import INSECURE, check_url
from kt.cli.errors import CommandError
from kt.cli.numbers import positive
from kt.gateway.managed.identity import ENROLMENT, GATEWAY, TokenError, identity
from kt.gateway.options import Managed
from kt.policy.language.forms import FORMS, is_id

API_URL = "KEEPTRUSTS_API_URL"
_GATEWAY_ID = "KEEPTRUSTS_GATEWAY_ID"
_GATEWAY_TOKEN = "KEEPTRUSTS_GATEWAY_TOKEN"  # noqa: S105  A variable's name.
_ENROLMENT_TOKEN = "KEEPTRUSTS_ENROLMENT_TOKEN"  # noqa: S105  A variable's name.
_STATE_DIR = "KEEPTRUSTS_STATE_DIR"
_MAX_AGE = "KEEPTRUSTS_MAX_POLICY_AGE"
_SPOOL_BYTES = 64 << 20
# Three reports of the largest fleet.
_LEAST_AGE_SECONDS = 300


def add_managed(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a managed gateway."""
    add = parser.add_argument_group(
        "managed by a control plane",
        "Without --policy-config the control plane says which policy to enforce. It needs the url, "
        "the id and a token.",
    ).add_argument
    add("--managed", action="store_true", help="take the policy from the control plane")
    add("--api-url", metavar="URL", help=f"also {API_URL}")
    add_identity(add)
    add("--spool-bytes", type=positive, default=_SPOOL_BYTES, metavar="N",
        help="bound on decisions that wait to be sent; default: 64 MiB")  # fmt: skip
    add(
        "--max-policy-age",
        metavar="S",
        help="seconds for which the policy is enforced when the control plane does not confirm it; "
        f"then calls are refused; {_LEAST_AGE_SECONDS} or more, default: for ever; also {_MAX_AGE}",
    )
    add(INSECURE, action="store_true", help="send tokens over http to other machines")


def add_identity(add: Callable[..., object]) -> None:
    """Declare the options that say which gateway it is, with `add_argument`."""
    add("--gateway-id", metavar="ID", help=f"also {_GATEWAY_ID}")
    add("--gateway-token", metavar="T", help=f"also {_GATEWAY_TOKEN}, which no process list shows")
    add("--gateway-token-file", metavar="F", help="a file with it, as kt gateways add writes one")
    add(
        "--enrolment-token",
        metavar="T",
        help=f"to get a gateway token with; also {_ENROLMENT_TOKEN}",
    )
    add(
        "--state-dir", metavar="D", help=f"default: ~/.local/state/keeptrusts/ID; also {_STATE_DIR}"
    )


def read_managed(given: argparse.Namespace, environment: Mapping[str, str]) -> Managed | None:
    """The options of a managed gateway; None for a gateway with a policy file.

    Raises:
        CommandError: an option is missing, contradicts another, or cannot be used.
    """
    tokens = given.gateway_token or given.gateway_token_file or given.enrolment_token
    asked = given.managed or given.api_url or tokens
    if given.policy and asked:
        raise CommandError("give --policy-config or a control plane, not both")
    if given.policy:
        return None
    url = given.api_url or environment.get(API_URL, "")
    if not url:
        raise CommandError(f"give --policy-config F, or --api-url URL (or {API_URL})")
    own = read_identity(given, environment)
    return Managed(
        api_url=check_url(url, insecure_http=given.insecure_http),
        gateway_id=own.gateway_id,
        gateway_token=own.gateway_token,
        enrolment_token=own.enrolment_token,
        state_dir=own.state_dir,
        spool_bytes=given.spool_bytes,
        insecure_http=given.insecure_http,
        max_policy_age_seconds=_age(given.max_policy_age or environment.get(_MAX_AGE, "")),
    )


class GatewayIdentity(NamedTuple):
    """The options that say which gateway it is; a token that is not given is ""."""

    gateway_id: str
    gateway_token: str
    enrolment_token: str
    state_dir: str


def read_identity(given: argparse.Namespace, environment: Mapping[str, str]) -> GatewayIdentity:
    """The options of `add_identity`.

    Raises:
        CommandError: the id is missing, or an option cannot be used.
    """
    gateway_id = _gateway_id(given.gateway_id or environment.get(_GATEWAY_ID, ""))
    return GatewayIdentity(
        gateway_id=gateway_id,
        gateway_token=_gateway_token(given, environment),
        enrolment_token=_token(
            given.enrolment_token or environment.get(_ENROLMENT_TOKEN, ""),
            ENROLMENT,
            source="--enrolment-token" if given.enrolment_token else _ENROLMENT_TOKEN,
        ),
        state_dir=given.state_dir or environment.get(_STATE_DIR, "") or _state_dir(gateway_id),
    )


def _age(text: str) -> float:
    if not text:
        return 0.0
    if not (text.isascii() and text.isdigit() and int(text) >= _LEAST_AGE_SECONDS):
        least = f"a whole number of seconds, at least {_LEAST_AGE_SECONDS}"
        raise CommandError(f"--max-policy-age (or {_MAX_AGE}) takes {least}, not {text!r}")
    return float(text)


def _gateway_id(text: str) -> str:
    if not text:
        ways = f"--gateway-id ID (or {_GATEWAY_ID}), or --policy-config F without a control plane"
        raise CommandError(f"give {ways}")
    if not is_id(text):
        raise CommandError(f"the gateway's id {text!r} is not {FORMS['id'].words}")
    return text


def _gateway_token(given: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """The token of a file, an option or the environment; a file that is named has one."""
    file = given.gateway_token_file
    if not file:
        source = "--gateway-token" if given.gateway_token else _GATEWAY_TOKEN
        return _token(given.gateway_token or environment.get(source, ""), GATEWAY, source=source)
    if given.gateway_token:
        raise CommandError("give --gateway-token or --gateway-token-file, not both")
    from kt.cli.client.secrets import STDIN, read_text

    source = "stdin" if file == STDIN else file
    if token := _token(read_text(file), GATEWAY, source=source):
        return token
    raise CommandError(f"{source}: there is no token in it")


def _token(text: str, prefix: str, *, source: str) -> str:
    """The token that a text is; "" for none. `source` is where whoever gave it finds it."""
    token = text.strip()
    if not token:
        return ""
    try:
        return identity(token, prefix).token
    except TokenError as exc:
        raise CommandError(f"{source} {exc}") from exc


def _state_dir(gateway_id: str) -> str:
    return os.path.join(os.path.expanduser("~"), ".local", "state", "keeptrusts", gateway_id)
