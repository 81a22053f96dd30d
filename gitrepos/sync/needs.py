"""Reasons for a sync of a link, and its request to git."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.utils import timezone

from configurations.models import Configuration
from gitrepos import refs
from gitrepos.errors import NULL_ID
from gitrepos.models import NO_POLICY_FILES, Link, LinkedFile
from gitrepos.snapshot.values import FilesRequest
from gitrepos.sync.candidates import Linked, settled
from kt.policy.verify import VERIFY_VERSION

# The commit of each ref that a check asked for; empty where there is none.
Heads = Mapping[str, str]


def changed(link: Link, heads: Heads, pending: set[UUID]) -> bool:
    """True when a link needs a sync. A link that is newer than the check waits for the next one."""
    head = heads.get(refs.named(link.branch))
    if head is None or (_failed_at(link, head) and not _is_stale(link)):
        return False
    return (head or NULL_ID) != _seen(link) or _replan(link, pending)


def _failed_at(link: Link, head: str) -> bool:
    """True when the link failed at this commit and its time to try again has not come."""
    waits = link.retry_at is not None and link.retry_at > timezone.now()
    return waits and link.failed_commit == head


def _seen(link: Link) -> str:
    """The commit of the last sync, applied or held."""
    return str(link.held["commit"]) if link.held else link.last_commit


def _replan(link: Link, pending: set[UUID]) -> bool:
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
    named = Configuration.objects.filter(pk__in=files.values("configuration"))
    owners = dict(named.values_list("pk", "owner"))
    return {
        link_id
        for link_id, configuration, outcome, findings in rows
        if rules[link_id] != VERIFY_VERSION
        or _released(owners.get(configuration), outcome, findings)
    }


def _released(owner: str | None, outcome: str, findings: Sequence[Mapping[str, str]]) -> bool:
    """True when the reason is gone; `owner` is None for a configuration that does not exist."""
    if outcome == LinkedFile.Outcome.UNLINKED:
        return owner is not None
    return not owner and any(f["code"] == "owned_by_another_link" for f in findings)


def files_request(link: Link, before: Sequence[Linked], pending: set[UUID]) -> FilesRequest:
    """The request for the files that a sync of the link must read."""
    known_tree = "" if link.held or _replan(link, pending) else link.tree_id
    return FilesRequest(
        link.root,
        known_tree=known_tree,
        known=settled(before),
        include=tuple(link.include),
        exclude=tuple(link.exclude),
        last_commit=link.last_commit if _is_of_its_ref(link) else "",
        allowed_signers=link.allowed_signers,
        allowed_openpgp_keys=link.allowed_openpgp_keys,
    )


def _is_of_its_ref(link: Link) -> bool:
    """True when the link still follows the ref of its last commit.

    Another branch or repository has another history, and nobody rewrote it.
    """
    return (link.last_url, link.last_ref) == (link.url, refs.named(link.branch))
