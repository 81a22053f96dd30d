"""Reasons for a sync of a link, and its request to git."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from configurations.models import Configuration
from gitrepos import refs
from gitrepos.errors import NULL_ID
from gitrepos.models import NO_POLICY_FILES, Link, LinkedFile, SyncRun
from gitrepos.refs import Heads
from gitrepos.snapshot.values import FilesRequest
from gitrepos.sync.candidates import GONE, OWNED, Linked, settled
from keeptrusts import statements
from keeptrusts.judge.policies import NOT_JUDGED
from kt.policy.verify import VERIFY_VERSION

# Outcomes that change with the files of other links.
_DEPENDENT = ("missing", "conflict", "quarantined")


class Reason(StrEnum):
    """Why a link is synced; `reason` in the log. `ASKED` and `EDITED` go before all else."""

    ASKED = "asked"
    EDITED = "edited"
    NEW_COMMIT = "new_commit"
    FAILED = "failed"
    RULES_CHANGED = "rules_changed"
    RELEASED = "released"

    def trigger(self, link: Link, now: datetime) -> SyncRun.Trigger:
        """What set the sync off, as the history of syncs has it."""
        if link.expected_until is not None and link.expected_until > now:
            return SyncRun.Trigger.WEBHOOK
        return SyncRun.Trigger.MANUAL if self is Reason.ASKED else SyncRun.Trigger.POLL


def why(link: Link, heads: Heads, pending: Mapping[UUID, Reason], now: datetime) -> Reason | None:
    """The reason to sync a link whose remote has these heads, or None. Pure.

    `pending` has the links with a refused file that may pass now (`pending_files`). A link that is
    newer than the check has no head in it, and waits for the next one. One that failed at this
    commit rests until it is time to try again; one that is settled rests for good.
    """
    head = refs.of(link).head(heads)
    if head is None:
        return None
    again = why_again(link, pending)
    if again in (Reason.ASKED, Reason.EDITED):
        return again
    waits = link.retry_at is not None and link.retry_at > now
    if link.settled or (waits and link.failed_commit == head.commit):
        return None
    return again if _has_seen(link, head) else Reason.NEW_COMMIT


def why_again(link: Link, pending: Mapping[UUID, Reason]) -> Reason | None:
    """The reason to sync a link even to the commit that it has, or None. Pure."""
    if link.requested_seq > link.served_seq:
        return Reason.ASKED
    if link.observed_generation != link.generation:
        return Reason.EDITED
    settled_code = link.held["reason"] if link.held else NO_POLICY_FILES
    if link.error_code not in ("", settled_code):
        return Reason.FAILED
    return None if link.held else pending.get(link.pk)


def contested(links: Sequence[Link], pending: Mapping[UUID, Reason]) -> dict[UUID, Reason]:
    """Links with a file in conflict, which a sync of another link may solve; and `pending`."""
    found = LinkedFile.objects.filter(link__in=links, outcome=LinkedFile.Outcome.CONFLICT)
    return {**dict.fromkeys(found.values_list("link_id", flat=True), Reason.RELEASED), **pending}


def _has_seen(link: Link, head: refs.Head) -> bool:
    """True when the last sync was to this commit by this tag, applied or held."""
    if not head.commit:
        return bool(link.held and link.held["commit"] == NULL_ID)
    if not link.held:
        return (head.commit, head.tag) == (link.last_commit, refs.tag_of(link.last_ref))
    # The object, too: a tag that is signed anew may have the same name and commit.
    held = tuple(link.held.get(name, "") for name in ("commit", "tag", "tag_object"))
    return held == (head.commit, head.tag, head.tag_object)


def pending_files(links: Iterable[Link]) -> dict[UUID, Reason]:
    """Links with a refused file that may pass now, and why: other rules, or the cause is gone.

    A file in force is not fetched again when the rules change: its bytes are stored, and
    `configurations.judging` reads them.
    """
    rules = {link.pk: link.observed_rules for link in links}
    rows = _refused(ids=list(rules))
    if not rows:
        return {}
    unlinked = {row[1] for row in rows if row[2] == LinkedFile.Outcome.UNLINKED}
    made = set(Configuration.objects.filter(pk__in=unlinked).values_list("pk", flat=True))
    free = _free({row[:2] for row in rows if any(f["code"] == OWNED for f in row[3])})
    released = {
        link_id
        for link_id, configuration, outcome, findings in rows
        if (outcome == LinkedFile.Outcome.UNLINKED and configuration in made)
        or (link_id, configuration) in free
        or any(finding["code"] == NOT_JUDGED for finding in findings)
    }
    older = {link_id for link_id, *_ in rows if rules[link_id] != VERIFY_VERSION}
    return {
        **dict.fromkeys(released, Reason.RELEASED),
        **dict.fromkeys(older, Reason.RULES_CHANGED),
    }


def _refused_of(ids: Sequence[UUID]) -> QuerySet[LinkedFile, Any]:
    files = LinkedFile.objects.filter(LinkedFile.refused(), link__id__among=ids)
    return files.values_list("link_id", "configuration", "outcome", "findings")


_refused = statements.tuples(_refused_of, ids=list[UUID])


def _free(refused: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """The pairs of a link and an id that another link had, and has no more.

    That link is gone; or it has no file for the id since its last sync, and follows the same
    ref or had the id archived.
    """
    if not refused:
        return set()
    ids = {name for _, name in refused}
    facts = Configuration.objects.filter(pk__in=ids).values_list("pk", "owner", "status")
    owners = {pk: UUID(owner) for pk, owner, _ in facts if owner}
    archived = {pk for pk, _, status in facts if status == Configuration.Status.ARCHIVED}
    concerned = {link_id for link_id, _ in refused} | set(owners.values())
    links = Link.objects.filter(pk__in=concerned).only("url", *refs.FORMS)
    followed = {link.pk: (link.url, refs.of(link)) for link in links}
    files = LinkedFile.objects.filter(link__in=owners.values(), configuration__in=ids)
    fed = set(files.exclude(outcome__in=GONE).values_list("configuration", "link_id"))
    return {
        (link_id, name)
        for link_id, name in refused
        if (owner := owners.get(name)) is None
        or (
            (name, owner) not in fed
            and (name in archived or followed.get(owner) == followed.get(link_id))
        )
    }


def files_request(
    link: Link,
    before: Sequence[Linked],
    pending: Mapping[UUID, Reason],
    ref: str,
    *,
    siblings: bool = False,
    guarded: bool = False,
) -> FilesRequest:
    """The request for the files that a sync of the link, which `ref` leads, must read.

    With `siblings`, other links of this ref, what became of a file may depend on theirs. `guarded`:
    what it brings may need a second person, who is none of those who made it.
    """
    unsettled = any(
        (row.outcome == "synced" and not row.blob)
        or (row.outcome == "missing" and link.prune)  # Its wait for another file may be over.
        or (row.outcome in _DEPENDENT and siblings)
        for row in before
    )
    known_tree = "" if link.held or unsettled or why_again(link, pending) else link.tree_id
    return FilesRequest(
        link.root,
        known_tree=known_tree,
        known=settled(before),
        include=tuple(link.include),
        exclude=tuple(link.exclude),
        last_commit=link.last_commit if _has_grown(link, ref) else "",
        allowed_signers=link.allowed_signers,
        allowed_openpgp_keys=link.allowed_openpgp_keys,
        people_since=(link.last_commit if link.last_url == link.url else "") if guarded else None,
    )


def _has_grown(link: Link, ref: str) -> bool:
    """True when the link's last commit came from `ref`, and this one should stand on it.

    Another ref or repository has another history, and nobody rewrote it.
    """
    return (link.last_url, link.last_ref) == (link.url, ref) and refs.has_history(ref)
