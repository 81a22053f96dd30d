"""Objects that fail checks of git and harm nobody who reads files: read, with a warning."""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest, Snapshot
from tests.support.asking import MAIN
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import content, get, link, poll, shown

BOT = "bot/policy-config.yaml"
WHO = b"An Author <author@keeptrusts.example>"
PLAIN = b"author " + WHO + b" 1700000000 +0100\ncommitter " + WHO + b" 1700000000 +0100\n\nOne\n"


def made(repo: Repo, kind: str, raw: bytes) -> str:
    """The id of an object of these bytes, whatever git thinks of them."""
    return repo.raw("hash-object", "-t", kind, "-w", "--literally", "--stdin", stdin=raw).decode()[
        :-1
    ]


def entry(mode: bytes, name: bytes, oid: str) -> bytes:
    """An entry of a tree, as git stores it."""
    return mode + b" " + name + b"\0" + bytes.fromhex(oid)


def push(repo: Repo, tree: str, rest: bytes = PLAIN) -> str:
    """Have main be a commit of this tree, whose bytes go on with `rest`."""
    head = made(repo, "commit", f"tree {tree}\n".encode() + rest)
    repo.git("update-ref", MAIN, head, at=repo.bare)
    return head


def _of_people(line: bytes) -> Callable[[Repo], str]:
    return lambda repo: push(repo, repo.git("rev-parse", "HEAD^{tree}"), line)


def _signed(who: bytes) -> Callable[[Repo], str]:
    return _of_people(b"author " + who + b"\ncommitter " + who + b"\n\nOne\n")


def _with(*entries: tuple[bytes, bytes, str]) -> Callable[[Repo], str]:
    """A commit with a good policy, and in the corner `attic` what is odd."""

    def make(repo: Repo) -> str:
        bot = entry(b"40000", b"bot", repo.git("rev-parse", "HEAD:bot"))
        inner = [
            entry(mode, name, made(repo, "blob", text.encode())) for mode, name, text in entries
        ]
        attic = entry(b"40000", b"attic", made(repo, "tree", b"".join(inner)))
        return push(repo, made(repo, "tree", attic + bot))

    return make


def _padded(repo: Repo) -> str:
    bot = entry(b"040000", b"bot", repo.git("rev-parse", "HEAD:bot"))
    return push(repo, made(repo, "tree", bot))


def _very_often(repo: Repo) -> str:
    """More objects with a fault than fit into what is read of git's words elsewhere."""
    bot = entry(b"40000", b"bot", repo.git("rev-parse", "HEAD:bot"))
    blob = made(repo, "blob", b"x")
    inner = [entry(b"0100644", b"f%04d" % number, blob) for number in range(800)]
    objects = [b"tree %d\0%s" % (len(raw), raw) for raw in inner]
    for raw in objects:
        name = hashlib.sha1(raw).hexdigest()
        place = repo.bare / "objects" / name[:2] / name[2:]
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(zlib.compress(raw))
    rows = [
        entry(b"40000", b"d%04d" % number, hashlib.sha1(raw).hexdigest())
        for number, raw in enumerate(objects)
    ]
    return push(repo, made(repo, "tree", bot + b"".join(rows)))


ODD: dict[str, tuple[Callable[[Repo], str], str]] = {
    "a zero before a mode": (_padded, "zeroPaddedFilemode"),
    "a zone of six digits": (_signed(WHO + b" 1700000000 +051800"), "badTimezone"),
    "a time before 1970": (_signed(WHO + b" -5 +0000"), "badDateOverflow"),
    "a time beyond all calendars": (_signed(WHO + b" %d +0000" % 10**20), "badDateOverflow"),
    "a time that is none": (_signed(WHO + b" soon +0000"), "badDate"),
    "a time with zeros": (_signed(WHO + b" 0017 +0000"), "zeroPaddedDate"),
    "no blank before the time": (_signed(WHO + b"1700000000 +0000"), "missingSpaceBeforeDate"),
    "no blank before the mail": (_signed(b"A<a@b> 1700000000 +0000"), "missingSpaceBeforeEmail"),
    "no name": (_signed(b"<a@b> 1700000000 +0000"), "missingNameBeforeEmail"),
    "no mail": (_signed(b"A 1700000000 +0000"), "missingEmail"),
    "brackets in a mail": (_signed(b"A <a<b> 1700000000 +0000"), "badEmail"),
    "brackets in a name": (_signed(b"A> <a@b> 1700000000 +0000"), "badName"),
    "no author": (_of_people(b"committer " + WHO + b" 17 +0000\n\nOne\n"), "missingAuthor"),
    "no committer": (_of_people(b"author " + WHO + b" 17 +0000\n\nOne\n"), "missingCommitter"),
    "two authors": (
        _of_people(b"author " + WHO + b" 17 +0000\n" + PLAIN), "multipleAuthors",
    ),
    "a NUL in the message": (_of_people(PLAIN + b"and\0more\n"), "nulInCommit"),
    "a link called .gitmodules": (_with((b"120000", b".gitmodules", "x")), "gitmodulesSymlink"),
}  # fmt: skip


@pytest.fixture
def full(repo: Repo) -> Repo:
    """A repository with a policy."""
    repo.commit({BOT: policy()})
    return repo


def taken(repo: Repo, folder: Path, head: str) -> Snapshot:
    """What a link to the whole of main takes."""
    access = runner.Access(parse(repo.url, schemes=["http"]), ("127.0.0.1",))
    (said,) = fetch.take(access, ref=MAIN, head=head, asks=[FilesRequest("")], folder=folder / "w")
    assert isinstance(said, Snapshot), said
    assert {file.path: file.content for file in said.files or ()} == {BOT: policy().encode()}
    return said


def test_an_odd_object_is_read_and_told(full: Repo, tmp_path: Path) -> None:
    """By the name that git has for its fault."""
    for name, (make, check) in ODD.items():
        head = make(full)

        said = taken(full, tmp_path, head)

        assert (said.commit.id, said.let_off) == (head, (check,)), name


@pytest.mark.parametrize("way", ["old", "dumb"])
def test_an_odd_object_is_read_in_every_way(
    forge: Forge, full: Repo, tmp_path: Path, way: str
) -> None:
    """From a server that knows no filter, and from plain files."""
    head = _padded(full)
    full.git("update-server-info", at=full.bare)
    getattr(forge, way).add(full.bare.name)

    assert taken(full, tmp_path, head).let_off == ("zeroPaddedFilemode",)


def test_objects_are_odd_however_many(full: Repo, tmp_path: Path) -> None:
    """Each has a line in what git says."""
    assert taken(full, tmp_path, _very_often(full)).let_off == ("zeroPaddedFilemode",)


@pytest.mark.parametrize("way", ["new", "old", "dumb"])
@pytest.mark.django_db
def test_a_hostile_object_is_refused_in_every_way(
    admin: APIClient, fresh: Forge, tmp_path: Path, way: str
) -> None:
    """Beside one that is let off; the check is blamed and the object named."""
    full = fresh.repository(tmp_path / "clone")
    full.commit({BOT: policy()})
    row = link(admin, full.url)
    poll()
    bot = entry(b"40000", b"..", full.git("rev-parse", "HEAD:bot"))
    push(full, made(full, "tree", bot), PLAIN.replace(b"+0100", b"+051800"))
    full.git("update-server-info", at=full.bare)
    if way != "new":
        getattr(fresh, way).add(full.bare.name)

    poll()

    seen = shown(admin, row)
    assert seen["error"]["code"] == "unsafe_object"
    assert "Our own check refuses an object of the repository" in seen["error"]["message"]
    assert "(hasDotdot: contains '..')" in seen["error"]["message"]
    assert content(admin, "bot") == policy().encode()


@pytest.mark.django_db
def test_a_link_warns_of_checks_that_were_let_off(admin: APIClient, full: Repo) -> None:
    """It is synced, listed among those with a warning, and no more once the objects are gone."""
    _padded(full)
    row = link(admin, full.url)
    poll()

    seen = shown(admin, row)
    (warning,) = [c for c in seen["conditions"] if c["type"] == "Warning"]
    assert (seen["status"], warning["status"]) == ("synced", "True")
    assert warning["reason"] == "ChecksLetOff"
    assert "(zeroPaddedFilemode)" in warning["message"]
    assert [one["id"] for one in get(admin, "/v1/git-repos?warning=true")] == [row["id"]]

    full.commit({"more.txt": "x"})
    poll()

    assert get(admin, "/v1/git-repos?warning=true") == []
