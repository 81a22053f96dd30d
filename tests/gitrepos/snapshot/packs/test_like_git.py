"""The reader of packs beside git: what it takes, git takes without a word and reads the same."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitrepos.snapshot.packs import reading
from gitrepos.snapshot.packs.reading import BlobsReading, CommitReading
from kt.policy.files import FILE_NAME
from tests.support import oddrepos
from tests.support.oddrepos import Made
from tests.support.packs import name, packed, whole_object

_ENDS = (FILE_NAME.encode(), b".gitattributes")
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C"}
# Objects that git complains of, but for one that is not there, or which another repository uses as
# a file of git's.
_FAULT = re.compile(
    rb"(?:error|warning) in (?:tree|commit) ([0-9a-f]{40,64}): (?!broken links|git[a-z]+Blob)"
    rb"|error: (?:object )?([0-9a-f]{40,64})(?:: .*)?:"
)


def git(folder: Path, *arguments: str, stdin: bytes = b"", fails: bool = False) -> bytes:
    """What a git command prints; with `fails` also what it complains of, however it ends."""
    done = subprocess.run(
        ["git", f"--git-dir={folder}", *arguments],
        input=stdin, capture_output=True, env=_ENVIRONMENT,
    )  # fmt: skip
    assert fails or done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout + done.stderr if fails else done.stdout


class AllInOne:
    """A repository of git with the objects of many: one process has the word on all of them."""

    def __init__(self, folder: Path, repos: list[Made], *, sha256: bool) -> None:
        self.folder = folder
        kind = "sha256" if sha256 else "sha1"
        git(folder, "init", "--quiet", "--bare", f"--object-format={kind}", str(folder))
        objects = dict.fromkeys(one for repo in repos for one in repo.objects)
        pack = packed((whole_object(*one) for one in objects), sha256=sha256)
        git(folder, "index-pack", "--stdin", stdin=pack)
        words = git(folder, "fsck", "--strict", "--no-dangling", fails=True)
        self.faults = {bytes.fromhex((a or b).decode()) for a, b in _FAULT.findall(words)}
        self.words = words.decode(errors="replace")

    def commits(self, heads: list[bytes]) -> dict[bytes, bytes]:
        """What `git log` has of each commit, by its id."""
        ids = "".join(f"{head.hex()}\n" for head in heads).encode()
        # A record ends with a NUL; none of these commits has one.
        output = git(
            self.folder, "log", "-z", "--no-walk=unsorted", "--pretty=raw", "--stdin", stdin=ids
        )
        records = [record for record in output.split(b"\0") if record.startswith(b"commit ")]
        return {bytes.fromhex(record.split()[1].decode()): record for record in records}

    def listing(self, trees: list[bytes]) -> dict[bytes, dict[bytes, tuple[str, str]]]:
        """Mode and id of every path below each tree."""
        empty = git(self.folder, "hash-object", "-t", "tree", "-w", "--stdin").strip()
        lines = b"".join(b"%s %s\n" % (empty, tree.hex().encode()) for tree in dict.fromkeys(trees))
        output = git(self.folder, "diff-tree", "--stdin", "-r", "-t", "-z", stdin=lines)
        found: dict[bytes, dict[bytes, tuple[str, str]]] = {tree: {} for tree in trees}
        parts = iter(output.split(b"\0"))
        rows = found.get(b"", {})
        for part in parts:
            while part[:1] != b":" and b"\n" in part:  # `EMPTY TREE` stands before the rows of it.
                head, _, part = part.partition(b"\n")
                rows = found[bytes.fromhex(head.split()[1].decode())]
            if part:
                _, mode, _, blob, _ = part.split(b" ")
                rows[next(parts)] = mode.decode(), blob.decode()
        return found


def told(answer: CommitReading) -> tuple[list[str], str]:
    """A commit's header and message as a snapshot has them."""
    message = answer.message.decode(errors="replace").strip()
    # git trims the end of what it prints, where there is no message.
    return answer.header.decode(errors="replace").rstrip().split("\n"), message


def told_by_git(record: bytes) -> tuple[list[str], str]:
    """The same of what `git log --pretty=raw` prints."""
    header, _, message = record.decode(errors="replace").partition("\n\n")
    lines = [line.removeprefix("    ") for line in message.split("\n")]
    return header.rstrip().split("\n")[1:], "\n".join(lines).strip()


def matters(rows: dict[bytes, tuple[str, str]], names: tuple[bytes, ...]) -> set[tuple[str, ...]]:
    """What of a whole listing is at the names, and what below them matters."""
    return {
        (mode.lstrip("0"), blob, path.decode(errors="surrogateescape"))
        for path, (mode, blob) in rows.items()
        if path in names
        or (
            any(not one or path.startswith(one + b"/") for one in names)
            and (path.endswith(_ENDS) or mode == "120000")
        )
    }


def compared(folder: Path, seeds: range) -> tuple[int, int, int]:
    """How many repositories were taken, refused, and refused though git has no word on them."""
    repos = {seed: oddrepos.made(seed) for seed in seeds}
    counts: defaultdict[str, int] = defaultdict(int)
    for sha256 in (False, True):
        some = {seed: repo for seed, repo in repos.items() if repo.sha256 is sha256}
        ours = {seed: _read(repo, seed) for seed, repo in some.items()}
        theirs = AllInOne(folder / str(sha256), list(some.values()), sha256=sha256)
        taken = {seed: one for seed, one in ours.items() if isinstance(one, CommitReading)}
        logs = theirs.commits([some[seed].head for seed in taken])
        listings = theirs.listing([some[seed].tree for seed in taken])
        for seed, repo in some.items():
            faults = [key.hex() for key in _ids(repo) if key in theirs.faults]
            answer = ours[seed]
            if isinstance(answer, str):
                counts["refused" if faults else "left"] += 1
                continue
            counts["taken"] += 1
            assert not faults, (seed, faults, theirs.words)
            assert told(answer) == told_by_git(logs[repo.head]), seed
            assert set(_rows(answer)) == matters(listings[repo.tree], repo.names), seed
    return counts["taken"], counts["refused"], counts["left"]


def _read(repo: Made, seed: int) -> CommitReading | str:
    pack = oddrepos.pack(repo.objects, seed, sha256=repo.sha256)
    return reading.commit(pack, repo.head.hex(), repo.names)


def _ids(repo: Made) -> Iterator[bytes]:
    return (name(*one, sha256=repo.sha256) for one in repo.objects)


def _rows(answer: CommitReading) -> Iterator[tuple[str, ...]]:
    for mode, blob, path in answer.rows:
        yield mode, blob, path.decode(errors="surrogateescape")


def test_what_is_taken_git_takes_and_reads_as_the_same(tmp_path: Path) -> None:
    """Three hundred repositories, half of them with something odd; few are left in vain."""
    taken, refused, left = compared(tmp_path, range(300))

    assert taken > 90 and refused > 90 and left < 70, (taken, refused, left)


@pytest.mark.parametrize("seed", range(30))
def test_blobs_are_read_as_they_were_written(seed: int) -> None:
    """By their ids, of either hash, however they were packed; also one that was not asked for."""
    repo = oddrepos.made(seed)
    expected = {name(*one, sha256=repo.sha256).hex(): one[1] for one in repo.blobs}
    wanted = tuple(sorted(expected)[1:]) or ("00" * (32 if repo.sha256 else 20),)

    answer = reading.blobs(oddrepos.pack(repo.blobs, seed, sha256=repo.sha256), wanted)

    if len(expected) < 2:
        assert answer == "it lacks a blob"
    else:
        assert isinstance(answer, BlobsReading)
        assert answer.contents == {key: expected[key] for key in wanted}


@pytest.mark.soak
def test_what_is_taken_git_takes_of_ten_thousand(tmp_path: Path) -> None:
    """In hundreds, so that a fault names its hundred."""
    for start in range(1000, 11_000, 500):
        compared(tmp_path / str(start), range(start, start + 500))
