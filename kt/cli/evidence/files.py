"""Files of evidence, keys and checkpoints, as commands name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kt.cli.errors import CommandError

if TYPE_CHECKING:
    from kt.evidence.notes import Note, Verifier

MOST_BYTES = 256 << 20


def read(path: str) -> bytes:
    """The bytes of a file, within bounds.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as exc:
        raise CommandError(f"{path}: {exc.strerror}") from exc
    if len(data) > MOST_BYTES:
        raise CommandError(f"{path}: larger than {MOST_BYTES >> 20} MiB")
    return data


def needed() -> None:
    """Say what to install, where what verifies signatures is missing.

    Raises:
        CommandError: it is.
    """
    try:
        import cryptography  # noqa: F401 - it is only looked for
    except ImportError as exc:
        from kt.cli.models.extra import command

        message = f"this needs {exc.name}, which kt was installed without: {command()}"
        raise CommandError(message) from exc


def keys(texts: Sequence[str], *, of_witnesses: bool) -> list[Verifier]:
    """Public keys of witnesses, or else of logs.

    Raises:
        CommandError: one is no key, or one of the other kind: a log is no witness of itself.
    """
    from kt.evidence import notes

    kind = notes.COSIGNATURE if of_witnesses else notes.ED25519
    try:
        found = [notes.verifier(text) for text in texts]
    except notes.NoteError as exc:
        raise CommandError(str(exc)) from exc
    if any(one.kind != kind for one in found):
        raise CommandError(f"this is no key of a {'witness' if of_witnesses else 'log'}")
    return found


def checkpoint(path: str) -> Note:
    """A checkpoint that was kept.

    Raises:
        CommandError: the file has none.
    """
    from kt.evidence import notes

    try:
        return notes.read(read(path).decode("utf-8", "replace"))
    except notes.NoteError as exc:
        raise CommandError(f"{path}: {exc}") from exc
