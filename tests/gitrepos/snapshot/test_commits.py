"""Authors, dates and messages of commits as they are shown, whatever a commit holds."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitrepos.forge.addresses import parse
from gitrepos.forge.git import runner
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest, Snapshot
from tests.support.repo import Repo, policy

WHO = b"An Author <author@keeptrusts.example>"
HEADER = (
    b"author Mx \xc3\x84 <a@b.example> 1700000000 +0100\ncommitter " + WHO + b" 1800000000 +0100\n"
)


@pytest.fixture
def first(repo: Repo) -> str:
    """A commit that is there already."""
    return repo.commit({"bot/policy-config.yaml": policy()})


def taken(repo: Repo, folder: Path, rest: bytes, *, last_commit: str = "") -> Snapshot:
    """What is taken of a commit with the tree of HEAD, whose bytes go on with `rest`."""
    raw = f"tree {repo.git('rev-parse', 'HEAD^{tree}')}\n".encode() + rest
    made = repo.raw("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw)
    head = made.decode().strip()
    repo.git("push", "--quiet", "--force", "origin", f"{head}:refs/heads/main")
    access = runner.Access(parse(repo.url, schemes=["http"]), ("127.0.0.1",))
    asks = [FilesRequest("", last_commit=last_commit)]
    (said,) = fetch.take(access, ref="refs/heads/main", head=head, asks=asks, folder=folder)
    assert isinstance(said, Snapshot)
    assert said.commit.id == head
    return said


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"\nOne line\n", "One line"),
        (b"\n\n  Two\n\n    lines  \n\n", "Two\n\n    lines"),
        (b"\n", ""),
        (b"encoding ISO-8859-1\n\nGr\xfc\xdfe\n", "Grüße"),
        (b"\nNo \xff text\n", "No \ufffd text"),
    ],
)
def test_a_message_is_shown_as_it_was_meant(
    repo: Repo, first: str, tmp_path: Path, rest: bytes, message: str
) -> None:
    """In its own encoding, and with its own indentation."""
    assert taken(repo, tmp_path / "work", HEADER + rest).commit.message == message


def test_the_author_is_who_wrote_it_and_the_time_when_it_was_committed(
    repo: Repo, first: str, tmp_path: Path
) -> None:
    """Of the two names and two times in a commit."""
    commit = taken(repo, tmp_path / "work", HEADER + b"\nOne line\n").commit

    assert (commit.author, commit.committed_at) == (
        "Mx Ä <a@b.example>",
        datetime.fromtimestamp(1_800_000_000, UTC),
    )


def test_what_stands_twice_in_a_header_counts_once(repo: Repo, first: str, tmp_path: Path) -> None:
    """git reads the first; a second one must not show what is not in force."""
    again = b"tree " + b"ab" * 20 + b"\nauthor " + b"Other <o@b.example> 1 +0000\n"

    said = taken(repo, tmp_path / "work", HEADER + again + b"\nOne line\n")

    assert said.commit.author == "Mx Ä <a@b.example>"
    assert said.tree_id == repo.git("rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize("follows", [True, False])
def test_whether_a_branch_was_rewritten_is_seen_in_the_parents_of_its_head(
    repo: Repo, first: str, tmp_path: Path, follows: bool
) -> None:
    """Though they were not fetched with it."""
    parent = f"parent {first}\n".encode() if follows else b""

    said = taken(repo, tmp_path / "work", parent + HEADER + b"\nNext\n", last_commit=first)

    assert said.rewritten is not follows
