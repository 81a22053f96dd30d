"""The logins that `kt login` keeps: the url of a control plane and a token, by name.

They stand in `$XDG_CONFIG_HOME/keeptrusts/logins.json` (else `~/.config/…`), for their user alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from typing import Any, NamedTuple

from kt.cli.errors import CommandError

DEFAULT = "default"
_OTHERS = 0o077


class Login(NamedTuple):
    """One control plane: its url, a token for it, and whether it may be sent by plain http."""

    url: str
    token: str
    insecure_http: bool = False


class Logins(NamedTuple):
    """All of them by name, and the name of the one that is used when none is named."""

    by_name: Mapping[str, Login]
    current: str = DEFAULT


def path(environment: Mapping[str, str]) -> str:
    """Where they are kept."""
    base = environment.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # As the specification wants it: such a value counts as none.
        base = os.path.join(environment.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(base, "keeptrusts", "logins.json")


def read(environment: Mapping[str, str]) -> Logins:
    """What is kept; nothing where there is no file.

    Raises:
        CommandError: the file cannot be read, is no such file, or others may read it.
    """
    name = path(environment)
    try:
        with open(name, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise CommandError(f"{name} is open to others: chmod 600 {name}")
            return _logins(json.load(file))
    except (FileNotFoundError, NotADirectoryError):
        return Logins({})
    except OSError as exc:
        raise CommandError(f"{name}: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise CommandError(f"{name} is no file of kt login; remove it and log in again") from exc


def write(logins: Logins, environment: Mapping[str, str]) -> str:
    """Keep them, for this user alone; returns where. The file is whole at any time.

    Raises:
        CommandError: it cannot be written.
    """
    name = path(environment)
    folder = os.path.dirname(name)
    rows = {key: login._asdict() for key, login in logins.by_name.items()}
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder)  # It is for this user alone.
        try:
            with open(handle, "w", encoding="utf-8") as file:
                json.dump({"current": logins.current, "logins": rows}, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, name)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as exc:
        raise CommandError(f"{name}: {exc.strerror}") from exc
    return name


def _logins(found: Any) -> Logins:
    rows = {str(name): _login(row) for name, row in found["logins"].items()}
    return Logins(rows, str(found["current"]))


def _login(row: Any) -> Login:
    url, token = row["url"], row["token"]
    if not (isinstance(url, str) and isinstance(token, str)):
        raise TypeError("no text")
    return Login(url, token, row.get("insecure_http") is True)
