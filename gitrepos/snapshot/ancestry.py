"""Ancestors: whether a branch lost a commit, where two parted, who made those between."""

from collections.abc import Sequence
from pathlib import Path

from gitrepos.errors import BadAnswerError, ObjectRefusedError, RemoteError
from gitrepos.forge.git import runner
from gitrepos.forge.pack_fetch import Courier
from gitrepos.snapshot import signatures
from gitrepos.snapshot.repository import Bare, RemoteRef, Signers, text
from gitrepos.snapshot.temporary import Temporary
from gitrepos.snapshot.values import Made

_HEAD = "refs/keeptrusts/head"
_LEFT = "refs/keeptrusts/left"
_GENERATIONS = 1000
_SECONDS = 15
_MOST_PEOPLE = 100
_WHOLE = b"false\n"


def left(source: RemoteRef, commit: str, *, head: str, header: Sequence[str]) -> bool:
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


def fork(access: runner.Access, *, ref: str, head: str, other: str, folder: Path) -> str:
    """The commit from which `ref`, at `head`, and the commit `other` went apart.

    Of several it is one that git would merge by. Empty where the last 1,000 generations of both
    have none in common, and where the server does not send them within the bounds. `folder` holds
    the temporary repository.
    """
    object_format = "sha256" if len(head) == 64 else "sha1"
    try:
        with Temporary(folder) as place, Courier(access) as courier:
            source = RemoteRef(access, courier, ref, object_format, place)
            bare = Bare(source, "history")
            refs = [f"+{head}:{_HEAD}", f"+{other}:{_LEFT}"]
            bare.fetch([*_deep(), "origin", *refs], _SECONDS)
            return text(bare.read(["merge-base", _HEAD, _LEFT])).strip()
    except RemoteError:
        return ""


def _departed(source: RemoteRef, commit: str) -> bool:
    # In a separate repository: git does not deepen one that has the head already.
    bare = Bare(source, f"history-{commit}")
    deep = [*_deep(), "origin", f"+{source.ref}:{_HEAD}"]
    try:
        bare.fetch([*deep, f"+{commit}:{_LEFT}"], _SECONDS)
        before = history(bare, _LEFT)
    except ObjectRefusedError:
        bare.fetch(deep, _SECONDS)
        before = frozenset()
    here = history(bare, _HEAD)
    if commit in here:
        return False
    return bool(before & here) or bare.read(["rev-parse", "--is-shallow-repository"]) == _WHOLE


def people(
    source: RemoteRef, commit: str, *, head: str, header: Sequence[str], signers: Signers
) -> tuple[Made, ...] | None:
    """Who made the commits by which a branch came from `commit` to `head`, without that itself.

    First parents alone: of a merge it is who made it. A branch that moved on by one commit or one
    merge costs no call. None where `commit` is empty and `head` has parents, and as of `walked`.
    """
    parent = next((line for line in header if line.startswith("parent ")), "")
    if commit == head or parent == (f"parent {commit}" if commit else ""):
        return ()
    if not commit:
        return None
    try:
        bare = Bare(source, f"people-{commit}")
        bare.fetch([*_deep(), "origin", f"+{head}:{_HEAD}", f"+{commit}:{_LEFT}"], _SECONDS)
    except RemoteError:
        return None
    return walked(bare, _HEAD, _LEFT, signers)


def walked(bare: Bare, head: str, commit: str, signers: Signers) -> tuple[Made, ...] | None:
    """Who made the commits from `commit` to `head`; None where git cannot tell, and for too many.

    By `signers`, if there are any, each must be signed: what another says of itself is nobody's
    word. `head` must stand on `commit`, since no commit names who pushed a branch back.
    """
    marks = signatures.FORMAT if any(signers.values()) else "--format="
    line = f"{marks}%x00%ae%x00%ce"
    log = ["log", "--first-parent", f"-{_GENERATIONS}", line, head, f"^{commit}", "--"]
    try:
        is_ahead = not bare.read(["rev-list", "-1", commit, f"^{head}", "--"])
        lines = text(bare.read(log, **signers)).split("\n")[:-1]
    except RemoteError:
        return None
    made = [_made(*line.rsplit("\0", 2)) for line in lines]
    is_good = all(not one.signature or not signatures.complaint(one.signature) for one in made)
    people = sorted(set(made), key=repr)
    is_whole = is_ahead and is_good and len(lines) < _GENERATIONS and len(people) <= _MOST_PEOPLE
    return tuple(people) if is_whole else None


def _made(marks: str, author: str, committer: str) -> Made:
    return Made(author, committer, signatures.read(marks) if marks else None)


def reached(source: RemoteRef, commit: str, *, among: Sequence[str]) -> bool:
    """True when a ref below one of the prefixes `among` has `commit` in its history.

    A forge hands out any commit by its id, those of strangers' proposals too. Of each ref the last
    1,000 generations are fetched, commits alone; the whole history only where these lack it.

    Raises:
        RemoteError: the server does not send them within the bounds.
    """
    refspecs = [f"+{prefix}*:refs/keeptrusts/{at}/*" for at, prefix in enumerate(among)]
    recent = _fetched(Bare(source, "recent"), [f"--depth={_GENERATIONS}"], refspecs)
    if _has(recent, commit):
        return True
    if recent.read(["rev-parse", "--is-shallow-repository"]) == _WHOLE:
        return False
    return _has(_fetched(Bare(source, "ancestors"), [], refspecs), commit)


def _fetched(bare: Bare, depth: Sequence[str], refspecs: Sequence[str]) -> Bare:
    try:
        bare.fetch([*depth, "--filter=tree:0", "origin", *refspecs])
    except BadAnswerError:
        # A tag may lead to a directory, which git misses unless each commit's own comes, too.
        bare.fetch([*depth, "--filter=tree:1", "origin", *refspecs])
    return bare


def _has(bare: Bare, commit: str) -> bool:
    # A line for each commit; a set of them would take several times their memory.
    return f"{commit}\n".encode() in bare.read(["rev-list", "--all", "--"])


def _deep() -> list[str]:
    return [f"--depth={_GENERATIONS}", "--filter=tree:0"]


def history(bare: Bare, tip: str) -> frozenset[str]:
    """The commits of a repository that `tip` stands on, and itself."""
    return frozenset(text(bare.read(["rev-list", tip, "--"])).split())
