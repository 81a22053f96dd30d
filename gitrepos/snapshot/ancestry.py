"""The test for a rewritten branch: one that lost a commit from its ancestors."""

from collections.abc import Sequence

from gitrepos.errors import ObjectRefusedError, RemoteError
from gitrepos.snapshot.repository import Bare, RemoteBranch, text

_HEAD = "refs/keeptrusts/head"
_LEFT = "refs/keeptrusts/left"
_GENERATIONS = 1000
_SECONDS = 15
_WHOLE = b"false\n"


def left(source: RemoteBranch, commit: str, *, head: str, header: Sequence[str]) -> bool:
    """True when the branch, now at `head`, provably lost `commit` from its ancestors.

    `header` has the head's own lines, since a shallow repository hides the parents from all else.
    A branch that moved on by one commit or one merge costs no call. Else the last 1,000
    generations of both are fetched, commits alone. The answer is False where these do not meet,
    and where the server does not send them within the bounds.
    """
    if commit == head or f"parent {commit}" in header:
        return False
    try:
        return _departed(source, commit)
    except RemoteError:
        return False  # The sync itself shows what is wrong with the server.


def _departed(source: RemoteBranch, commit: str) -> bool:
    # In a separate repository: git does not deepen one that has the head already.
    bare = Bare(source, "history")
    deep = [f"--depth={_GENERATIONS}", "--filter=tree:0", "origin", f"+{source.ref}:{_HEAD}"]
    try:
        bare.fetch([*deep, f"+{commit}:{_LEFT}"], _SECONDS)
        before = _history(bare, _LEFT)
    except ObjectRefusedError:
        bare.fetch(deep, _SECONDS)
        before = frozenset()
    here = _history(bare, _HEAD)
    if commit in here:
        return False
    return bool(before & here) or bare.read(["rev-parse", "--is-shallow-repository"]) == _WHOLE


def _history(bare: Bare, tip: str) -> frozenset[str]:
    return frozenset(text(bare.read(["rev-list", tip, "--"])).split())
