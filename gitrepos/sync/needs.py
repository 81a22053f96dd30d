"""Reasons for a sync of a link, and its request to git."""

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

from django.utils import timezone

from configurations.models import Configuration
from gitrepos import refs
from gitrepos.errors import NULL_ID
from gitrepos.models import NO_POLICY_FILES, Link, LinkedFile
from gitrepos.refs import Heads
from gitrepos.snapshot.values import FilesRequest
from gitrepos.sync.candidates import GONE, OWNED, Linked, settled
from kt.policy.verify import VERIFY_VERSION

# Outcomes that change with the files of other links.
_DEPENDENT = ("missing", "conflict", "quarantined")


def changed(link: Link, heads: Heads, pending: set[UUID]) -> bool:
    """True when a link needs a sync. A link that is newer than the check waits for the next one."""
    head = refs.of(link).head(heads)
    if head is None or (_rests_at(link, head.commit) and not _is_stale(link)):
        return False
    return not _has_seen(link, head) or _replan(link, pending)


def contested(links: Sequence[Link], pending: set[UUID]) -> set[UUID]:
    """Links with a file in conflict, which a sync of another link may solve; and `pending`."""
    found = LinkedFile.objects.filter(link__in=links, outcome=LinkedFile.Outcome.CONFLICT)
    return pending | set(found.values_list("link_id", flat=True))


def _rests_at(link: Link, commit: str) -> bool:
    """True when the link failed at this commit and its time to try again has not come, or is
    settled.
    """
    waits = link.retry_at is not None and link.retry_at > timezone.now()
    return link.settled or (waits and link.failed_commit == commit)


def _has_seen(link: Link, head: refs.Head) -> bool:
    """True when the last sync was to this commit by this tag, applied or held."""
    if not head.commit:
        return bool(link.held and link.held["commit"] == NULL_ID)
    if not link.held:
        return (head.commit, head.tag) == (link.last_commit, refs.tag_of(link.last_ref))
    # The object, too: a tag that is signed anew may have the same name and commit.
    held = tuple(link.held.get(name, "") for name in ("commit", "tag", "tag_object"))
    return held == (head.commit, head.tag, head.tag_object)


def _replan(link: Link, pending: AbstractSet[UUID]) -> bool:
    """True when a link needs a new plan although its commit is the same."""
    settled_code = link.held["reason"] if link.held else NO_POLICY_FILES
    return (
        (link.pk in pending and not link.held)
        or _is_stale(link)
        or link.error_code not in ("", settled_code)
    )


def _is_stale(link: Link) -> bool:
    """True when the link was edited, or asked to sync, after its last attempt began."""
    edited = link.observed_generation != link.generation
    return edited or link.requested_seq > link.served_seq


def pending_files(links: Iterable[Link]) -> set[UUID]:
    """Links with a refused file that may pass now: the rules changed, or the reason is gone.

    A file in force is not fetched again when the rules change: its bytes are stored, and
    `configurations.judging` reads them.
    """
    rules = {link.pk: link.observed_rules for link in links}
    files = LinkedFile.objects.filter(LinkedFile.refused(), link__in=list(rules))
    rows = list(files.values_list("link_id", "configuration", "outcome", "findings"))
    if not rows:
        return set()
    unlinked = {row[1] for row in rows if row[2] == LinkedFile.Outcome.UNLINKED}
    made = set(Configuration.objects.filter(pk__in=unlinked).values_list("pk", flat=True))
    free = _free({row[:2] for row in rows if any(f["code"] == OWNED for f in row[3])})
    return {
        link_id
        for link_id, configuration, outcome, _ in rows
        if rules[link_id] != VERIFY_VERSION
        or (outcome == LinkedFile.Outcome.UNLINKED and configuration in made)
        or (link_id, configuration) in free
    }


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
    pending: AbstractSet[UUID],
    ref: str,
    *,
    siblings: bool = False,
) -> FilesRequest:
    """The request for the files that a sync of the link, which `ref` leads, must read.

    With `siblings`, other links of this ref, what became of a file may depend on theirs.
    """
    unsettled = any(
        (row.outcome == "synced" and not row.blob)
        or (row.outcome == "missing" and link.prune)  # Its wait for another file may be over.
        or (row.outcome in _DEPENDENT and siblings)
        for row in before
    )
    known_tree = "" if link.held or unsettled or _replan(link, pending) else link.tree_id
    return FilesRequest(
        link.root,
        known_tree=known_tree,
        known=settled(before),
        include=tuple(link.include),
        exclude=tuple(link.exclude),
        last_commit=link.last_commit if _has_grown(link, ref) else "",
        allowed_signers=link.allowed_signers,
        allowed_openpgp_keys=link.allowed_openpgp_keys,
    )


def _has_grown(link: Link, ref: str) -> bool:
    """True when the link's last commit came from `ref`, and this one should stand on it.

    Another ref or repository has another history, and nobody rewrote it.
    """
    return (link.last_url, link.last_ref) == (link.url, ref) and refs.has_history(ref)
