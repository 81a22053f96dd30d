"""Files as they were at the commit that a change is based on."""

from __future__ import annotations

import os

from kt.cli.git.call import git
from kt.cli.git.changed import base_of, checkout


class Before:
    """The commit where HEAD parted from a reference, and the files of it.

    Raises:
        CommandError: git cannot tell it.
    """

    def __init__(self, ref: str) -> None:
        self.root, is_shallow = checkout()
        self.commit = base_of(self.root, ref, is_shallow=is_shallow)

    def content(self, path: str) -> bytes | None:
        """The file that lay at a path from the working directory; None where there was none."""
        folder, name = os.path.split(os.path.abspath(path))
        return self.content_at(
            os.path.relpath(os.path.join(os.path.realpath(folder), name), self.root)
        )

    def content_at(self, name: str) -> bytes | None:
        """The file that lay at a path from the checkout's root; None where there was none.

        Raises:
            CommandError: git cannot read it.
        """
        rows = git(self.root, "ls-tree", "-z", "--full-tree", self.commit, "--", name)
        if not rows.startswith(b"100"):
            return None
        return git(self.root, "cat-file", "blob", rows.split()[2].decode())

    def names(self) -> list[str]:
        """The paths from the root of all files of the commit."""
        rows = git(self.root, "ls-tree", "-r", "-z", "--name-only", "--full-tree", self.commit)
        return [os.fsdecode(row) for row in rows.split(b"\0") if row]
