"""What of a sync somebody should hear of: an event for each thing that happened to a policy."""

from collections.abc import Sequence

from events import log
from events.log import Kind
from gitrepos.models import Link, LinkedFile
from gitrepos.sync.candidates import Linked
from gitrepos.sync.plan import Move, Plan

_QUARANTINED = LinkedFile.Outcome.QUARANTINED
_FIRST_FINDINGS = 3


def tell(
    link: Link, decided: Plan, before: Sequence[Linked], changed: Sequence[LinkedFile]
) -> None:
    """Record the events of an applied plan; `before` and `changed` are its rows then and now."""
    _tell_quarantine(link, {row.path: row.outcome for row in before}, changed)
    for move in decided.moves:
        _tell_move(link, move)
    for row in decided.retired:
        message = f"{row.path} is gone from git, and the link prunes."
        _record(Kind.ARCHIVED, link, row.configuration, message, path=row.path)
    for decision in decided.decisions:
        if decision.replaced:
            candidate = decision.candidate
            message = f"{candidate.path} changed in git, which ends what stood instead of it."
            hashes = {"replaced_hash": decision.replaced, "content_hash": candidate.content_hash}
            _record(Kind.OVERRIDE_REPLACED, link, candidate.configuration, message, **hashes)


def tell_rewrite(link: Link, commit: str) -> None:
    """Record that the branch lost the commit in force, before the link says `commit`."""
    _record(
        Kind.HISTORY_REWRITTEN,
        link,
        "",
        "The branch was rewritten: what was in force is no ancestor of what it is now.",
        from_commit=link.last_commit,
        to_commit=commit,
    )


def _tell_quarantine(link: Link, before: dict[str, str], changed: Sequence[LinkedFile]) -> None:
    for row in changed:
        was, now = before.get(row.path) == _QUARANTINED, row.outcome == _QUARANTINED
        if now and not was:
            message = f"{row.path} may not be enforced; what it fed stays in force."
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


def _record(kind: Kind, link: Link, configuration: str, message: str, **details: object) -> None:
    log.record(kind, message, git_repo=str(link.pk), configuration=configuration, details=details)
