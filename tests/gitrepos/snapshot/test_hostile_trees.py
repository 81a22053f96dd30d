"""Hostile trees: repositories made to be costly or confusing, read within bounds."""

import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from gitrepos.snapshot import ladder
from tests.support.repo import Repo, policy
from tests.support.syncing import codes, content, files, hashes, link, poll, run_due, shown

pytestmark = pytest.mark.django_db

BOT = "bot/policy-config.yaml"
MEBIBYTE = 1 << 20


def entry(name: bytes, oid: str, mode: bytes = b"40000") -> bytes:
    """One line of a tree, as git stores it."""
    return mode + b" " + name + b"\0" + bytes.fromhex(oid)


def tree(repo: Repo, *entries: bytes) -> str:
    """A tree of these entries, whatever git thinks of them."""
    made = repo.raw(
        "hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=b"".join(entries)
    )
    return made.decode().strip()


def blob(repo: Repo, text: str) -> str:
    """A blob of this text."""
    made = repo.raw("hash-object", "-w", "--stdin", stdin=text.encode())
    return made.decode().strip()


def push(repo: Repo, root: str) -> str:
    """Have main be a commit of this tree; no command reads the tree on its way."""
    commit = repo.git("commit-tree", root, "-m", "Hostile")
    # A push would walk the tree, and there may be a million paths in it.
    (repo.bare / "objects/info/alternates").write_text(f"{repo.clone}/.git/objects\n")
    repo.git("update-ref", "refs/heads/main", commit, at=repo.bare)
    return commit


def wide(repo: Repo, levels: int, leaf: bytes) -> str:
    """A thousand directories in each of a thousand directories …: of each level one object."""
    root = tree(repo, leaf)
    for _ in range(levels):
        root = tree(repo, *(entry(b"d%03d" % number, root) for number in range(1000)))
    return root


def good(repo: Repo) -> bytes:
    """The entry of a directory with a good policy."""
    inner = tree(repo, entry(b"policy-config.yaml", blob(repo, policy()), b"100644"))
    return entry(b"bot", inner)


def many(repo: Repo) -> str:
    """A million tiny files."""
    leaf = entry(b"f", blob(repo, ""), b"100644")
    return tree(repo, good(repo), entry(b"many", wide(repo, 2, leaf)))


def tree_bomb(repo: Repo) -> str:
    """A thousand million of them, in a handful of objects."""
    leaf = entry(b"f", blob(repo, ""), b"100644")
    return tree(repo, good(repo), entry(b"many", wide(repo, 3, leaf)))


def policies(repo: Repo) -> str:
    """A million policies, all of them one blob."""
    leaf = entry(b"policy-config.yaml", blob(repo, policy()), b"100644")
    return wide(repo, 2, leaf)


TOO_MANY: list[tuple[Callable[[Repo], str], set[str | None]]] = [
    (many, {None, "too_large"}),
    (tree_bomb, {"too_large"}),
    (policies, {"too_large"}),
]


def test_a_tree_of_too_many_paths_ends_in_bounds(admin: APIClient, repo: Repo) -> None:
    """Of memory, too, of the child and of the worker; what is in force stays."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    for plant, expected in TOO_MANY:
        push(repo, plant(repo))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        poll()

        seen = shown(admin, row)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert (seen["error"] or {"code": None})["code"] in expected, plant.__name__
        assert list(hashes()) == ["bot"], plant.__name__
        assert grown * 1024 < 500 * MEBIBYTE, plant.__name__


def test_a_path_of_two_thousand_directories_is_a_finding(
    admin: APIClient, make_repo: Callable[[], Repo]
) -> None:
    """Its neighbours are synced, in its repository and beside it."""
    repo, neighbour = make_repo(), make_repo()
    path = f"{'d/' * 2000}policy-config.yaml"
    repo.raw(
        "fast-import",
        "--quiet",
        stdin=b"commit refs/heads/deep\ncommitter x <x@y> 0 +0000\ndata 0\n"
        b"M 100644 inline %s\ndata 2\nx\n"
        b"M 100644 inline near/policy-config.yaml\ndata %d\n%s\n"
        % (path.encode(), len(policy()), policy().encode()),
    )
    repo.git("push", "--quiet", "origin", "refs/heads/deep:refs/heads/main")
    neighbour.commit({BOT: policy()})
    rows = [link(admin, repo.url), link(admin, neighbour.url)]

    run_due()

    found = files(admin, rows[0])
    assert sorted(code for row in found.values() for code in codes(row)) == ["bad_path"]
    assert {shown(admin, row)["status"] for row in rows} == {"synced"}
    assert sorted(hashes()) == ["bot", "near"]


ODD: dict[str, Callable[[Repo], list[bytes]]] = {
    "a slash in a name": lambda repo: [entry(b"a/b", _inner(repo))],
    "an empty name": lambda repo: [entry(b"", _inner(repo))],
    "the same name twice": lambda repo: [entry(b"a", _inner(repo)), entry(b"a", _inner(repo))],
    "out of order": lambda repo: [entry(b"b", _inner(repo)), entry(b"a", _inner(repo))],
    "a null object": lambda repo: [entry(b"a", "0" * 40)],
    "the parent": lambda repo: [entry(b"..", _inner(repo))],
    "git's own": lambda repo: [entry(b".git", _inner(repo))],
    "a tree cut short": lambda repo: [entry(b"a", _inner(repo))[:-3]],
}


def _inner(repo: Repo) -> str:
    return tree(repo, entry(b"policy-config.yaml", blob(repo, policy("Hostile")), b"100644"))


# What the forge's git cannot pack itself.
_UNSERVED = ("an empty name", "a null object", "a tree cut short")


def test_a_tree_that_git_would_not_make_is_refused(admin: APIClient, repo: Repo) -> None:
    """Whole: what is in force stays, and a good commit mends it."""
    repo.commit({BOT: policy("One")})
    row = link(admin, repo.url)
    run_due()
    for name, make in ODD.items():
        ladder.forget()
        push(repo, tree(repo, *make(repo)))

        poll()

        code = "bad_answer" if name in _UNSERVED else "unsafe_object"
        assert shown(admin, row)["error"]["code"] == code, name
        assert (list(hashes()), content(admin, "bot")) == (["bot"], policy("One").encode()), name
    repo.commit({BOT: policy("Two")})
    poll()
    assert content(admin, "bot") == policy("Two").encode()


def test_names_that_differ_in_case_alone_are_two(admin: APIClient, repo: Repo) -> None:
    """No file system folds them here, so neither is the other's."""
    repo.plant(
        {"bot/policy-config.yaml": policy("Lower"), "BOT/policy-config.yaml": policy("Upper")}
    )
    row = link(admin, repo.url)

    run_due()

    found = files(admin, row)
    assert content(admin, "bot") == policy("Lower").encode()
    assert set(found) == {"bot/policy-config.yaml", "BOT/policy-config.yaml"}
    assert found["BOT/policy-config.yaml"]["configuration"] != "bot"


def test_names_that_look_alike_are_not_taken_for_the_file(admin: APIClient, repo: Repo) -> None:
    """Another case, a blank, a dot, a full-width letter: none is `policy-config.yaml`."""
    repo.plant(
        {
            "a/Policy-Config.yaml": policy(),
            "b/policy-config.yaml ": policy(),
            "c/policy-config.yaml.": policy(),
            "d/\uff50olicy-config.yaml": policy(),
            "e/policy-config.yaml\\": policy(),
        }
    )
    row = link(admin, repo.url)

    run_due()

    assert (shown(admin, row)["error"]["code"], hashes()) == ("no_policy_files", {})


def test_what_a_repository_says_of_submodules_and_filters_is_not_done(
    admin: APIClient, repo: Repo, tmp_path: Path
) -> None:
    """Neither fetched nor run: these are files like any others."""
    marker = tmp_path / "marker"
    run = f"sh -c 'touch {marker}'"
    repo.plant(
        {
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::{run}\n\tupdate = !{run}\n',
            ".gitattributes": "* filter=x diff=x merge=x\n",
            ".lfsconfig": f"[lfs]\n\turl = ext::{run}\n",
            ".gitconfig": f"[core]\n\tfsmonitor = {run}\n",
            "hooks/post-checkout": f"#!/bin/sh\ntouch {marker}\n",
            "config": f"[core]\n\tsshCommand = {run}\n",
            "HEAD": "ref: refs/heads/main\n",
            BOT: policy(),
        },
        mode="100755",
    )
    row = link(admin, repo.url)

    run_due()

    found = files(admin, row)[BOT]
    assert not marker.exists()
    assert (found["outcome"], codes(found)) == ("synced", ["checkout_differs"])
