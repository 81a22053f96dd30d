"""`kt export`: what a control plane has, as a file for `kt apply`, which would change nothing."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from kt.cli.apply.kinds import KINDS
from kt.cli.apply.plan import exported
from kt.cli.client.output import say
from kt.cli.client.refusals import RefusedError
from kt.cli.client.session import add_connection, connect
from kt.cli.errors import CommandError
from kt.policy.suggest import did_you_mean
from kt.policy.yaml.scalars import resolve

_WHY_LEFT_OUT: Mapping[int, str] = {
    HTTPStatus.FORBIDDEN: "the token's role may not read them",
    HTTPStatus.NOT_FOUND: "the control plane is older and has none",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--kind", type=_kinds, metavar="K[,K]",
        help=f"only these of {', '.join(KINDS)}; without it all that may be read")  # fmt: skip
    add_connection(parser)


def _kinds(word: str) -> list[str]:
    for name in word.split(","):
        if name not in KINDS:
            hint = did_you_mean(name, KINDS, otherwise=f"choose from {', '.join(KINDS)}")
            raise argparse.ArgumentTypeError(f"no kind {name!r}; {hint}")
    return word.split(",")


def run(options: argparse.Namespace) -> int:
    """Read, and print it."""
    control_plane = connect(options)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, kind in KINDS.items():
        if options.kind and name not in options.kind:
            continue
        try:
            rows = control_plane.rows(kind.path)
        except RefusedError as exc:
            why = _WHY_LEFT_OUT.get(exc.status)
            if options.kind or why is None:
                raise
            say(f"left out, since {why}: {name}")
            continue
        found[name] = [exported(kind, row) for row in rows if kind.is_managed(row)]
    if not found:
        raise CommandError("the token may read nothing of this: kt whoami says what it may")
    print(as_yaml(found), end="")
    return 0


def as_yaml(found: Mapping[str, Any]) -> str:
    """Values as YAML that reads back as the same, with nothing in it that hides."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Texts of several lines in the style that shows them so."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    Dumper.add_representer(str, _text)

    def dumped(*, allow_unicode: bool) -> str:
        return yaml.dump(
            dict(found), Dumper=Dumper, allow_unicode=allow_unicode, sort_keys=False, width=10_000
        )

    told = dumped(allow_unicode=True)
    is_plain = all(char.isprintable() or char == "\n" for char in told)
    return told if is_plain else dumped(allow_unicode=False)


def _text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value and not value.startswith((" ", "\n")) else None
    # What PyYAML reads as text, and the file's reader, of a later YAML, as a number.
    if style is None and value and not isinstance(resolve(value), str):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)
