"""Holds: a commit that waits for a person, kept on its link's row with the reason."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from events import log
from gitrepos import refs
from gitrepos.errors import RemoteError
from gitrepos.models import Link
from gitrepos.snapshot import signatures
from gitrepos.snapshot.values import Signature
from gitrepos.sync.candidates import Linked
from gitrepos.sync.plan import Hold


def lets_pass(link: Link, commit: str) -> bool:
    """True when a person confirmed exactly this commit."""
    return commit == link.confirmed_commit


def set_back(link: Link, head: refs.Head) -> Hold | None:
    """The hold for a tag that was moved, or is lower than the one in force; None for all else."""
    if link.last_url != link.url:
        return None
    why = refs.of(link).setback(head, last_ref=link.last_ref, last_commit=link.last_commit)
    return Hold(why.code, why.message) if why else None


def unverified(signature: Signature | None) -> Hold | None:
    """The hold for a commit that no allowed signer of its link signed, or None."""
    reason = signatures.complaint(signature) if signature else ""
    return Hold("unverified_commit", reason) if reason else None


def gone(link: Link, error: RemoteError, head: refs.Head) -> Hold:
    """The hold for a branch, tag or path that is gone; a tag that was moved is the reason before.

    `head` leads to the commit that lacks the path.
    """
    moved = set_back(link, head) if head.commit else None
    if moved is None:
        return Hold(error.code, error.message)
    return Hold(moved.reason, f"{moved.message} {error.message}")


def told(link: Link, hold: Hold, removed: Sequence[Linked]) -> Hold:
    """The hold with what it would remove, which without `prune` is their files alone."""
    stays = removed and not link.prune
    words = " What loses its file stays in force: the link has `prune` off." if stays else ""
    return replace(hold, message=hold.message + words, would_remove=tuple(removed))


def put(link: Link, hold: Hold, commit: str, now: datetime, *, head: refs.Head) -> bool:
    """Hold a commit, to which `head` led; returns whether the hold is new.

    To be saved by the caller.
    """
    held: dict[str, Any] = {
        "reason": hold.reason,
        "message": hold.message,
        "commit": commit,
        "since": now.isoformat().replace("+00:00", "Z"),
        "would_remove": [
            {"path": row.path, "configuration": row.configuration} for row in hold.would_remove
        ],
    }
    if head.tag:
        held |= {"tag": head.tag, "tag_object": head.tag_object}
    before = link.held or {}
    if before.get("reason") == hold.reason:
        held["since"] = before["since"]
    link.held, link.confirmed_commit = held, ""
    known = (before.get("reason"), before.get("commit"), before.get("tag"))
    if known == (hold.reason, commit, held.get("tag")):
        return False
    log.record(log.Kind.HELD, hold.message, git_repo=str(link.pk), details=held)
    return True


def lift(link: Link, commit: str) -> None:
    """End the hold of a link that applied `commit`: a person confirmed it, or git changed."""
    held, confirmed = link.held, lets_pass(link, commit)
    link.held, link.confirmed_commit = None, ""
    if held is not None and not confirmed:
        message = f"git changed, and the hold ended ({held['reason']}); syncs go on."
        log.record(
            log.Kind.RECOVERED,
            message,
            git_repo=str(link.pk),
            details={"reason": held["reason"], "commit": commit},
        )
