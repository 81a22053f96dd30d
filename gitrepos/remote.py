"""The cheap check: which commit each branch of a remote points at. Knows no database.

A question goes in for each remote, an answer comes out as it arrives; one that hangs delays
no other.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from gitrepos import git
from gitrepos.address import Network, RepoURL, resolve
from gitrepos.errors import BadAnswerError, RemoteError, TimedOutError, TooLargeError
from gitrepos.secret import Secret

HEAD = "HEAD"
_DEADLINE_SECONDS = 10
_MAX_BYTES = 64 * 1024
_IN_FLIGHT = 16
_GROUP_SECONDS = 1.0

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Question(Generic[Key]):
    """What to ask a remote: full ref names (`refs/heads/main`) or `HEAD`; `key` comes back."""

    key: Key
    url: RepoURL
    secret: Secret
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer(Generic[Key]):
    """The commit of each ref that was asked for, empty where there is none; or an error."""

    key: Key
    heads: Mapping[str, str]
    error: RemoteError | None = None


def check(
    questions: Sequence[Question[Key]], *, allowed: Sequence[Network]
) -> Iterator[list[Answer[Key]]]:
    """Ask every remote once; answers come as they arrive, in groups, those of a second at most.

    Each takes at most 10 s of its own, however many are asked. Never raises a `RemoteError`.
    """
    with ThreadPoolExecutor(max_workers=min(_IN_FLIGHT, len(questions) or 1)) as pool:
        waiting = {pool.submit(_answer, question, allowed) for question in questions}
        while waiting:
            done, waiting = wait(waiting, timeout=_GROUP_SECONDS)
            yield [future.result() for future in done]


def access(url: RepoURL, secret: Secret, *, allowed: Sequence[Network]) -> git.Access:
    """Check where `url` leads to and pin it.

    Raises: `HostNotAllowedError`, `UnreachableError`.
    """
    addresses = () if url.scheme == "file" else resolve(url, allowed=allowed)
    return git.Access(url=url, addresses=addresses, secret=secret)


def _answer(question: Question[Key], allowed: Sequence[Network]) -> Answer[Key]:
    until = time.monotonic() + _DEADLINE_SECONDS
    try:
        reached = access(question.url, question.secret, allowed=allowed)
        heads = _heads(_listing(reached, question.refs, until), question.refs)
        if not any(heads.values()):
            _prove(reached, until)
    except RemoteError as error:
        return Answer(question.key, {}, error)
    return Answer(question.key, heads)


def _listing(reached: git.Access, refs: Sequence[str], until: float) -> bytes:
    return git.run(
        ["ls-remote", "--quiet", "--", "origin", *refs],
        access=reached,
        deadline_seconds=_left(until),
        max_bytes=_MAX_BYTES,
    )


def _prove(reached: git.Access, until: float) -> None:
    """Tell a repository that lacks these branches from what is no repository at all.

    git takes any answer that lists nothing for an empty repository, a page to sign in too. Here
    its helper asks for protocol version 2, and a server that knows none must list something.

    Raises: `BadAnswerError`.
    """
    if reached.url.scheme in ("file", "ssh"):
        return
    try:
        git.run(
            [f"remote-{reached.url.scheme}", "origin", reached.url.text],
            access=reached,
            deadline_seconds=_left(until),
            max_bytes=_MAX_BYTES,
            stdin=b"stateless-connect git-upload-pack\n",
        )
    except BadAnswerError as error:
        with contextlib.suppress(TooLargeError):  # It lists more than need be read.
            if not _listing(reached, (), until):
                raise BadAnswerError("The server's answer is none that git understands.") from error


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimedOutError("The server did not answer in time.")
    return left


def _heads(output: bytes, refs: Sequence[str]) -> dict[str, str]:
    """git matches a pattern against the end of a name, so other refs may be among the lines."""
    lines = (line.split("\t", 1) for line in output.decode(errors="replace").splitlines())
    found = {line[1]: line[0] for line in lines if len(line) == 2}
    return {ref: found.get(ref, "") for ref in refs}
