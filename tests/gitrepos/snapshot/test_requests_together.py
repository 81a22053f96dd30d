"""Requests for the files of one commit: answered together as each would be alone."""

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitrepos.errors import PathNotFoundError, RateLimitedError, RemoteError, TooLargeError
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch, reader
from gitrepos.snapshot.reader import Entries, Entry
from gitrepos.snapshot.values import FilesRequest, Snapshot
from tests.support.forge import Forge, Reply
from tests.support.repo import Repo, policy

NAMES = st.lists(st.sampled_from(["a", "b", "a.b", "a-", "a0", "ä", "\udcff", "."]), min_size=1)
LARGE = 1 << 20

TREE = {
    "policy-config.yaml": policy("Root"),
    "a/policy-config.yaml": policy("A"),
    "a/b/policy-config.yaml": policy("B"),
    "a/b/.gitattributes": "* text eol=crlf\n",
    "a-b/policy-config.yaml": policy("Dash"),
    "a0/policy-config.yaml": policy("Zero"),
    "c/policy-config.yaml": "#" * (LARGE + 1),
    ".gitattributes": "c/* ident\n",
}
ROOTS = ["", "a", "a/b", "a-b", "a0", "c", "nowhere", "a/policy-config.yaml"]


@given(st.lists(NAMES.map("/".join), unique=True), NAMES.map("/".join) | st.just(""))
def test_what_lies_below_a_root_is_found(names: list[str], root: str) -> None:
    """The entry itself, and all whose path goes through it; no other name that begins alike."""
    found = Entries(Entry("100644", "b", name) for name in names).below(root)

    assert {entry.name for entry in found} == {
        name for name in names if not root or name == root or name.startswith(f"{root}/")
    }
    assert len(found) == len({entry.name for entry in found})


@pytest.fixture
def filled(repo: Repo) -> Repo:
    """A repository with directories that lie in one another, or only begin alike."""
    repo.commit(dict(TREE))
    return repo


@pytest.mark.parametrize("at_once", [1, 100])
def test_requests_are_answered_as_each_alone(
    filled: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """In every order and company: a root inside another, one that is missing, one known already."""
    monkeypatch.setattr(reader, "_AT_ONCE", at_once)
    asks = [FilesRequest(root) for root in ROOTS]
    alone = {ask.root: _taken(filled, tmp_path, ask)[0] for ask in asks}
    known = FilesRequest("a", known_tree=_snapshot(alone["a"]).tree_id)

    together = _taken(filled, tmp_path, *asks, known, *reversed(asks))

    assert [_told(one) for one in together[: len(asks)]] == [_told(alone[root]) for root in ROOTS]
    assert [_told(one) for one in together[: len(asks) : -1]] == [_told(alone[r]) for r in ROOTS]
    assert _snapshot(together[len(asks)]).files is None
    assert isinstance(alone["nowhere"], PathNotFoundError)
    for pair in combinations(asks[:3], 2):
        found = _taken(filled, tmp_path, *pair)
        assert [_told(one) for one in found] == [_told(alone[ask.root]) for ask in pair]


def test_long_roots_fit_into_command_lines(filled: Repo, tmp_path: Path) -> None:
    """Twenty of the longest that a link may have, each with all that lies on its way."""
    roots = [f"{n:03}/" + "a/" * 490 + "a" for n in range(20)]

    found = _taken(filled, tmp_path, *map(FilesRequest, roots), FilesRequest("a"))

    assert {type(one) for one in found[:-1]} == {PathNotFoundError}
    assert len(_snapshot(found[-1]).files or ()) == 2


def test_one_that_is_too_large_fails_alone(
    filled: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too much together is read one by one, and only what is too much alone is refused."""
    filled.commit({f"d/{n}/policy-config.yaml": f"#{n}\n" + "#" * 3000 for n in range(4)})
    filled.commit({"e/policy-config.yaml": "#e\n" + "#" * 3000})
    monkeypatch.setattr(reader, "_CONTENT_BYTES", 4000)

    small, large, other = _taken(
        filled, tmp_path, FilesRequest("a"), FilesRequest("d"), FilesRequest("e")
    )

    assert [len(_snapshot(one).files or ()) for one in (small, other)] == [2, 1]
    assert isinstance(large, TooLargeError)


def test_a_server_that_refuses_the_files_is_asked_once(
    filled: Repo, forge: Forge, tmp_path: Path
) -> None:
    """Not again for each request: it asked for fewer calls. What needs no files is answered."""
    fetches: list[bytes] = []

    def refuse_files(_method: str, body: bytes) -> Reply | None:
        if b"command=fetch" not in body:
            return None
        fetches.append(body)
        return (429, {"Retry-After": "60"}, b"") if len(fetches) > 1 else None

    (before,) = _taken(filled, tmp_path, FilesRequest("a0"))
    known = FilesRequest("a0", known_tree=_snapshot(before).tree_id)
    forge.instead[filled.bare.name] = refuse_files

    *refused, whole = _taken(filled, tmp_path, *map(FilesRequest, ("a", "a-b", "a/b")), known)
    forge.release(filled)

    assert {type(one) for one in refused} == {RateLimitedError}
    assert _snapshot(whole).files is None
    assert len(fetches) == 2


def _taken(repo: Repo, folder: Path, *asks: FilesRequest) -> list[Snapshot | RemoteError]:
    access = runner.Access(parse(repo.url, schemes=["http"]))
    head = repo.git("rev-parse", "HEAD")
    return fetch.take(access, ref="refs/heads/main", head=head, asks=asks, folder=folder / "work")


def _snapshot(found: Snapshot | RemoteError) -> Snapshot:
    assert isinstance(found, Snapshot)
    return found


def _told(found: Snapshot | RemoteError) -> object:
    return (found.code, found.message) if isinstance(found, RemoteError) else found
