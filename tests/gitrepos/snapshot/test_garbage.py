"""Answers that are damaged in the middle of a fetch: what is taken is right, or nothing is."""

import gzip
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitrepos.errors import RemoteError
from gitrepos.forge import secret
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch, ladder
from gitrepos.snapshot.values import FilesRequest
from tests.support.forge import Forge, Reply
from tests.support.processes import ours
from tests.support.repo import Repo, policy

BOT = "bot/policy-config.yaml"


@dataclass(frozen=True)
class _Damage:
    """One thing that is done to answers, `at` some part of them, from the number `since` on."""

    how: str
    at: float
    byte: int
    since: int
    lasts: bool

    def __call__(self, reply: Reply) -> Reply:
        status, headers, body = reply
        place = int(self.at * len(body))
        match self.how:
            case "cut":
                return status, headers, body[:place]
            case "hung up":
                return status, {**headers, "Content-Length": str(len(body))}, body[:place]
            case "flipped":
                one = bytes([body[place] ^ self.byte]) if place < len(body) else b""
                return status, headers, body[:place] + one + body[place + 1 :]
            case "more":
                return status, headers, body[:place] + bytes([self.byte]) * 7 + body[place:]
            case "twice":
                return status, headers, body[:place] + body[place // 2 :]
            case "gzip":
                packed = gzip.compress(body)
                place = int(self.at * len(packed))
                torn = packed[:place] + bytes([self.byte]) + packed[place + 1 :]
                return status, {**headers, "Content-Encoding": "gzip"}, torn
            case _:
                page = b"<html>" + bytes([self.byte]) * 100
                return 200, {"Content-Type": "text/html"}, page


_DAMAGES = st.builds(
    _Damage,
    how=st.sampled_from(["cut", "hung up", "flipped", "more", "twice", "gzip", "page"]),
    at=st.floats(0, 1, exclude_max=True),
    byte=st.integers(1, 255),
    since=st.integers(0, 2),
    lasts=st.booleans(),
)


@pytest.fixture(scope="module")
def served(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> tuple[Repo, str]:
    """A repository, and its commit."""
    repo = forge.repository(tmp_path_factory.mktemp("garbage") / "clone")
    repo.commit({BOT: policy("Before")})
    return repo, repo.commit({BOT: policy("Wanted"), "other.bin": "x" * 200})


def _taken(repo: Repo, head: str, folder: Path) -> dict[str, bytes | None] | str:
    """The files that a link takes, or the code of what went wrong."""
    ladder.forget()
    access = runner.Access(parse(repo.url, schemes=["http"]), ("127.0.0.1",), secret.NOBODY)
    try:
        (taken,) = fetch.take(
            access, ref="refs/heads/main", head=head, asks=[FilesRequest("")], folder=folder
        )
    except RemoteError as error:
        return error.code
    if isinstance(taken, RemoteError):
        return taken.code
    assert taken.commit.id == head
    return {file.path: file.content for file in taken.files or ()}


def _damaging(damage: _Damage) -> Callable[[str, Reply], Reply]:
    numbers = itertools.count()

    def twist(method: str, reply: Reply) -> Reply:
        number = next(numbers)
        is_meant = number >= damage.since if damage.lasts else number == damage.since
        return damage(reply) if is_meant else reply

    return twist


def _holds(forge: Forge, served: tuple[Repo, str], folder: Path, damage: _Damage) -> None:
    repo, head = served
    forge.twists[repo.bare.name] = _damaging(damage)
    try:
        taken = _taken(repo, head, folder / "work")
    finally:
        forge.release(repo)
    assert taken in (
        {BOT: policy("Wanted").encode()}, "bad_answer", "unreachable", "timeout", "too_large",
        "unsafe_object", "auth_failed", "branch_not_found", "repo_not_found",
    )  # fmt: skip
    assert not list((folder / "work").glob("*"))
    assert not [line for line, _ in ours().values() if str(folder).encode() in line]


_SHARED = [HealthCheck.function_scoped_fixture]


@settings(max_examples=25, suppress_health_check=_SHARED)
@given(_DAMAGES)
@example(_Damage("cut", 0.0, 1, 0, True))
@example(_Damage("gzip", 0.5, 255, 1, True))
@example(_Damage("page", 0.0, 60, 1, False))
def test_what_is_damaged_is_taken_right_or_not_at_all(
    forge: Forge, served: tuple[Repo, str], tmp_path: Path, damage: _Damage
) -> None:
    """With a code, and without a folder or a process that stays."""
    _holds(forge, served, tmp_path, damage)


@pytest.mark.soak
@settings(max_examples=2000, suppress_health_check=_SHARED)
@given(_DAMAGES)
def test_whatever_is_damaged_is_taken_right_or_not_at_all(
    forge: Forge, served: tuple[Repo, str], tmp_path: Path, damage: _Damage
) -> None:
    """The same for as long as an hour takes."""
    _holds(forge, served, tmp_path, damage)


@pytest.mark.soak
@pytest.mark.parametrize("number", [0, 1])
def test_an_answer_that_ends_at_any_byte_is_made_good(
    forge: Forge, served: tuple[Repo, str], tmp_path: Path, number: int
) -> None:
    """Of the trees and of the blobs: git asks again for what was cut off."""
    repo, head = served
    sizes: list[int] = []
    forge.twists[repo.bare.name] = lambda _, reply: sizes.append(len(reply[2])) or reply  # type: ignore[func-returns-value]
    _taken(repo, head, tmp_path / "work")

    for byte in range(sizes[number]):
        cut = _Damage("hung up", (byte + 0.5) / sizes[number], 1, number, lasts=False)
        forge.twists[repo.bare.name] = _damaging(cut)
        assert _taken(repo, head, tmp_path / "work") == {BOT: policy("Wanted").encode()}, byte
    forge.release(repo)
