"""Fetches from servers that cannot do all: the older ways, when they are taken, and bounds."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from gitrepos.errors import RemoteError, TooLargeError
from gitrepos.forge import pack_fetch, secret, smart_http
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch, ladder
from gitrepos.snapshot.values import FilesRequest, Snapshot
from tests.support.asking import MAIN, heads
from tests.support.forge import Forge, Reply
from tests.support.repo import Repo, policy

BOT = "bot/policy-config.yaml"
MEBIBYTE = 1 << 20


@pytest.fixture
def unknown(fresh: Forge, tmp_path: Path) -> Repo:
    """A repository there."""
    return fresh.repository(tmp_path / "unknown")


def take(
    repo: Repo, folder: Path, head: str, *, token: str = "", last_commit: str = ""
) -> Snapshot:
    """What a link to the whole of main takes; what goes wrong is raised."""
    proof = secret.basic(token) if token else secret.NOBODY
    access = runner.Access(parse(repo.url, schemes=["http"]), ("127.0.0.1",), proof)
    asks = [FilesRequest("", last_commit=last_commit)]
    (taken,) = fetch.take(access, ref=MAIN, head=head, asks=asks, folder=folder / "work")
    if isinstance(taken, RemoteError):
        raise taken
    return taken


def found(taken: Snapshot) -> tuple[str, dict[str, bytes | None]]:
    """The commit, and the bytes of each file."""
    return taken.commit.id, {file.path: file.content for file in taken.files or ()}


def served_as_files(forge: Forge, repo: Repo) -> None:
    """Have a server without git serve what was pushed."""
    repo.git("update-server-info", at=repo.bare)
    forge.dumb.add(repo.bare.name)


@pytest.mark.smoke
def test_a_repository_of_plain_files_is_followed(
    fresh: Forge, unknown: Repo, tmp_path: Path
) -> None:
    """Its first commit, the next, a packed one, and one that was forced back."""
    seen = {}
    for number in range(2):
        head = unknown.commit({BOT: policy(f"Number {number}")})
        served_as_files(fresh, unknown)
        assert heads(unknown.url) == {MAIN: head}
        seen[number] = head
        taken = take(unknown, tmp_path, head)
        assert found(taken) == (head, {BOT: policy(f"Number {number}").encode()})
        unknown.git("repack", "-adq", at=unknown.bare)

    unknown.git("update-ref", MAIN, seen[0], at=unknown.bare)
    served_as_files(fresh, unknown)
    back = take(unknown, tmp_path, seen[0], last_commit=seen[1])

    assert found(back) == (seen[0], {BOT: policy("Number 0").encode()})
    assert back.rewritten


def _restored(repo: Repo) -> str:
    """All files are removed, and come back."""
    repo.commit({BOT: policy()})
    repo.commit({BOT: None})
    return repo.commit({BOT: policy()})


def _after_nothing(repo: Repo) -> str:
    """The first commit has no file."""
    repo.commit({})
    return repo.commit({BOT: policy()})


def _with_odd_neighbours(repo: Repo) -> str:
    """An empty file, a large one, a submodule, and all but the last commit packed."""
    repo.commit({"empty": b"", "models/large.bin": os.urandom(3 * MEBIBYTE)})
    repo.git("repack", "-adq", at=repo.bare)
    repo.plant({"vendor/lib": "1" * 40}, mode="160000")
    repo.plant({BOT: policy()})
    return repo.git("rev-parse", "HEAD")


@pytest.mark.parametrize("made", [_restored, _after_nothing, _with_odd_neighbours])
@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_plain_files_of_any_history_are_followed(
    fresh: Forge, tmp_path: Path, made: Callable[[Repo], str], object_format: str
) -> None:
    """Of the tree without entries too, which git asks no server for, since it knows it."""
    if made is _with_odd_neighbours and object_format == "sha256":
        pytest.skip("what is planted has names of the older kind")
    repo = fresh.repository(tmp_path / "repo", object_format=object_format)
    head = made(repo)
    served_as_files(fresh, repo)

    assert found(take(repo, tmp_path, head)) == (head, {BOT: policy().encode()})


Instead = Reply | Callable[[BinaryIO], None] | None


def _cut(_client: BinaryIO) -> None:
    """Hang up without an answer."""


PACK = {"Content-Type": "application/x-git-upload-pack-result"}


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        (b"filter ", (500, {}, b"")),
        (b"filter ", (400, {}, b"no such capability")),
        (b"filter ", (200, PACK, b"")),
        (b"filter ", (200, PACK, b"000aERR no")),
        (b"filter ", _cut),
        (b"deepen ", (500, {}, b"")),
    ],
)
def test_a_server_that_stumbles_is_asked_for_less(
    fresh: Forge, unknown: Repo, tmp_path: Path, word: bytes, instead: Instead
) -> None:
    """Without a filter, or for all of its history; and from then on at once."""
    unknown.commit({BOT: policy("Before")})
    head = unknown.commit({BOT: policy()})
    fresh.instead[unknown.bare.name] = lambda _method, body: instead if word in body else None

    first = take(unknown, tmp_path, head)
    fresh.requests.clear()
    second = take(unknown, tmp_path, head)

    assert found(first) == found(second) == (head, {BOT: policy().encode()})
    # git asks what the server can do, where the branch is, and for the objects.
    assert [method for method, _ in fresh.calls(unknown)] == ["GET", "POST", "POST"]


def test_an_older_way_is_left_again_after_a_while(
    fresh: Forge, unknown: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may have been renewed."""
    head = unknown.commit({BOT: policy()})
    monkeypatch.setattr(ladder, "_FORGET_SECONDS", 0)
    fresh.instead[unknown.bare.name] = lambda _, body: (
        (500, {}, b"") if b"filter " in body else None
    )
    take(unknown, tmp_path, head)
    fresh.release(unknown)
    fresh.requests.clear()

    taken = take(unknown, tmp_path, head)

    assert found(taken) == (head, {BOT: policy().encode()})
    assert [method for method, _ in fresh.calls(unknown)] == ["POST", "POST"]


@pytest.mark.parametrize(
    "answer",
    [
        (401, {}, b""),
        (403, {}, b""),
        (404, {}, b""),
        (429, {}, b""),
        (503, {}, b""),
        (302, {"Location": "/elsewhere.git"}, b""),
    ],
)
def test_a_refusal_proves_nothing_of_what_a_server_can(
    fresh: Forge, unknown: Repo, tmp_path: Path, answer: Reply
) -> None:
    """No older way is tried, and none is remembered."""
    head = unknown.commit({BOT: policy()})

    def refuse(method: str, body: bytes) -> Reply | None:
        return answer if method == "GET" or b"filter " in body else None

    fresh.instead[unknown.bare.name] = refuse

    with pytest.raises(RemoteError):
        take(unknown, tmp_path, head)

    assert [method for method, _ in fresh.calls(unknown)][2:] == []
    fresh.release(unknown)
    fresh.requests.clear()
    take(unknown, tmp_path, head)
    assert [method for method, _ in fresh.calls(unknown)] == ["POST", "POST"]


def _waiting(until: threading.Event, hung: list[bytes]) -> Callable[[str, bytes], Instead]:
    """A server that waits for a `want` as older protocols begin with, and answers nothing else.

    What it hangs on goes to `hung`.
    """

    def hang(_method: str, body: bytes) -> Instead:
        if b"command=" in body:
            hung.append(body)
            until.wait(30)
            return _cut
        return None

    return hang


def test_a_server_that_waits_for_ever_is_asked_in_the_older_way(
    fresh: Forge, unknown: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once each by the check and by the fetch; then it is remembered."""
    monkeypatch.setattr(smart_http, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(pack_fetch, "_SLOW_SECONDS", 0.5)
    head = unknown.commit({BOT: policy()})
    until, hung = threading.Event(), list[bytes]()
    fresh.instead[unknown.bare.name] = _waiting(until, hung)
    fresh.old.add(unknown.bare.name)

    for _ in range(2):
        assert heads(unknown.url) == {MAIN: head}
    assert [method for method, _ in fresh.calls(unknown)] == ["POST", "GET", "GET"]
    for _ in range(2):
        assert found(take(unknown, tmp_path, head)) == (head, {BOT: policy().encode()})
    until.set()

    assert [body[4:].split(b"\n")[0] for body in hung] == [b"command=ls-refs", b"command=fetch"]


def test_a_post_that_is_swallowed_is_told_by_a_get(
    fresh: Forge, unknown: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the server behind it speaks protocol 2; after a while it is tried again."""
    monkeypatch.setattr(smart_http, "_PATIENCE_SECONDS", 0.2)
    head = unknown.commit({BOT: policy()})
    until = threading.Event()
    fresh.instead[unknown.bare.name] = _waiting(until, [])

    before = [heads(unknown.url) for _ in range(2)]
    until.set()
    fresh.release(unknown)
    monkeypatch.setattr(smart_http.ServerFacts, "is_silent", lambda _: False)
    later = heads(unknown.url)

    assert [*before, later] == [{MAIN: head}] * 3
    assert [method for method, _ in fresh.calls(unknown)] == ["POST", "GET", "GET", "POST"]


def test_a_server_that_is_only_slow_is_not_taken_for_an_old_one(
    fresh: Forge, unknown: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer to the POST counts when it is there first, or if one came before."""
    monkeypatch.setattr(smart_http, "_PATIENCE_SECONDS", 0.2)
    head = unknown.commit({BOT: policy()})

    def slow(method: str, _body: bytes) -> Instead:
        time.sleep(0.6 if method == "POST" else 2)
        return None

    fresh.instead[unknown.bare.name] = slow

    assert [heads(unknown.url) for _ in range(2)] == [{MAIN: head}] * 2
    assert [method for method, _ in fresh.calls(unknown)] == ["POST", "GET", "POST"]


@pytest.mark.parametrize("sizes", [[3 * MEBIBYTE], [MEBIBYTE * 3 // 4] * 4])
def test_a_whole_repository_has_a_bound(
    fresh: Forge,
    unknown: Repo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sizes: list[int],
) -> None:
    """In one file or in several, in the commit or before it."""
    monkeypatch.setattr(runner, "_FILE_BYTES", 2 * MEBIBYTE)
    for number, size in enumerate(sizes):
        unknown.commit({f"models/{number}.bin": os.urandom(size)})
        unknown.git("repack", "-dq", at=unknown.bare)
    head = unknown.commit({BOT: policy(), **{f"models/{n}.bin": None for n in range(len(sizes))}})
    served_as_files(fresh, unknown)

    with pytest.raises(TooLargeError):
        take(unknown, tmp_path, head)


def test_what_another_repository_needs_makes_none_too_large(
    fresh: Forge, unknown: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a host that was asked without a filter, a large one is asked for with it again."""
    monkeypatch.setattr(runner, "_FILE_BYTES", 2 * MEBIBYTE)
    large = fresh.repository(tmp_path / "large")
    head = large.commit({BOT: policy(), "models/large.bin": os.urandom(3 * MEBIBYTE)})
    fresh.instead[unknown.bare.name] = lambda _, body: (
        (500, {}, b"") if b"filter " in body else None
    )
    take(unknown, tmp_path, unknown.commit({BOT: policy()}))

    assert found(take(large, tmp_path, head)) == (head, {BOT: policy().encode()})


def test_no_way_leads_to_another_server(fresh: Forge, unknown: Repo, tmp_path: Path) -> None:
    """Whatever plain files say of other places; the credential goes to its own alone."""
    head = unknown.commit({BOT: policy()})
    served_as_files(fresh, unknown)
    name = unknown.git("rev-parse", "HEAD^{tree}")
    with Forge(tmp_path / "other") as other:
        kept = unknown.bare / "objects" / name[:2] / name[2:]
        moved = other.root / "r.git/objects" / name[:2] / name[2:]
        moved.parent.mkdir(parents=True)
        kept.rename(moved)
        other.dumb.add("r.git")
        places = f"{other.url}/r.git/objects/\n"
        for file in ("http-alternates", "alternates"):
            (unknown.bare / "objects/info").mkdir(exist_ok=True)
            (unknown.bare / "objects/info" / file).write_text(places)

        with pytest.raises(RemoteError):
            take(unknown, tmp_path, head, token="kt-only-for-tests-77aa")

        assert other.requests == []
    assert {path.split("/")[1] for path, _ in fresh.authorizations} == {unknown.bare.name}
