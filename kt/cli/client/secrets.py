"""Secrets that come from files and terminals, and new ones that go into files."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterable, Iterator, Mapping

from kt.cli.client.output import is_terminal
from kt.cli.client.session import checked
from kt.cli.errors import CommandError

STDIN = "-"
_MOST_CHARACTERS = 1 << 20


def read_token(file: str | None, *, prompt: str) -> str:
    """A token from a file, `-` for stdin; without one from stdin, or asked for on a terminal.

    Raises:
        CommandError: there is none, or it cannot be sent.
    """
    if file is not None:
        return checked(read_text(file).strip(), file if file != STDIN else "stdin")
    if is_terminal(sys.stdin):
        return checked(getpass.getpass(prompt).strip(), "the token")
    return checked(read_text(STDIN).strip(), "stdin")


def read_secret(file: str) -> str:
    """A secret of a file, `-` for stdin.

    Keys end in a line break; a token is one line, whatever an editor put behind it.

    Raises:
        CommandError: it cannot be read, or there is none.
    """
    secret = read_text(file)
    line = secret.rstrip("\r\n")
    if not line:
        raise CommandError(f"{file if file != STDIN else 'stdin'}: there is no secret in it")
    return secret if "\n" in line else line


def variable(name: str, environment: Mapping[str, str]) -> str:
    """The secret that a variable has.

    Raises:
        CommandError: it is not set, or empty.
    """
    if secret := environment.get(name, ""):
        return secret
    raise CommandError(f"the variable {name} is not set")


def add_secret(parser: argparse.ArgumentParser, name: str, what: str) -> None:
    """The two options that a secret may come by: a file, or a variable."""
    either = parser.add_mutually_exclusive_group()
    option = f"--{name.replace('_', '-')}"
    either.add_argument(f"{option}-file", metavar="F", help=f"a file with {what}; - for stdin")
    either.add_argument(f"{option}-env", metavar="NAME", help="or a variable that has it")


def given_secrets(options: argparse.Namespace, names: Iterable[str]) -> dict[str, str]:
    """The secrets that options of `add_secret` give, by name.

    Raises:
        CommandError: a file or a variable is not there, or two secrets are to come from stdin.
    """
    files = {name: file for name in names if (file := getattr(options, f"{name}_file"))}
    if list(files.values()).count(STDIN) > 1:
        raise CommandError("only one secret can come from stdin")
    variables = {name: named for name in names if (named := getattr(options, f"{name}_env"))}
    return {
        **{name: variable(named, os.environ) for name, named in variables.items()},
        **{name: read_secret(file) for name, file in files.items()},
    }


def missing_secret(name: str, owner: str, *, is_line: bool) -> str:
    """A secret that no option gave: somebody types it, if it is one line.

    Raises:
        CommandError: nobody can type it; the message names the options.
    """
    if is_line and is_terminal(sys.stdin):
        return ask_secret(f"{name} of {owner}: ")
    option = name.replace("_", "-")
    raise CommandError(f"give --{option}-file F or --{option}-env NAME")


def ask_secret(prompt: str) -> str:
    """A secret of one line, which somebody types unseen.

    Raises:
        CommandError: nothing was typed.
    """
    if secret := getpass.getpass(prompt):
        return secret
    raise CommandError("nothing was typed")


def read_text(file: str) -> str:
    """What is in a text file, `-` for stdin.

    Raises:
        CommandError: it cannot be read, or is no text.
    """
    try:
        if file == STDIN:
            return sys.stdin.read(_MOST_CHARACTERS) if sys.stdin is not None else ""
        with open(file, encoding="utf-8") as opened:
            return opened.read(_MOST_CHARACTERS)
    except UnicodeDecodeError as exc:
        raise CommandError(f"{file}: not UTF-8") from exc
    except OSError as exc:
        raise CommandError(f"{file}: {exc.strerror}") from exc


class SecretPlace:
    """The place of a new secret: a file for this user alone, or stdout."""

    def __init__(self, file: str, handle: int | None) -> None:
        self._file = file
        self._handle = handle

    def keep(self, secret: str) -> None:
        """Write the secret.

        Raises:
            CommandError: it cannot be written.
        """
        if self._handle is None:
            print(secret)
            return
        try:
            with open(self._handle, "w", encoding="utf-8") as file:
                file.write(f"{secret}\n")
        except OSError as exc:
            raise CommandError(f"{self._file}: {exc.strerror}") from exc
        finally:
            self._handle = None

    def forget(self) -> None:
        """Remove the file that was made, when nothing came into it."""
        if self._handle is not None:
            os.close(self._handle)
            os.unlink(self._file)


@contextlib.contextmanager
def secret_place(file: str) -> Iterator[SecretPlace]:
    """A place for a secret that is shown once: made before that is asked for.

    Raises:
        CommandError: the file is there already, or cannot be made.
    """
    if file == STDIN:
        if sys.stdout is None:
            raise CommandError("stdout is closed, and the secret is shown once")
        yield SecretPlace(file, None)
        return
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise CommandError(f"{file} is there already; name another file") from exc
    except OSError as exc:
        raise CommandError(f"{file}: {exc.strerror}") from exc
    made = SecretPlace(file, handle)
    try:
        yield made
    finally:
        made.forget()
