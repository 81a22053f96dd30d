"""`kt gateways`: register and bind what enforces policies."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from kt.cli.client.asking import add_yes, agreed
from kt.cli.client.changing import Ask, change, write_upon
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.members import Row, identity, segment
from kt.cli.client.output import Column, add_json, show_row, show_rows, text
from kt.cli.client.printable import as_json
from kt.cli.client.refusals import DeniedError
from kt.cli.client.secrets import STDIN, secret_place
from kt.cli.client.session import add_connection, connect
from kt.cli.commands.parsing import Verb
from kt.cli.errors import CommandError
from kt.cli.resources.labels import add_labels, labels
from kt.cli.resources.naming import pick, short

_PATH = "/v1/gateways"
_BINDINGS = "/v1/gateway-bindings"
_SHOWN = (
    "id", "name", "labels", "configuration", "bound", "bound_at", "ambiguous", "client_keys",
    "enrolled_by", "state", "since", "why", "desired_version", "running_version", "running_hash",
    "created_at", "updated_at",
)  # fmt: skip
_COLUMNS = (
    Column("ID", "id"),
    Column("STATE", "state"),
    Column("ENFORCES", "bound"),
    Column("RUNS", lambda row: running(row)),
    Column("LABELS", "labels", yields=True),
    Column("WHY", "why", yields=True),
)
_OF_BINDINGS = (Column("ID", short), Column("CONFIGURATION", "configuration"),
                Column("SELECTOR", "selector", yields=True))  # fmt: skip
_OF_DRIFT = ("state", "since", "why", "desired_version", "running_version", "running_hash")


def running(row: Mapping[str, Any]) -> str:
    """The version that a gateway says it runs, and the one that it should."""
    runs, should = row.get("running_version"), row.get("desired_version")
    return text(runs) if runs == should else f"{text(runs)} (not {text(should)})"


def with_state(control_plane: ControlPlane, rows: list[Row], gateway: str = "") -> list[Row]:
    """Gateways with what drift says of each, as far as the token may read that."""
    try:
        seen = control_plane.rows("/v1/drift", {"gateway": gateway})
    except DeniedError:
        return rows
    states = {str(row.get("gateway")): row for row in seen}
    found = [(row, states.get(str(row.get("id")), {})) for row in rows]
    return [{**row, **{name: state.get(name) for name in _OF_DRIFT}} for row, state in found]


def _path(gateway: str) -> str:
    return f"{_PATH}/{segment(gateway)}"


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", metavar="S[,S]", help="only these, such as drifted,offline")
    add_json(parser)
    add_connection(parser)


def _list(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    rows = with_state(control_plane, control_plane.rows(_PATH))
    if options.state:
        wanted = options.state.split(",")
        rows = [row for row in rows if row.get("state") in wanted]
    nothing = "no such gateway" if options.state else "no gateway; kt gateways add ID makes one"
    show_rows(rows, _COLUMNS, options, nothing=nothing)
    return 0


def _one_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gateway", metavar="ID", help="of the gateway")
    add_json(parser)
    add_connection(parser)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add = parser.add_argument
    add("--token-file", required=True, metavar="F",
        help="a new file for its token, which is shown once; - for stdout")  # fmt: skip
    add("--configuration", metavar="ID", help="what it enforces; without it, selectors say so")
    add("--name", metavar="TEXT", help="for people")
    add_labels(parser, "--label", "for selectors; repeatable")
    add("--client-keys", choices=("demanded", "off"), help="whether its callers need keys")


def _add(options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in ("configuration", "name", "client_keys")}
    body: dict[str, Any] = {name: value for name, value in given.items() if value}
    body |= {"id": options.gateway, "labels": labels(options.label)}
    control_plane = connect(options)
    with secret_place(options.token_file) as place:
        made = change(control_plane, "POST", _PATH, body).row
        place.keep(str(made.pop("token", "")))
    if options.json:
        print(as_json(made))
    elif options.token_file != STDIN:
        print(f"{text(made.get('id'))} enforces {text(made.get('bound'))}; its token is in"
              f" {options.token_file}\n"
              f"  run it: kt run --managed --gateway-id {text(made.get('id'))} --api-url"
              f" {control_plane.url} --gateway-token-file {options.token_file}")  # fmt: skip
    return 0


def _rotate_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    parser.add_argument("--token-file", required=True, metavar="F",
        help="a new file for its new token, which is shown once; - for stdout")  # fmt: skip


def _rotate(options: argparse.Namespace) -> int:
    control_plane, path = connect(options), _path(options.gateway)
    with secret_place(options.token_file) as place:
        row = write_upon(control_plane, "POST", f"{path}/rotate-token", {}, of=path).row
        place.keep(str(row.pop("token", "")))
    if options.json:
        print(as_json(row))
    elif options.token_file != STDIN:
        print(f"the new token of {text(row.get('id'))} is in {options.token_file}; the one before"
              " opens until it is used")  # fmt: skip
    return 0


def _bind_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("configuration", metavar="CONFIGURATION", help="what is to be enforced")
    add("gateway", nargs="?", metavar="GATEWAY", help="one gateway, by its id")
    add_labels(parser, "--selector", "all gateways with this label instead; repeatable")
    add_json(parser)
    add_connection(parser)


def _bind(options: argparse.Namespace) -> int:
    if (options.gateway is None) == (not options.selector):
        raise CommandError("name one gateway, or choose some with --selector K=V")
    control_plane, configuration = connect(options), options.configuration
    if options.gateway is not None:
        path, body = _path(options.gateway), {"configuration": configuration}
        ask = Ask("gateway.bind", options.gateway, body)
        row = write_upon(control_plane, "PATCH", path, body, ask=ask).row
        told = f"{text(row.get('id'))} enforces {text(row.get('bound'))}"
    else:
        selector = labels(options.selector)
        body = {"configuration": configuration, "selector": selector}
        ask = Ask("gateway_binding.create", configuration, body)
        row = change(control_plane, "POST", _BINDINGS, body, ask=ask).row
        told = f"gateways with {text(selector)} enforce {configuration}, unless bound otherwise"
    print(as_json(row) if options.json else told)
    return 0


def _show(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    row = control_plane.row(_path(options.gateway))
    [whole] = with_state(control_plane, [row], options.gateway)
    show_row(whole, _SHOWN, options)
    return 0


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one_arguments(parser)
    add_yes(parser)
    parser.add_argument("--release", action="store_true", help="let its id be registered again")


def _remove(options: argparse.Namespace) -> int:
    question = f"Remove {options.gateway}? It goes on with its last policy until it is ended."
    control_plane, path = connect(options), _path(options.gateway)
    if not agreed(question, options):
        return 1
    row = write_upon(control_plane, "DELETE", path).row
    if options.release:
        control_plane.send("POST", f"{path}/release")
    print(as_json(row) if options.json else f"removed {text(row.get('id'))}; end its process")
    return 0


def _bindings_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_connection(parser)


def _bindings(options: argparse.Namespace) -> int:
    show_rows(connect(options).rows(_BINDINGS), _OF_BINDINGS, options, nothing="no selector")
    return 0


def _unbind_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("binding", metavar="BINDING", help="a selector's id, or its beginning")
    add_json(parser)
    add_connection(parser)


def _unbind(options: argparse.Namespace) -> int:
    control_plane = connect(options)
    rows = control_plane.rows(_BINDINGS)
    row = pick(rows, options.binding, "configuration", "kt gateways bindings")
    ask = Ask("gateway_binding.delete", identity(row), {})
    gone = write_upon(control_plane, "DELETE", f"{_BINDINGS}/{identity(row)}", ask=ask).row
    told = f"{text(gone.get('selector'))} binds to {text(gone.get('configuration'))} no more"
    print(as_json(gone) if options.json else told)
    return 0


VERBS = (
    Verb("list", "every gateway, and whether it runs what it should", _list, _list_arguments,
         "kt gateways list --state drifted,stale,offline"),
    Verb("add", "register a gateway; its token goes into a file", _add, _add_arguments,
         "kt gateways add edge-1 --configuration support-bot --token-file edge-1.token"),
    Verb("bind", "have one gateway, or those of a selector, enforce a configuration", _bind,
         _bind_arguments, "kt gateways bind support-bot --selector ring=canary"),
    Verb("bindings", "the selectors", _bindings, _bindings_arguments, "kt gateways bindings"),
    Verb("unbind", "remove a selector", _unbind, _unbind_arguments, "kt gateways unbind 0f3a91c2"),
    Verb("show", "one gateway, and what it runs", _show, _one_arguments, "kt gateways show edge-1"),
    Verb("rotate", "give a gateway a new token, into a file", _rotate, _rotate_arguments,
         "kt gateways rotate edge-1 --token-file edge-1.new"),
    Verb("remove", "take its token away, for ever", _remove, _remove_arguments,
         "kt gateways remove edge-1 --yes"),
)  # fmt: skip
