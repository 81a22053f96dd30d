"""The policy files that differ from a commit, for `kt policy lint --since`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from kt.cli.errors import CommandError
from kt.cli.git.call import git
from kt.cli.sources import STDIN, shown
from kt.policy.files import policy_files

_MOST_LINKS = 40
_LINK = b"120000"


def changed_policies(ref: str, paths: Sequence[str]) -> list[str]:
    """Paths, from the working directory, of the policies that differ from `ref` and still exist.

    They differ from the commit where HEAD parted from `ref`, as `git diff REF...HEAD` has it,
    by commits, by edits of the working tree, or since git does not know them yet (ignored ones
    apart). A link differs with any file that it leads to. Without `paths` it is the whole
    checkout; a file among them counts whatever its name, a directory as lint reads it.

    Raises:
        CommandError: git cannot tell, or a path is not there and was not, or lies elsewhere.
    """
    root, is_shallow = checkout()
    there, gone = _differing(root, base_of(root, ref, is_shallow=is_shallow))
    there |= {link for link in _links(root) if not there.isdisjoint(_ways(root, link))}
    found: dict[str, None] = {}
    for path in paths or [root]:
        under = _under(root, path)
        if not os.path.lexists(path) and not any(f"{one}/".startswith(f"{under}/") for one in gone):
            raise CommandError(f"{shown(path)}: no such file or directory, nor was there one")
        found |= dict.fromkeys(_policies(root, there, under))
    return [os.path.relpath(os.path.join(root, name)) for name in found]


def checkout() -> tuple[str, bool]:
    """The root of the checkout, and whether it lacks a part of its history."""
    try:
        said = git(".", "rev-parse", "--show-toplevel", "--is-shallow-repository")
    except CommandError as error:
        raise CommandError(f"{error}; --since needs git, and a checkout of the policies") from error
    root, _, is_shallow = said.removesuffix(b"\n").rpartition(b"\n")
    return os.fsdecode(root), is_shallow == b"true"


def base_of(root: str, ref: str, *, is_shallow: bool) -> str:
    """The commit where HEAD parted from a reference.

    Raises:
        CommandError: there is none here.
    """
    name = f"{ref}^{{commit}}"
    look = ("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    # Git ends with 1 or 128 where there is no such commit, as the kind of name has it.
    commit = git(root, *look, codes=(0, 1, 128)).decode().strip()
    fix = "fetch all of it: git fetch --unshallow (in CI fetch-depth: 0, GIT_DEPTH: 0)"
    if not commit.isalnum():
        fix = f"the checkout is shallow; {fix}" if is_shallow else "git fetch brings what is new"
        raise CommandError(f"--since {shown(ref)}: no such commit here; {fix}")
    bases = git(root, "merge-base", commit, "HEAD", codes=(0, 1)).decode().split()
    if not bases:
        fix = f"the checkout is shallow; {fix}" if is_shallow else "name one that HEAD grew from"
        raise CommandError(f"--since {shown(ref)}: its history and HEAD's never meet here; {fix}")
    return bases[0]


def _differing(root: str, base: str) -> tuple[set[str], set[str]]:
    """The files that differ from a commit and are there, and those that are gone."""
    there, gone = set(), set()
    options = ("--name-status", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
    words = _names(git(root, "diff", *options, base, "--"))
    for status, name in zip(words[::2], words[1::2], strict=True):
        if os.path.lexists(os.path.join(root, name)):
            there.add(name)
        elif status in ("D", "U"):
            gone.add(name)
        elif policy_files([name]):
            fix = "git sparse-checkout disable brings it"
            raise CommandError(f"{shown(name)} differs, and is not in the working tree; {fix}")
    there.update(_names(git(root, "ls-files", "--others", "--exclude-standard", "-z")))
    return there, gone


def _links(root: str) -> list[str]:
    """The symbolic links that git knows."""
    rows = git(root, "ls-files", "--stage", "-z").split(b"\0")
    return [os.fsdecode(row.partition(b"\t")[2]) for row in rows if row.startswith(_LINK)]


def _ways(root: str, name: str) -> Iterator[str]:
    """The links and the file, from the root, by way of which a link is read."""
    path = os.path.join(root, name)
    for _ in range(_MOST_LINKS):
        folder, last = os.path.split(path)
        path = os.path.join(os.path.realpath(folder), last)
        yield os.path.relpath(path, root)
        if not os.path.islink(path):
            return
        path = os.path.join(os.path.dirname(path), os.readlink(path))


def _under(root: str, path: str) -> str:
    """A path from the root, a directory by where it lies; "." for the root."""
    if path == STDIN:
        raise CommandError("--since is about files of git; stdin is none")
    folder, name = os.path.split(os.path.abspath(path))
    is_folder = os.path.isdir(path)
    lies = os.path.realpath(path) if is_folder else os.path.join(os.path.realpath(folder), name)
    found = os.path.relpath(lies, root)
    if found.split(os.sep)[0] == os.pardir:
        raise CommandError(f"{shown(path)}: outside of the checkout {shown(root)}")
    return found


def _policies(root: str, names: set[str], under: str) -> Iterator[str]:
    """Of files, the policies that lint would read below a path: none in a hidden folder."""
    for name in policy_files(names, under):
        folders = name.removeprefix(under if under != os.curdir else "").split("/")[:-1]
        is_hidden = any(folder.startswith(".") for folder in folders)
        if not is_hidden and not os.path.isdir(os.path.join(root, name)):
            yield name


def _names(rows: bytes) -> list[str]:
    return [os.fsdecode(row) for row in rows.split(b"\0") if row]
