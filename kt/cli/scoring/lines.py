"""Labelled texts: a file with an object of JSON a line."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from kt.cli.errors import CommandError
from kt.cli.sources import STDIN, shown
from kt.policy.testing.scoring import Sample

_LARGEST_LINE_BYTES = 4 * 1024 * 1024
_ROLES = ("user", "tool", "assistant")


class _BadLineError(Exception):
    pass


class Lines:
    """The samples of a file with their lines' numbers, and the sha256 of what was read."""

    def __init__(self, path: str) -> None:
        self.name = "<stdin>" if path == STDIN else shown(path)
        self._path = path
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The digest of the lines that were read so far, in hex."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[tuple[int, Sample]]:
        try:
            with self._opened() as file:
                for number, line in enumerate(self._read(file), 1):
                    if line.strip():
                        yield number, self._sample(number, line)
        except OSError as error:
            raise CommandError(f"{self.name}: {error.strerror or 'unreadable'}") from error

    def _opened(self) -> BinaryIO:
        if self._path == STDIN:
            if sys.stdin is None:
                raise CommandError("standard input is closed")
            return open(os.dup(sys.stdin.fileno()), "rb")
        return open(self._path, "rb")

    def _read(self, file: BinaryIO) -> Iterator[bytes]:
        number = 0
        while line := file.readline(_LARGEST_LINE_BYTES + 1):
            number += 1
            if len(line) > _LARGEST_LINE_BYTES:
                raise CommandError(f"{self.name}:{number}: a line of over 4 MiB")
            self._digest.update(line)
            yield line

    def _sample(self, number: int, line: bytes) -> Sample:
        try:
            return _sample(json.loads(line))
        except (_BadLineError, ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, _BadLineError) else "it is no JSON"
            raise CommandError(f"{self.name}:{number}: {why}") from error


def _sample(given: Any) -> Sample:
    """The sample of a line.

    Raises:
        _BadLineError: it is none; says what to change.
    """
    if not isinstance(given, dict):
        raise _BadLineError("it is no object")
    label, role = given.get("label"), given.get("role", "user")
    if label not in ("pos", "neg"):
        raise _BadLineError('"label" must be "pos" or "neg"')
    if role not in _ROLES:
        raise _BadLineError('"role" must be "user", "tool" or "assistant"')
    text, body = given.get("text"), given.get("body")
    if isinstance(text, str) == isinstance(body, dict):
        raise _BadLineError('it must have "text", a string, or "body", an object')
    values = given.get("value", [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise _BadLineError('"value" must be a list of strings')
    named = [given.get(name, "") for name in ("kind", "family")]
    if not all(isinstance(one, str) for one in named):
        raise _BadLineError('"kind" and "family" must be strings')
    kind, family = named
    return Sample(text or "", label == "pos", kind, family, tuple(values), role, body)
