"""Secrets of the installation: in variables, in files that these name, in the data folder."""

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from keeptrusts.env import private
from keeptrusts.env.errors import EnvError
from keeptrusts.env.values import words

_MIN_SECRET_LENGTH = 32
SQLITE = "keeptrusts.sqlite3"
# The second is what a file system puts into the root of a volume.
_IN_DATA_DIR = ("work", "lost+found")
# By the variable that names a file which has the value of another.
FILES = {
    "DATABASE_URL_FILE": "DATABASE_URL",
    "REDIS_URL_FILE": "REDIS_URL",
    "KEEPTRUSTS_SECRET_KEY_FILE": "KEEPTRUSTS_SECRET_KEY",
    "KEEPTRUSTS_BOOTSTRAP_TOKEN_FILE": "KEEPTRUSTS_BOOTSTRAP_TOKEN",
    "KEEPTRUSTS_OIDC_CLIENT_SECRET_FILE": "KEEPTRUSTS_OIDC_CLIENT_SECRET",
    "KEEPTRUSTS_SMTP_PASSWORD_FILE": "KEEPTRUSTS_SMTP_PASSWORD",
}
_LONGEST_SECRET = 4096


def with_files(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, with those of which a file has the value. No error repeats one."""
    given = {name: path for name in FILES if (path := environ.get(name))}
    read_from = {}
    for name, path in given.items():
        meant = FILES[name]
        if environ.get(meant):
            raise EnvError(f"{meant}: set it or {name}, not both")
        read_from[meant] = _in_file(name, path)
    return {**environ, **read_from}


def _in_file(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LONGEST_SECRET + 1)
    except (OSError, UnicodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is no UTF-8"
        raise EnvError(f"{name}={path!r}: {reason}") from exc
    if not text.strip() or len(text) > _LONGEST_SECRET:
        raise EnvError(f"{name}={path!r}: write 1 to {_LONGEST_SECRET} characters into it")
    return text.strip()


def data_dir(value: str) -> Path:
    """The data folder, made for its user alone."""
    path = Path(value).absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        private.close(str(path), folders=_IN_DATA_DIR)
    except OSError as exc:
        raise EnvError(f"KEEPTRUSTS_DATA_DIR={value!r}: {exc.filename}: {exc.strerror}") from exc
    return path


def secret_keys(environ: Mapping[str, str], data_dir: Path, *, embedded: bool) -> tuple[str, ...]:
    """The keys that seal, the newest first; the data folder's own in the embedded default."""
    keys = words(environ.get("KEEPTRUSTS_SECRET_KEY", ""))
    if any(len(key) < _MIN_SECRET_LENGTH for key in keys):
        raise EnvError(
            f"KEEPTRUSTS_SECRET_KEY: each key needs {_MIN_SECRET_LENGTH} or more characters;"
            " make one with `openssl rand -hex 32`"
        )
    if keys:
        return keys
    if not embedded:
        raise EnvError(
            "KEEPTRUSTS_SECRET_KEY is not set: with DATABASE_URL every process must share one;"
            " make it with `openssl rand -hex 32`"
        )
    return (_own_secret(data_dir / "secret-key"),)


def _own_secret(path: Path) -> str:
    if not path.exists() and (path.parent / SQLITE).exists():
        raise EnvError(
            f"KEEPTRUSTS_DATA_DIR: {path} is gone, and {SQLITE} is sealed with it; restore it. If"
            " it is lost for good, put another secret there (openssl rand -hex 32), and run"
            " manage.py rotate_signing_key --lost"
        )
    try:
        secret = secret_file(path)
    except OSError as exc:
        raise EnvError(f"KEEPTRUSTS_DATA_DIR: {path} cannot be used: {exc.strerror}") from exc
    if len(secret) < _MIN_SECRET_LENGTH:
        raise EnvError(
            f"KEEPTRUSTS_DATA_DIR: {path} holds no secret of {_MIN_SECRET_LENGTH} or more"
            " characters; restore it, or delete it and send every access token again"
        )
    return secret


def secret_file(path: Path) -> str:
    """The secret in `path`; made on the first call, readable by its owner alone.

    Two processes that start together get the same one: the first to link the file wins.
    """
    if not path.exists():
        import secrets  # At a first start alone.
        import tempfile

        # A draft's name is its own: process ids repeat among containers that share a volume.
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:
            draft.write(secrets.token_urlsafe(48) + "\n")
            draft.flush()
            # The other process's secret is as good, and both must use one.
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text().strip()


def bootstrap_token(value: str) -> str:
    """The token that a first start makes valid; empty where none is set."""
    if value and len(value) < _MIN_SECRET_LENGTH:
        raise EnvError(f"KEEPTRUSTS_BOOTSTRAP_TOKEN: use {_MIN_SECRET_LENGTH} or more characters")
    if not re.fullmatch(r"[\x21-\x7e]*", value):
        raise EnvError("KEEPTRUSTS_BOOTSTRAP_TOKEN: use printable ASCII without spaces")
    return value


def secret(environ: Mapping[str, str], name: str) -> str:
    """A secret that is sent to a server. No error repeats it."""
    text = environ.get(name, "")
    if not re.fullmatch(r"[\x21-\x7e]*", text):
        raise EnvError(f"{name}: it is no printable ASCII without spaces")
    return text
