"""`kt init`: write a commented policy with tests to start from."""

from __future__ import annotations

import argparse
import json
import os
from importlib import import_module

from kt.cli.errors import CommandError
from kt.cli.templates import TEMPLATES
from kt.policy.files import FILE_NAME

_DEFAULT = "starter"
_LONGEST_NAME = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("directory", nargs="?", default=".", metavar="DIR", help="where to; default: here")
    add("--template", choices=tuple(TEMPLATES), default=_DEFAULT, help=f"default: {_DEFAULT}")
    add("--force", action="store_true", help=f"overwrite a {FILE_NAME} that is there")
    parser.epilog = "; ".join(f"{name}: {summary}" for name, summary in TEMPLATES.items())


def run(options: argparse.Namespace) -> int:
    """Write the file, and say what to do with it."""
    path = os.path.join(options.directory, FILE_NAME)
    text = _text(options.template, options.directory)
    try:
        os.makedirs(options.directory, exist_ok=True)
        with open(path, "w" if options.force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CommandError(f"{path}: it is there already; --force overwrites it") from error
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    print(f"wrote {path}\nnow: kt policy lint {path}\n     kt policy test {path}")
    return 0


def _text(template: str, directory: str) -> str:
    module = import_module(f"kt.cli.templates.{template.replace('-', '_')}")
    text: str = module.TEXT
    folder = os.fsencode(os.path.basename(os.path.abspath(directory)))
    name = folder.decode("utf-8", "replace")[:_LONGEST_NAME].strip() or "policy"
    # JSON's quotes are YAML's: a directory may be called anything.
    return text.replace("NAME", json.dumps(name, ensure_ascii=False), 1)
