"""The steps of a sync: fetch, read, plan and apply.

1. Load the remote with its links, if the claim still holds (`work.load`).
2. Choose the links that need a sync and say why (`needs.why`), those without a failure first.
3. Fetch the files of one ref for all links that follow it (`fetched`).
4. Read them as candidates (`candidates.read`).
5. Plan and apply one link in one transaction (`apply.apply`), or hold it, or show its failure.
6. Give the remote back, due again when something is left (`claims.finish`).
"""

import contextlib
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from gitrepos import refs, unpacking
from gitrepos.errors import GoneError, RateLimitedError, RefNotAllowedError, RemoteError
from gitrepos.forge import check
from gitrepos.links.sealed_secrets import secret_of
from gitrepos.models import Link
from gitrepos.polling import claims, hosts, measures, waiting
from gitrepos.polling.claims import Claim, Fence
from gitrepos.polling.waiting import Found
from gitrepos.refs import Followed, Head, Heads
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest, Snapshot
from gitrepos.sync import apply, facts, holds, needs, notices, work
from gitrepos.sync.apply import Attempt, NotWeighedError
from gitrepos.sync.facts import Look
from gitrepos.sync.needs import Reason
from gitrepos.sync.plan import Hold, Replacement
from gitrepos.sync.work import Work
from keeptrusts import statements
from keeptrusts.judge import policies
from keeptrusts.observed import traces

log = structlog.get_logger(__name__)

# A fetch that begins, and the lint of what it brings, must still fit into what a sync may take.
_FETCH_SECONDS = 30
# What was fetched is applied until shortly before that is over, so that a thousand links of one
# repository are done in one go.
_APPLY_SECONDS = 120
# Files of the last of them are judged until there is time left to write that the others were not.
_JUDGE_SECONDS = 140


def sync(fence: Fence, what: Found) -> None:
    """Bring every link of a remote to what a poll found; one failure does not stop the others.

    Requests that came after that poll are served by another one, since it may not have seen what
    they are about. A link that was edited after it is synced as it is now, and polled again at
    once. Links for which the time is too short are left to the next poll.
    """
    began = time.monotonic()
    with work.discarding(fence):
        job = work.load(Claim(fence.claim_id, (fence.remote_id,))).get(fence.remote_id)
        if job is None or not claims.lasts(job.remote, job.started_at):
            return  # Nobody is asked under a claim that is over.
        heads, pending = what.heads, needs.pending_files(job.links)
        results, limited_until = {}, None
        for look, reason, head, found in _taken(job, heads, pending, began):
            if isinstance(look.result, RateLimitedError):
                limited_until = hosts.limited(job.remote, look.result)
            attempt = job.attempt(look.link, reason, what)
            results[look.link.pk] = _sync_link(fence, attempt, look, head, found)
            if attempt.is_only and results[look.link.pk] is _End.APPLIED:
                return  # With it the remote was given back.
        changed = _reasons(job, heads, pending).keys()
        failed = list(results.values()).count(_End.FAILED)
        left_over = bool(changed - results.keys()) and not failed
        claims.finish(
            fence,
            ok=failed < max(len(job.links), 1),
            at_once=left_over or any(map(what.is_before_edit, job.links)),
            limited_until=limited_until,
        )


def abandon(fence: Fence, error: RemoteError, *, is_outage: bool = False) -> None:
    """Show the error that ended a sync on its links, and give the remote back for a later try.

    An outage of servers of ours, `is_outage`, makes that no later than its interval does. What was
    asked for or edited after the poll that led to the sync is looked at again at once.
    """
    job = work.load(Claim(fence.claim_id, (fence.remote_id,))).get(fence.remote_id)
    if job is not None:
        row = job.remote.found
        what = waiting.found(row) if row else None
        work.fail_all(fence, job, error, what, is_outage=is_outage)


def _taken(
    job: Work, heads: Heads, pending: Mapping[UUID, Reason], began: float
) -> Iterator[tuple[Look, Reason, Head, Sequence[Look]]]:
    """Fetch the links that need a sync, for as long as a sync may take after the moment `began`
    (monotonic), but one at least.

    One fetch serves all links of a ref, and looks at those of its links that need no sync or
    are suspended: a file may have moved from one to another. Links without a failure come first,
    so that a ref that always takes too long delays no other; then those that lost no file, so
    that what moved is taken up before anybody misses it.
    """
    reasons = _reasons(job, heads, pending)
    groups: dict[Followed, list[Link]] = defaultdict(list)
    for link in sorted(job.links, key=lambda link: bool(link.error_code)):
        if link.pk in reasons:
            groups[refs.of(link)].append(link)
    for followed, links in groups.items():
        head = followed.head(heads)
        assert head is not None  # Without one, no link of it has changed.
        others = siblings(links)
        contested = needs.contested(others, pending) if others else {}
        beside = {link.pk for link in others} & contested.keys()
        links += [link for link in job.links if link.pk in beside]
        reasons = contested | reasons
        for link in links:
            notices.tell_stage(link.pk, "began", head.commit)
        until = began + _JUDGE_SECONDS
        found = looks(job, followed, head, links, siblings=others, pending=pending, until=until)
        due = found[: len(links)]
        for look in due:
            if not isinstance(look.result, RemoteError):
                notices.tell_stage(look.link.pk, "fetched", head.commit)
        for look in sorted(due, key=lambda look: (bool(look.link.error_code), look.loses())):
            yield look, reasons[look.link.pk], head, found
            if time.monotonic() > began + _APPLY_SECONDS:
                return
        if time.monotonic() > began + _FETCH_SECONDS:
            return


def _reasons(job: Work, heads: Heads, pending: Mapping[UUID, Reason]) -> dict[UUID, Reason]:
    """The reasons of the links that need a sync, by id."""
    now = timezone.now()
    found = {link.pk: needs.why(link, heads, pending, now) for link in job.links}
    return {pk: reason for pk, reason in found.items() if reason is not None}


def siblings(links: Sequence[Link]) -> list[Link]:
    """The other links of a ref, suspended ones and those with another credential too."""
    among = {link.pk for link in links}
    same = _same(url=links[0].url, **refs.columns(links[0]))
    return [link for link in same if link.pk not in among]


_same = statements.objects(
    lambda **where: Link.objects.filter(**where).order_by("pk"),
    **dict.fromkeys(("url", *refs.FORMS), str),
)


def looks(
    job: Work,
    followed: Followed,
    head: Head,
    links: Sequence[Link] = (),
    *,
    siblings: Sequence[Link],
    pending: Mapping[UUID, Reason] = MappingProxyType({}),
    until: float = math.inf,
) -> list[Look]:
    """What one fetch finds for the links that need a sync, in their order, and for the siblings.

    Files are judged until the moment `until` (monotonic).
    """
    syncing = {link.pk for link in links}
    everyone = [*links, *(link for link in siblings if link.pk not in syncing)]
    feeding = facts.Feeding.of([link.pk for link in everyone])
    rows, guarded, shared = feeding.linked(), feeding.guarded(everyone), len(everyone) > 1
    asks = [
        needs.files_request(
            link, rows[link.pk], pending, head.ref, siblings=shared, guarded=link.pk in guarded
        )
        for link in everyone
    ]
    # Whether a branch was rewritten is asked for the links that sync.
    asks[len(links) :] = [replace(ask, last_commit="") for ask in asks[len(links) :]]
    with traces.span("fetch") as span:
        span.attributes["server.address"] = job.remote.host
        found = fetched(job, followed, head, asks)
    judge = policies.Commit(until=until)
    return [
        Look(link, rows[link.pk], one, judge) for link, one in zip(everyone, found, strict=True)
    ]


def fetched(
    job: Work, followed: Followed, head: Head, asks: Sequence[FilesRequest]
) -> Sequence[Snapshot | RemoteError]:
    """The snapshot, or the error, for each request on one ref, which a check found at `head`."""
    try:
        if not head.commit:
            raise followed.missing(is_tag=_is_tag(job, followed.tag_like()))
        if not refs.is_allowed(head.ref, settings.ENV.git_allowed_refs):
            raise RefNotAllowedError(f"An operator has not allowed links to follow {head.ref}.")
        url, secret = work.url_of(job.remote), secret_of(job.remote)
        measures.fetched(job.remote.host)
        return fetch.take(
            check.access(url, secret, terms=work.terms()),
            ref=head.ref or head.commit,
            head=head.commit,
            tag_object=head.tag_object,
            among=() if head.is_shown else refs.SHOWN,
            asks=asks,
            folder=work.folder(),
            unpacker=unpacking.JudgedPacks() if settings.ENV.git_reader == "own" else None,
        )
    except RemoteError as error:
        return [error] * len(asks)


def _is_tag(job: Work, tag: str) -> bool:
    """True when the forge has the tag, a full name or empty; False where it does not say so."""
    if not tag:
        return False
    url, secret = work.url_of(job.remote), secret_of(job.remote)
    question = check.RefsQuestion(tag, url, secret, (tag,))
    groups = check.check([question], terms=work.terms())
    return any(answer.heads.get(tag) for group in groups for answer in group)


class _End(Enum):
    """What came of a link's sync: applied or held; shown as a failure; or neither of both."""

    APPLIED = auto()
    FAILED = auto()
    OTHER = auto()


def _sync_link(
    fence: Fence, attempt: Attempt, look: Look, head: Head, found: Sequence[Look]
) -> _End:
    """Apply or hold the snapshot of one link, or show its failure; `found` has its siblings' too.

    Nothing is written when the link changed meanwhile.
    """
    with _ending(attempt, head):
        return _synced(fence, attempt, look, head, found)


def _synced(fence: Fence, attempt: Attempt, look: Look, head: Head, found: Sequence[Look]) -> _End:
    result = look.result
    with work.overtaken(attempt):
        if isinstance(result, GoneError) and apply.gone(fence, attempt, result, head, looks=found):
            log.warning("held", git_repo=str(attempt.link_id), reason=result.code)
        elif isinstance(result, RemoteError):
            if apply.fail(fence, attempt, result, head=head.commit):
                log.warning("sync failed", git_repo=str(attempt.link_id), code=result.code)
            return _End.FAILED
        else:
            _apply(fence, attempt, look, result, head, found)
            return _End.APPLIED
    return _End.OTHER


@contextlib.contextmanager
def _ending(attempt: Attempt, head: Head) -> Iterator[None]:
    """Tell at the end of the block that a sync ended, whatever came of it."""
    try:
        yield
    finally:
        notices.tell_stage(attempt.link_id, "ended", head.commit)


def _apply(
    fence: Fence,
    attempt: Attempt,
    look: Look,
    snapshot: Snapshot,
    head: Head,
    seen: Sequence[Look],
) -> None:
    head = head._replace(commit=snapshot.commit.id)  # An old server may have moved on.
    hold = holds.set_back(look.link, head) or holds.unverified(snapshot.commit.signature)
    hold = _weighing(fence, attempt, look, snapshot, head=head, hold=hold, looks=seen)
    about = {
        "git_repo": str(attempt.link_id),
        "commit": snapshot.commit.id,
        "why": attempt.reason.value,
    }
    if hold is not None:
        log.warning("held", reason=hold.reason, **about)
    else:
        log.info("synced", **about)


def _weighing(
    fence: Fence, attempt: Attempt, look: Look, snapshot: Snapshot, **given: Any
) -> Hold | None:
    """Apply a commit once all that it replaces was compared, for as often as that changes."""
    weighed: dict[Replacement, Sequence[str]] = {}
    while True:
        try:
            return apply.apply(
                fence, attempt, snapshot, look.candidates(), weighed=weighed, **given
            )
        except NotWeighedError as error:
            weighed |= holds.weigh(error.replaces, look.candidates())
