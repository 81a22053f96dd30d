"""Temporary bare repositories of one remote, filled and read by git. No database."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypedDict

from gitrepos.errors import RemoteError, TimedOutError, UnsafeObjectError
from gitrepos.forge.git import runner
from gitrepos.forge.git.object_checks import LET_OFF
from gitrepos.forge.pack_fetch import Courier
from gitrepos.snapshot.temporary import Temporary
from gitrepos.snapshot.unpacker import PackUnpacker

_SECONDS = 90
_FETCH_SECONDS = 60
_READ_SECONDS = 30
_LISTING_BYTES = 64 * 1024 * 1024
# Each object that fails a check has a line.
_WORDS_BYTES = 16 * 1024 * 1024
_PROMISED = ("-c", "remote.origin.promisor=true")


class Signers(TypedDict):
    """By whom signatures are judged; neither for nobody."""

    allowed_signers: str
    gpg_home: Path | None


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """A ref of a remote, with the access to it and its deadline (monotonic), 90 s from now.

    `ref` may also be a commit's id. `place` holds its temporary repositories, `unpacker` reads
    packs where git need not.
    """

    access: runner.Access
    courier: Courier
    ref: str
    object_format: str
    place: Temporary
    unpacker: PackUnpacker | None = None
    until: float = field(default_factory=lambda: time.monotonic() + _SECONDS)


class Bare:
    """A bare repository, at first empty; it is made once git reads or fetches.

    `let_off` names the checks of git that its objects fail without harm.
    """

    def __init__(self, source: RemoteRef, name: str) -> None:
        self.let_off: frozenset[str] = frozenset()
        self._source = source
        self._name = name
        self._arguments: list[str] = []
        self._unstored: list[tuple[bytes, frozenset[str]]] = []

    def take(
        self,
        wants: Sequence[str],
        *,
        thin: bool,
        read: Callable[[bytes], bool] | None = None,
    ) -> bool:
        """Fetch objects without a git process; returns False where only `git fetch` can.

        `thin` is for a commit: it comes with its trees, without its parents and blobs. `read` gets
        the pack; what it takes, git stores only once it is asked for something.

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
        with pack.file:
            most = self._source.unpacker.most_bytes if self._source.unpacker and read else 0
            content = pack.file.read(most + 1)
            if read and len(content) <= most and read(content):
                self._unstored.append((content, pack.shallow))
            else:
                pack.file.seek(0)
                self._store(pack.file, pack.shallow)
        return True

    def fetch(
        self, arguments: Sequence[str], seconds: float | None = None, *, stdin: bytes = b""
    ) -> None:
        """Run `git fetch`, for 60 s at most or for so many seconds.

        Raises:
            RemoteError: it failed.
        """
        try:
            self._fetch(arguments, seconds, stdin=stdin)
        except UnsafeObjectError as error:
            if error.checks - LET_OFF:
                raise
            # git stops at the first object that fails a check, and cannot be told beforehand in
            # every version which to let off.
            self._fetch(arguments, seconds, stdin=stdin, unchecked=True)
            self._judge()

    def fetch_whole(self, arguments: Sequence[str]) -> None:
        """Run `git fetch` for what may be a whole history, of 64 MiB at most.

        Raises:
            RemoteError: it failed.
        """
        self._fetch(arguments, unchecked=True, bounded=True)
        self._judge()  # git itself checks nothing of what comes as plain files.

    def _fetch(
        self,
        arguments: Sequence[str],
        seconds: float | None = None,
        *,
        stdin: bytes = b"",
        unchecked: bool = False,
        bounded: bool = False,
    ) -> None:
        runner.run(
            [
                *self._here(), "-c", "fetch.negotiationAlgorithm=noop",
                "-c", f"fetch.fsckObjects={'false' if unchecked else 'true'}", "fetch", "--quiet",
                "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
                "--recurse-submodules=no", *arguments,
            ],
            access=self._source.access,
            deadline_seconds=self._left(seconds or _FETCH_SECONDS),
            max_bytes=4096,
            stdin=stdin,
            bounded=self._folder if bounded else None,
        )  # fmt: skip

    def _here(self) -> list[str]:
        """The arguments of each command in the repository, which has all that was taken."""
        while self._unstored:
            first = self._unstored.pop(0)
            try:
                with runner.memory_file(first[0]) as file:
                    self._store(file, first[1])
            except RemoteError:
                self._unstored.insert(0, first)  # Whoever asks next hears the same.
                raise
        return self._made()

    def _made(self) -> list[str]:
        """The arguments of each command in the repository, which exists from now on."""
        if not self._arguments:
            object_format = self._source.object_format
            self._arguments = runner.bare_repository(self._folder, object_format=object_format)
        return self._arguments

    @property
    def _folder(self) -> Path:
        return self._source.place.path / self._name

    def _store(self, pack: BinaryIO, shallow: frozenset[str]) -> None:
        """Store a pack, with the checks of each object that a fetch makes."""
        self._index(pack)
        if shallow:
            lines = "".join(f"{commit}\n" for commit in shallow)
            (self._folder / "shallow").write_text(lines)

    def _index(self, pack: BinaryIO) -> None:
        try:
            self._unpack(pack, "--fsck-objects")
        except UnsafeObjectError as error:
            if error.checks - LET_OFF:
                raise
            pack.seek(0)
            self._unpack(pack)
            self._judge()

    def _unpack(self, pack: BinaryIO, *options: str) -> None:
        # As a promisor remote's, trees may name objects that were left out.
        runner.run(
            [*self._made(), *_PROMISED, "index-pack", "--stdin", "--promisor", *options],
            deadline_seconds=self._left(_FETCH_SECONDS),
            max_bytes=_LISTING_BYTES,
            stdin=os.fdopen(os.dup(pack.fileno()), "rb"),
        )

    def _judge(self) -> None:
        """Check every object, and let off those whose fault is harmless.

        Raises:
            UnsafeObjectError: there are others.
        """
        # Every git knows the tree without entries: it fetches none, and so `fsck` would miss it.
        self.read(["hash-object", "-t", "tree", "-w", "--stdin"])
        try:
            self.read([*_PROMISED, "fsck", "--strict", "--no-dangling", "--no-progress"])
        except UnsafeObjectError as error:
            if error.checks - LET_OFF:
                raise
            self.let_off |= error.checks

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
            [*self._here(), *arguments],
            deadline_seconds=self._left(_READ_SECONDS),
            max_bytes=max_bytes,
            stdin=stdin,
            allowed_signers=allowed_signers,
            gpg_home=gpg_home,
            scratch=self._source.place.path,
            max_words=_WORDS_BYTES,
        )

    def verdict(
        self, arguments: Sequence[str], *, allowed_signers: str, gpg_home: Path | None
    ) -> tuple[bool, bytes, str]:
        """Whether a command that verifies succeeds, its output, and its words about that.

        Raises:
            RemoteError: it could not be made.
        """
        return runner.verdict(
            [*self._here(), *arguments],
            deadline_seconds=self._left(_READ_SECONDS),
            max_bytes=_LISTING_BYTES,
            allowed_signers=allowed_signers,
            gpg_home=gpg_home,
            scratch=self._source.place.path,
        )

    def _left(self, seconds: float) -> float:
        left = self._source.until - time.monotonic()
        if left <= 0:
            raise TimedOutError(f"The repository took over {_SECONDS} s to read.")
        return min(seconds, left)


def text(raw: bytes) -> str:
    """Output of git as text; a byte that is not UTF-8 is a lone surrogate."""
    return raw.decode(errors="surrogateescape")
