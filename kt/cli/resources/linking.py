"""The options that say what a link is: of a new one, and of one that is there."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from kt.cli.client.secrets import read_text, read_token
from kt.cli.errors import CommandError
from kt.cli.numbers import percent, positive

FOLLOWED = ("branch", "tag", "commit", "semver")
_PLAIN = (*FOLLOWED, "path", "credential", "id_prefix", "fail_on")
_GATES = ("minimum_coverage", "minimum_killed")
_GLOBS = ("include", "exclude")
_FILES = ("allowed_signers", "allowed_openpgp_keys")
# Of each switch the option, and what it does.
_SWITCHES = {
    "four_eyes": ("four-eyes", "held commits and edits need a second person"),
    "adopt": ("adopt", "take over configurations that the API made"),
    "prune": ("prune", "archive a configuration whose file is gone"),
    "auto_create_configuration": ("create", "make a configuration for an id that is new"),
}


def add_new(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a new link."""
    parser.add_argument("url", metavar="URL", help="of the repository, by https or ssh")
    _add(parser)
    for option, about in _SWITCHES.values():
        if option == "create":
            option, about = "no-create", "make no configuration for an id that is new"
        parser.add_argument(f"--{option}", action="store_true", help=about)


def new(options: argparse.Namespace) -> dict[str, Any]:
    """The body of a new link: what was given, and nothing for what was not."""
    body = {name: value for name, value in _given(options).items() if value}
    body |= {name: True for name in ("four_eyes", "adopt", "prune") if getattr(options, name)}
    return body | {"url": options.url, "auto_create_configuration": not options.no_create}


def add_edit(parser: argparse.ArgumentParser) -> None:
    """Declare the options of an edit."""
    parser.epilog = "What is not named stays; an empty text takes away what was there."
    parser.add_argument("--url", metavar="URL", help="the repository's new url")
    _add(parser)
    for name, (option, about) in _SWITCHES.items():
        parser.add_argument(
            f"--{option}", dest=name, default=None, action=argparse.BooleanOptionalAction,
            help=about,
        )  # fmt: skip


def edit(options: argparse.Namespace) -> dict[str, Any]:
    """The body of an edit: what was given, an empty text too."""
    body = _given(options) | {name: getattr(options, name) for name in ("url", *_SWITCHES)}
    body = {name: value for name, value in body.items() if value is not None}
    # An empty glob matches nothing, and none at all is meant.
    return body | {name: [glob for glob in body[name] if glob] for name in _GLOBS if name in body}


def has_secrets(body: Mapping[str, Any]) -> bool:
    """Whether a body has what may be shown to nobody."""
    return bool(body.get("access_token"))


def _add(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    for name, what in (("branch", "a branch"), ("tag", "a tag"), ("commit", "a commit, by its id"),
                       ("semver", "the newest tag in a range of versions")):  # fmt: skip
        add(f"--{name}", metavar="REF", help=f"follow {what}")
    add("--path", metavar="P", help="a directory or file of the repository")
    add("--credential", metavar="NAME", help="a shared credential")
    add("--access-token-file", metavar="F", help="a file with a token, - for stdin")
    add("--id-prefix", metavar="T", help="what stands before every id")
    add("--include", action="append", metavar="GLOB", help="only these files; repeatable")
    add("--exclude", action="append", metavar="GLOB", help="not these files; repeatable")
    add("--interval", type=positive, metavar="S", help="seconds between polls")
    add("--allowed-signers", metavar="F", help="a file: who must have signed, in ssh's format")
    add("--allowed-openpgp-keys", metavar="F", help="the same for OpenPGP keys, armoured")
    add("--fail-on", choices=("weaker", ""), metavar="weaker",
        help="hold a commit that weakens what is in force")  # fmt: skip
    add("--minimum-coverage", type=percent, metavar="PERCENT",
        help="quarantine a policy whose own tests reach less of it; 0: none")  # fmt: skip
    add("--minimum-killed", type=percent, metavar="PERCENT",
        help="quarantine one whose own tests kill fewer of its mutants; 0: none")  # fmt: skip


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The members that both have; None for what was not given."""
    body = {name: getattr(options, name) for name in (*_PLAIN, *_GLOBS, *_GATES)}
    body["poll_interval_seconds"] = options.interval
    if file := options.access_token_file:
        body["access_token"] = read_token(file, prompt="")
    else:
        body["access_token"] = file
    for name in _FILES:
        file = getattr(options, name)
        body[name] = _text(file) if file else file
    return body


def _text(file: str) -> str:
    """What a file says; to have nothing checked, no file is named."""
    if text := read_text(file).strip():
        return f"{text}\n"
    raise CommandError(f"{file}: there is nothing in it")
