"""Named files of which there is nothing to lint: plainly no policy, or deleted since a commit.

A script that lints what a change touches names these, too.
"""

from __future__ import annotations

import os
import re

from kt.cli.sources import SourceFile
from kt.lazy import TYPE_CHECKING
from kt.policy.files import FILE_NAME

if TYPE_CHECKING:
    from kt.policy.findings import Finding

_DELETED, _NOT_A_POLICY = "deleted", "not_a_policy"
_YAML = (".yaml", ".yml")
# Texts and programs, which may quote a policy.
_QUOTING = (
    ".md", ".markdown", ".rst", ".adoc", ".html", ".sh", ".bash", ".py", ".js", ".ts", ".go",
    ".rego",
)  # fmt: skip
_OF_A_POLICY = ("pack", "policies")
_LINE_OF_A_POLICY = re.compile(rb"""^[{\s]*["']?(pack|policies)["']?\s*:""", re.MULTILINE)


def reason(source: SourceFile) -> Finding | None:
    """The warning for a file that lint need not look at, or None.

    A file that git never had, and one that may be a broken policy, are none of these.
    """
    if source.failure is not None:
        if not source.path or os.path.lexists(source.path) or not _was_committed(source.path):
            return None
        return _warning(_DELETED, "the file is deleted: git has it in a commit, the tree has not")
    if not source.path or source.path.lower().endswith(_YAML) or _may_be_policy(source):
        return None
    return _warning(
        _NOT_A_POLICY,
        f"the file is no policy, by name and content; a policy is {FILE_NAME} or another YAML file",
    )


def _may_be_policy(source: SourceFile) -> bool:
    """True when the content of a file is a policy's, or that of a broken one."""
    from kt.policy.nodes import MappingNode
    from kt.policy.yaml.document import read

    document = read(source.data)
    if document.complete:
        root = document.root
        return isinstance(root, MappingNode) and any(map(root.get, _OF_A_POLICY))
    is_quoting = source.path.lower().endswith(_QUOTING)
    return not is_quoting and _LINE_OF_A_POLICY.search(source.data) is not None


def _was_committed(path: str) -> bool:
    """True when a commit of this checkout, of any branch that it has, has a file at a path.

    The commit that deletes a file is most often the one that is checked out.
    """
    from kt.cli.errors import CommandError
    from kt.cli.git.call import git

    folder, name = os.path.split(os.path.abspath(path))
    while not os.path.isdir(folder):
        folder, above = os.path.dirname(folder), os.path.basename(folder)
        name = f"{above}/{name}"
    commits = ("log", "--all", "HEAD", "--no-merges", "-1")
    shape = ("--format=", "--name-only", "--relative", "-z")
    try:
        names = git(folder, "--literal-pathspecs", *commits, *shape, "--", name)
    except CommandError:  # No git or no commit: nothing was ever committed.
        return False
    return os.fsencode(name) in names.split(b"\0")


def _warning(code: str, message: str) -> Finding:
    from kt.policy.findings import Finding

    return Finding(code, "warning", "", message, "", 1, 1)
