"""Commits: header and message as git shows them, or left to git."""

import pytest

from gitrepos.snapshot.packs import commits
from gitrepos.snapshot.packs.errors import UncleanError

TREE = b"tree " + b"ab" * 20 + b"\n"
PARENT = b"parent " + b"cd" * 20 + b"\n"
WHO = b"An Author <author@keeptrusts.example>"
AUTHOR, COMMITTER = b"author " + WHO + b" 17 +0100\n", b"committer " + WHO + b" 18 -0130\n"
PEOPLE = AUTHOR + COMMITTER
SIGNED = b"gpgsig -----BEGIN\n \n x\n -----END\n"


@pytest.mark.parametrize(("content", "header", "message"), [
    (TREE + PEOPLE + b"\nOne\n", TREE + PEOPLE, b"One\n"),
    (TREE + PARENT * 3 + PEOPLE + b"\n", TREE + PARENT * 3 + PEOPLE, b""),
    (TREE + PEOPLE + SIGNED + b"\n\nOne", TREE + PEOPLE + SIGNED, b"\nOne"),
    (TREE + PEOPLE + b"\na \t\r\n    b\n \n", TREE + PEOPLE, b"a\n    b\n\n"),
    (TREE + PEOPLE + b"\nauthor x\n\xff\n", TREE + PEOPLE, b"author x\n\xff\n"),
])  # fmt: skip
def test_a_commit_is_read(content: bytes, header: bytes, message: bytes) -> None:
    """With any number of parents, a signature, and blanks at the ends of its lines."""
    commit = commits.read(content, id_bytes=20)

    assert commit == (b"\xab" * 20, header.removesuffix(b"\n"), message)


@pytest.mark.parametrize("content", [
    b"",
    TREE + PEOPLE,
    TREE + PEOPLE.rstrip(b"\n") + b"\n\n"[:1],
    PEOPLE + b"\nOne\n",
    TREE + COMMITTER + AUTHOR + b"\nOne\n",
    TREE + AUTHOR + b"\nOne\n",
    TREE + PEOPLE + PARENT + AUTHOR + b"\nOne\n",
    TREE.upper() + PEOPLE + b"\nOne\n",
    b"tree " + b"ab" * 32 + b"\n" + PEOPLE + b"\nOne\n",
    TREE + PARENT[:-2] + b"\n" + PEOPLE + b"\nOne\n",
    TREE + PEOPLE + b"\nOne\0\n",
    TREE + PEOPLE + b"encoding ISO-8859-1\n\nOne\n",
    TREE + PEOPLE + b"encoding UTF-8\n\nOne\n",
    TREE + PEOPLE + b"\n" + b"x" * 300_000,
    *(
        TREE + b"author " + who + b"\n" + COMMITTER + b"\nOne\n"
        for who in (
            WHO, WHO + b" 17", WHO + b" 17 +01", WHO + b" 017 +0100", WHO + b" -1 +0100",
            WHO + b" 1000000000000 +0100", WHO + b"17 +0100", b"<a@b> 17 +0100", b"A 17 +0100",
            b"A <a<b> 17 +0100", b"A> <a@b> 17 +0100", b"A<a@b> 17 +0100", WHO + b" 17 0100",
        )
    ),
], ids=range(27))  # fmt: skip
def test_a_commit_with_a_fault_is_left_to_git(content: bytes) -> None:
    """Or with an encoding, by which git writes its message anew."""
    with pytest.raises(UncleanError):
        commits.read(content, id_bytes=20)
