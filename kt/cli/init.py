"""`kt init`: write a commented policy with tests to start from."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from importlib import import_module

from kt.cli.errors import CommandError
from kt.cli.templates import TEMPLATES
from kt.policy.files import FILE_NAME
from kt.policy.language.forms import is_id, slug

_DEFAULT = "starter"
_LONGEST_NAME = 200
# What YAML takes for a value that is no text.
_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("directory", nargs="?", default=".", metavar="DIR", help="write it there; default: .")
    add("--template", choices=tuple(TEMPLATES), default=_DEFAULT, help=f"default: {_DEFAULT}")
    add("--force", action="store_true", help=f"overwrite a {FILE_NAME} that is there")
    parser.epilog = "; ".join(f"{name}: {summary}" for name, summary in TEMPLATES.items())


def run(options: argparse.Namespace) -> int:
    """Write the file and print the next commands."""
    _check(options.directory)
    path = os.path.join(options.directory, FILE_NAME)
    try:
        text = _text(options.template, options.directory)
        os.makedirs(options.directory, exist_ok=True)
        with open(path, "w" if options.force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CommandError(f"{path} exists; --force overwrites it") from error
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    quoted = shlex.quote(path)
    print(f"wrote {quoted}\nnow: kt policy lint {quoted}\n     kt policy test {quoted}")
    return 0


def _check(directory: str) -> None:
    """Refuse what can only be meant as the name of a file, unless a directory is called so."""
    above, name = os.path.split(directory.rstrip("/"))
    if name.lower().endswith((".yaml", ".yml")) and not os.path.isdir(directory):
        fix = f"kt init {shlex.quote(above or '.')} writes the {FILE_NAME} there"
        raise CommandError(f"{directory} is the name of a file; {fix}")


def _text(template: str, directory: str) -> str:
    module = import_module(f"kt.cli.templates.{template.replace('-', '_')}")
    text: str = module.TEXT
    folder = os.fsencode(os.path.basename(os.path.abspath(directory)))
    plain = "".join(c for c in folder.decode("utf-8", "replace") if c.isprintable())
    name = plain[:_LONGEST_NAME].strip() or "policy"
    text = text.replace("IDENTITY", _identity(name), 1)
    # JSON's quotes are YAML's: a directory may be called anything.
    return text.replace("NAME", json.dumps(name, ensure_ascii=False), 1)


def _identity(name: str) -> str:
    """The directory's name as an id, quoted where YAML would read something else."""
    made = name if is_id(name) else slug(name) or "policy"
    return made if made[0].isalpha() and made not in _WORDS else json.dumps(made)
