"""The events of syncs: changes of policies, failures of links and their end."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from configurations.successors import Followers
from events import log
from events.log import Kind
from gitrepos import refs
from gitrepos.models import NO_POLICY_FILES, Link, LinkedFile
from gitrepos.sync.candidates import Linked
from gitrepos.sync.moves import Move
from gitrepos.sync.plan import FileDecision, Plan
from keeptrusts.messaging import progress

_QUARANTINED = LinkedFile.Outcome.QUARANTINED
_FIRST_FINDINGS = 3
_NAMED_GATEWAYS = 100


def tell(
    link: Link, decided: Plan, before: Sequence[Linked], changed: Sequence[LinkedFile]
) -> None:
    """Record the events of an applied plan; `before` are the old rows, `changed` the new ones."""
    _tell_quarantine(link, {row.path: row.outcome for row in before}, changed)
    for move in decided.moves:
        _tell_move(link, move)
    for decision in decided.decisions:
        if decision.taken_from:
            _tell_taken(link, decision, decided.left.get(decision.candidate.configuration, ""))
    for row in decided.retired:
        message = f"{row.path} is gone from git, and the link prunes."
        _record(Kind.ARCHIVED, link, row.configuration, message, path=row.path)
    for decision in decided.decisions:
        if decision.replaced:
            candidate = decision.candidate
            message = f"{candidate.path} changed in git, which ends the override of its content."
            hashes = {"replaced_hash": decision.replaced, "content_hash": candidate.content_hash}
            _record(Kind.OVERRIDE_REPLACED, link, candidate.configuration, message, **hashes)


def tell_followers(link: Link, move: Move, followers: Followers) -> None:
    """Record that what was bound to an id follows its policy to another, if anything was."""
    if not followers.gateways and not followers.bindings:
        return
    old, new = move.before.configuration, move.after.configuration
    _record(
        Kind.REBOUND,
        link,
        new,
        f"{old} is {new} now, with the same bytes: what was bound to it is bound to that.",
        renamed_from=old,
        gateways=list(followers.gateways[:_NAMED_GATEWAYS]),
        gateway_count=len(followers.gateways),
        binding_count=followers.bindings,
    )


def tell_rewrite(link: Link, commit: str) -> None:
    """Record that the branch lost the commit in force; call it before the link has `commit`."""
    message = "The branch was rewritten: the commit in force is no ancestor of the present one."
    if refs.of(link).key == refs.HEAD:
        message = (
            "The commit in force is no ancestor of HEAD: its branch was rewritten, or HEAD names"
            " another branch."
        )
    _record(
        Kind.HISTORY_REWRITTEN,
        link,
        "",
        message,
        from_commit=link.last_commit,
        to_commit=commit,
    )


def tell_failure(link: Link) -> None:
    """Record the beginning or the end of a link's failure; call it before its row is saved.

    A failure that lasts is recorded once; one with another code is recorded again.
    """
    if link.held is not None:
        return  # It waits for a person, and has an event of its own.
    if link.error_code in ("", NO_POLICY_FILES):
        _well(link)
    elif link.error_since is None or link.error_code != _told(link):
        link.error_since = timezone.now()
        _record(Kind.FAILED, link, "", link.error_message, code=link.error_code)


def tell_stage(link_id: UUID, stage: str, commit: str) -> None:
    """Tell whoever looks on now how far the sync of a link is; nothing is recorded."""
    at = timezone.now()
    told = {"git_repo": str(link_id), "stage": stage, "commit": commit, "at": at}
    progress.tell(told, begins=stage == "began")


def _tell_quarantine(link: Link, before: dict[str, str], changed: Sequence[LinkedFile]) -> None:
    for row in changed:
        was, now = before.get(row.path) == _QUARANTINED, row.outcome == _QUARANTINED
        if now and not was:
            message = (
                f"{row.path} may not be enforced; what it fed before, if anything, stays in force."
            )
            findings = row.findings[:_FIRST_FINDINGS]
            _record(
                Kind.QUARANTINED, link, row.configuration, message, path=row.path, findings=findings
            )
        elif was and not now:
            message = f"{row.path} is out of quarantine."
            _record(Kind.RELEASED, link, row.configuration, message, path=row.path)


def _tell_move(link: Link, move: Move) -> None:
    before, after = move.before, move.after
    _record(
        Kind.RENAMED,
        link,
        after.configuration,
        f"{before.path} ({before.configuration}) is {after.path} ({after.configuration}) now.",
        from_path=before.path,
        path=after.path,
        renamed_from=before.configuration,
    )


def _tell_taken(link: Link, decision: FileDecision, before: str) -> None:
    after = decision.candidate
    _record(
        Kind.RENAMED,
        link,
        after.configuration,
        f"{before or 'A file'} of the link {decision.taken_from} is {after.path} of this one now.",
        from_path=before,
        path=after.path,
        renamed_from=after.configuration,
        from_git_repo=decision.taken_from,
    )


def _well(link: Link) -> None:
    if link.error_since is not None:
        since = link.error_since
        _record(Kind.RECOVERED, link, "", "The link is synced again.", failing_since=since)
        link.error_since = None


def _told(link: Link) -> str:
    """The error code in the row as it is stored; empty after an edit."""
    return Link.objects.values_list("error_code", flat=True).get(pk=link.pk)


def _record(kind: Kind, link: Link, configuration: str, message: str, **details: object) -> None:
    log.record(kind, message, git_repo=str(link.pk), configuration=configuration, details=details)
