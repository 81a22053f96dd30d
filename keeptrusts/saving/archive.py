"""The file of a backup: lines of JSON, compressed, with a MAC of all of them at its end.

The first line is a header, the last one the number of rows and the MAC, by a key that is derived
from `KEEPTRUSTS_SECRET_KEY`. Each other line is a row: `model`, `pk` and `fields`.
"""

import gzip
import hmac
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from keeptrusts import sealing

_FORMAT = 1
# A row has a policy of 1 MiB at most, and a body that was kept of 8; as JSON each may be longer.
_LONGEST_LINE_BYTES = 64 << 20


class ArchiveError(Exception):
    """A file that is no backup, or not one for here; the message says what to do."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup is of.

    `migrations` has the last one of each package; `key` names the secret key.
    """

    keeptrusts_backup: int
    release: str
    made_at: str
    database: str
    migrations: dict[str, str]
    key: str


class _Footer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rows: int
    mac: str


class Writer:
    """Writes the lines of a backup."""

    def __init__(self, stream: gzip.GzipFile, *, release: str, made_at: str, database: str,
                 migrations: dict[str, str]) -> None:  # fmt: skip
        self._stream = stream
        key, self._mac = next(iter(sealing.running_macs(b"backup").items()))
        self.rows = 0
        self._write(Header(_FORMAT, release, made_at, database, migrations, key))

    def row(self, row: bytes) -> None:
        """Write a row, which is encoded."""
        self._put(row + b"\n")
        self.rows += 1

    def end(self) -> None:
        """Write the end, without which a file is no backup."""
        footer = msgspec.json.encode(_Footer(self.rows, self._mac.hexdigest()))
        self._stream.write(footer + b"\n")

    def _write(self, told: msgspec.Struct) -> None:
        self._put(msgspec.json.encode(told) + b"\n")

    def _put(self, line: bytes) -> None:
        self._mac.update(line)
        self._stream.write(line)


@contextmanager
def made(path: Path) -> Iterator[gzip.GzipFile]:
    """A new file to write lines to, its owner's alone, which is there once the block ends well.

    Raises:
        ArchiveError: there is such a file, or it cannot be written.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        if path.exists():
            raise ArchiveError(f"{path} is there already; name another file")
        number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as stream:
                yield stream
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(draft, path)
    except OSError as exc:
        raise ArchiveError(f"{path} cannot be written: {exc.strerror or exc}") from exc
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def checked(path: Path) -> Header:
    """The header of a backup that is whole, and made with one of our secret keys.

    Raises:
        ArchiveError: it is not.
    """
    lines = _lines(path)
    first = next(lines, b"")
    header = _header(path, first)
    macs = sealing.running_macs(b"backup")
    if header.key not in macs:
        raise ArchiveError(
            f"{path} was made with another KEEPTRUSTS_SECRET_KEY, which opens its secrets; set that"
            " one (of the embedded default it is the file secret-key in the data folder)"
        )
    mac, rows, last = macs[header.key], -1, first
    for line in lines:
        mac.update(last)
        rows, last = rows + 1, line
    try:
        footer = msgspec.json.decode(last, type=_Footer)
    except msgspec.DecodeError as exc:
        raise ArchiveError(f"{path} ends before its end; it was not written whole") from exc
    if footer.rows != rows or not hmac.compare_digest(footer.mac, mac.hexdigest()):
        raise ArchiveError(f"{path} was changed after it was written")
    return header


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a backup that was checked."""
    lines = _lines(path)
    last = next(lines)
    for number, line in enumerate(lines):
        if number:
            yield json.loads(last)
        last = line


def _header(path: Path, line: bytes) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
    except msgspec.DecodeError as exc:
        raise ArchiveError(f"{path} is no backup of a control plane") from exc
    if header.keeptrusts_backup != _FORMAT:
        raise ArchiveError(
            f"{path} has the format {header.keeptrusts_backup}, and this release reads {_FORMAT};"
            f" restore it with release {header.release}"
        )
    return header


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as stream:
            yield from _bounded(path, iter(lambda: stream.readline(_LONGEST_LINE_BYTES), b""))
    except (OSError, EOFError, zlib.error) as exc:
        if isinstance(exc, gzip.BadGzipFile | EOFError | zlib.error):
            raise ArchiveError(f"{path} is no backup, or is not whole: {exc}") from exc
        raise ArchiveError(f"{path} cannot be read: {exc.strerror or exc}") from exc


def _bounded(path: Path, lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if not line.endswith(b"\n"):
            raise ArchiveError(f"{path} ends before its end; it was not written whole")
        yield line
