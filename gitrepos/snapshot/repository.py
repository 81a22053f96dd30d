"""Temporary bare repositories of one remote, filled and read by git. No database."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from gitrepos.errors import TimedOutError
from gitrepos.forge.git import runner
from gitrepos.forge.pack_fetch import Courier

_SECONDS = 90
_FETCH_SECONDS = 60
_READ_SECONDS = 30
_LISTING_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RemoteBranch:
    """A branch of a remote, with the access to it and its deadline (monotonic), 90 s from now.

    `folder` holds its temporary repositories.
    """

    access: runner.Access
    courier: Courier
    ref: str
    object_format: str
    folder: Path
    until: float = field(default_factory=lambda: time.monotonic() + _SECONDS)


class Bare:
    """A bare repository, at first empty."""

    def __init__(self, source: RemoteBranch, name: str) -> None:
        self._source = source
        self._folder = source.folder / name
        self._here = runner.bare_repository(self._folder, object_format=source.object_format)

    def take(self, wants: Sequence[str], *, thin: bool) -> bool:
        """Fetch objects without a git process; returns False where only `git fetch` can.

        `thin` is for a commit: it comes with its trees, without its parents and blobs.

        Raises:
            RemoteError: the server did not send them.
        """
        pack = self._source.courier.pack(
            wants,
            sha256=self._source.object_format == "sha256",
            thin=thin,
            deadline_seconds=self._left(_FETCH_SECONDS),
        )
        if pack is None:
            return False
        self._index(pack.file)
        if pack.shallow:
            lines = "".join(f"{commit}\n" for commit in pack.shallow)
            (self._folder / "shallow").write_text(lines)
        return True

    def fetch(
        self, arguments: Sequence[str], seconds: float = _FETCH_SECONDS, *, stdin: bytes = b""
    ) -> None:
        """Run `git fetch`.

        Raises:
            RemoteError: it failed.
        """
        runner.run(
            [
                *self._here, "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet",
                "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
                "--recurse-submodules=no", *arguments,
            ],
            access=self._source.access,
            deadline_seconds=self._left(seconds),
            max_bytes=4096,
            stdin=stdin,
        )  # fmt: skip

    def _index(self, pack: BinaryIO) -> None:
        """Store a pack, with the checks of each object that a fetch makes; `pack` is closed."""
        # As a promisor remote's, trees may name objects that were left out.
        runner.run(
            [
                *self._here, "-c", "remote.origin.promisor=true", "index-pack", "--stdin",
                "--promisor", "--fsck-objects",
            ],
            deadline_seconds=self._left(_FETCH_SECONDS),
            max_bytes=_LISTING_BYTES,
            stdin=pack,
        )  # fmt: skip

    def read(
        self,
        arguments: Sequence[str],
        max_bytes: int = _LISTING_BYTES,
        *,
        stdin: bytes = b"",
        allowed_signers: str = "",
        gpg_home: Path | None = None,
    ) -> bytes:
        """The output of a git command that calls no server.

        Raises:
            TooLargeError: the output is over `max_bytes`.
            TimedOutError: the deadline passed.
        """
        return runner.run(
            [*self._here, *arguments],
            deadline_seconds=self._left(_READ_SECONDS),
            max_bytes=max_bytes,
            stdin=stdin,
            allowed_signers=allowed_signers,
            gpg_home=gpg_home,
            scratch=self._source.folder,
        )

    def _left(self, seconds: float) -> float:
        left = self._source.until - time.monotonic()
        if left <= 0:
            raise TimedOutError(f"The repository took over {_SECONDS} s to read.")
        return min(seconds, left)


def text(raw: bytes) -> str:
    """Output of git as text; a byte that is not UTF-8 is a lone surrogate."""
    return raw.decode(errors="surrogateescape")
