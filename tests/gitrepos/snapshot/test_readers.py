"""The two readers of what a forge sends: a judge, and git. One takes the place of the other."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from gitrepos import unpacking
from gitrepos.errors import RemoteError
from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch, ladder
from gitrepos.snapshot.packs import reading
from gitrepos.snapshot.values import FilesRequest, Snapshot
from gitrepos.unpacking import JudgedPacks
from keeptrusts.judge.errors import CrashedError, CrowdedError, TooCostlyError, UnansweredError
from tests.support.asking import MAIN
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import content, link, poll

BOT = "bot/policy-config.yaml"
MEBIBYTE = 1 << 20


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The git commands that were run."""
    run: list[str] = []
    ended = runner._ended

    def noted(command: Any) -> Any:
        run.append(runner._step(command.program))
        return ended(command)

    monkeypatch.setattr(runner, "_ended", noted)
    return run


def taken(
    repo: Repo,
    folder: Path,
    asks: Sequence[FilesRequest] = (FilesRequest(""),),
    *,
    unpacker: JudgedPacks | None,
) -> list[Snapshot | tuple[str, str]]:
    """What is taken of main for each request; of an error its code and message."""
    access = runner.Access(parse(repo.url, schemes=["http"]), ("127.0.0.1",))
    head = repo.git("rev-parse", MAIN, at=repo.bare)
    ladder.forget()
    try:
        results = fetch.take(
            access, ref=MAIN, head=head, asks=asks, folder=folder / "work", unpacker=unpacker
        )
    except RemoteError as error:
        return [(error.code, error.message)]
    return [(one.code, one.message) if isinstance(one, RemoteError) else one for one in results]


def _entry(mode: bytes, called: bytes, key: str) -> bytes:
    return mode + b" " + called + b"\0" + bytes.fromhex(key)


def _literal(*entries: tuple[bytes, bytes]) -> Callable[[Repo], None]:
    """A commit of a directory with a policy, once for each mode and name."""

    def make(repo: Repo) -> None:
        repo.commit({BOT: policy()})
        bot = repo.git("rev-parse", "HEAD:bot")
        raw = b"".join(_entry(mode, called, bot) for mode, called in entries)
        hashed = ("hash-object", "-t", "tree", "--literally", "-w", "--stdin")
        tree = repo.raw(*hashed, stdin=raw).decode().strip()
        commit = repo.git("commit-tree", tree, "-m", "Literal")
        repo.git("update-ref", MAIN, commit, at=repo.bare)

    return make


def _merged(repo: Repo) -> None:
    repo.commit({BOT: policy("One"), "other.txt": "x"})
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit({"side/policy-config.yaml": policy("Side")})
    repo.git("checkout", "--quiet", "main")
    repo.commit({BOT: policy("Two")})
    repo.git("merge", "--quiet", "-m", "A merge\n\n  with\tmore \n", "side")
    repo.push()


def _of(files: dict[str | bytes, str | bytes], mode: str = "100644") -> Callable[[Repo], object]:
    return lambda repo: repo.plant(files, mode=mode)


def _linked(repo: Repo) -> None:
    repo.commit({"real/policy-config.yaml": policy(), "real/deep/x": "x"})
    (repo.clone / "link").symlink_to("real")
    (repo.clone / "out").symlink_to("../out")
    repo.commit({"more": "x"})


PLAIN: dict[str, Callable[[Repo], object]] = {
    "files": _of({BOT: policy(), "a/b/c/policy-config.yaml": policy("Deep"), "noise": "x" * 9999}),
    "a merge": _merged,
    "executable": _of({BOT: policy()}, "100755"),
    "links in place of files": _of({BOT: "elsewhere", "b/policy-config.yaml": BOT}, "120000"),
    "submodules": _of({BOT: "ab" * 20}, "160000"),
    "linked directories": _linked,
    "odd names": _of(
        {b"\xff\xfe/policy-config.yaml": policy(), "ä €/policy-config.yaml": policy()}
    ),
    "a blob that is too large": _of({BOT: "#" * (MEBIBYTE + 1), "b/policy-config.yaml": policy()}),
    "no policies": _of({"readme.md": "x"}),
    "files of git": _of({BOT: policy(), "x/.gitattributes": "* text\n", ".gitmodules": "[x]\n"}),
}
LEFT: dict[str, Callable[[Repo], object]] = {
    "attributes": _of({BOT: policy(), ".gitattributes": "*.yaml text eol=crlf\n"}),
    "a zero before a mode": _literal((b"040000", b"bot")),
    "an odd mode beside": _literal((b"40000", b"bot"), (b"100664", b"other")),
    "a parent": _literal((b"40000", b"..")),
    "git's own": _literal((b"40000", b".git")),
    "twice the same": _literal((b"40000", b"bot"), (b"40000", b"bot")),
    "out of order": _literal((b"40000", b"bot"), (b"40000", b"a")),
}
ASKS = (FilesRequest(""), FilesRequest("bot"), FilesRequest(BOT), FilesRequest("nowhere/at/all"))


def test_both_readers_take_the_same(forge: Forge, tmp_path: Path, commands: list[str]) -> None:
    """Snapshots and refusals, to the word; the judge starts no git where it need not."""
    for name, make in {**PLAIN, **LEFT}.items():
        repo = forge.repository(tmp_path / name)
        make(repo)

        theirs = taken(repo, tmp_path, ASKS, unpacker=None)
        commands.clear()
        ours = taken(repo, tmp_path, ASKS, unpacker=JudgedPacks())

        assert ours == theirs, name
        assert bool(commands) == (name in LEFT), (name, commands)


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_change_starts_no_process_and_makes_no_folder(
    forge: Forge, tmp_path: Path, commands: list[str], object_format: str
) -> None:
    """Of either hash."""
    repo = forge.repository(tmp_path / "clone", object_format=object_format)
    head = repo.commit({BOT: policy(), "other.bin": "x"})

    (one,) = taken(repo, tmp_path, unpacker=JudgedPacks())

    assert isinstance(one, Snapshot)
    assert (one.commit.id, [file.content for file in one.files or ()]) == (
        head, [policy().encode()],
    )  # fmt: skip
    assert (commands, (tmp_path / "work").exists()) == ([], False)


def test_a_tree_that_is_missing_is_refused_as_by_git(
    forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """In a pack that lacks it."""
    repo.commit({BOT: policy()})
    ids = "".join(f"{repo.git('rev-parse', name)}\n" for name in ("HEAD", "HEAD^{tree}"))
    pack = b"\x01" + repo.raw("pack-objects", "-q", "--stdout", stdin=ids.encode())
    body = b"000dpackfile\n" + b"%04x%s" % (len(pack) + 4, pack) + b"0000"
    kind = {"Content-Type": "application/x-git-upload-pack-result"}
    forge.answers[repo.bare.name] = (200, kind, body)

    said = [taken(repo, tmp_path, unpacker=one)[0] for one in (None, JudgedPacks())]

    assert said[0] == said[1]
    assert said[0][0] == "bad_answer"  # type: ignore[index]
    forge.release(repo)


@pytest.mark.parametrize("error", [
    CrashedError("Traceback"), CrowdedError(own=True), TooCostlyError("takes too long"),
    UnansweredError("killed"),
])  # fmt: skip
def test_git_reads_what_a_judge_does_not(
    forge: Forge,
    repo: Repo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    commands: list[str],
    error: Exception,
) -> None:
    """Of the trees, or of the blobs alone, whatever kept it from that."""
    repo.commit({BOT: policy()})
    for failing in (reading.commit, reading.blobs):
        ask = unpacking.ask

        def asked(asker: Any, function: Any, *args: Any) -> Any:
            if function is failing:  # noqa: B023
                raise error
            return ask(asker, function, *args)  # noqa: B023

        with monkeypatch.context() as patch:
            patch.setattr(unpacking, "ask", asked)
            commands.clear()
            ours = taken(repo, tmp_path, unpacker=JudgedPacks())

        assert ours == taken(repo, tmp_path, unpacker=None)
        assert commands[0] == "git index-pack"


def test_a_pack_that_is_too_large_for_a_judge_is_read_by_git(
    forge: Forge, repo: Repo, tmp_path: Path, commands: list[str]
) -> None:
    """From the same answer of the server."""
    repo.commit({BOT: policy()})
    before = len(forge.calls(repo))
    small = JudgedPacks()
    small.most_bytes = 20

    (one,) = taken(repo, tmp_path, unpacker=small)

    assert isinstance(one, Snapshot) and one.files
    assert (commands[0], len(forge.calls(repo)) - before) == ("git index-pack", 2)


@pytest.mark.django_db
@pytest.mark.parametrize(("reader", "processes"), [("own", 0), ("git", 5)])
def test_an_operator_chooses_the_reader(
    admin: APIClient, repo: Repo, commands: list[str], settings: Any, reader: str, processes: int
) -> None:
    """Of every sync: the first, and that of a change."""
    settings.ENV = dataclasses.replace(settings.ENV, git_reader=reader)
    repo.commit({BOT: policy("One")})
    link(admin, repo.url)
    poll()
    commands.clear()
    repo.commit({BOT: policy("Two")})

    poll()

    assert content(admin, "bot") == policy("Two").encode()
    assert len(commands) == processes, commands
