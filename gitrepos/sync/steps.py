"""The steps of a sync: fetch, read, plan and apply.

1. Renew the claim and load the remote with its links (`work.load`).
2. Choose the links that need a sync (`needs.changed`), those without a failure first.
3. Fetch the files of one branch for all of its links (`fetched`).
4. Read them as candidates (`candidates.read`).
5. Plan and apply one link in one transaction (`apply.apply`), or hold it, or show its failure.
6. Give the remote back, due again when something is left (`claims.finish`).
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

import structlog
from django.conf import settings

from gitrepos import refs
from gitrepos.errors import GoneError, RateLimitedError, RemoteError
from gitrepos.forge import check
from gitrepos.links.sealed_secrets import secret_of
from gitrepos.models import Link
from gitrepos.polling import claims, hosts, measures
from gitrepos.polling.claims import Claim, Fence
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest, Snapshot
from gitrepos.sync import apply, facts, holds, needs, work
from gitrepos.sync.apply import Attempt
from gitrepos.sync.candidates import Candidate, Linked, read
from gitrepos.sync.needs import Heads
from gitrepos.sync.work import Work

log = structlog.get_logger(__name__)

# A fetch that begins, and the lint of what it brings, must still fit into the lease.
_BUDGET_SECONDS = 30


def sync(fence: Fence, heads: Heads) -> None:
    """Bring every link of a remote to the commits in `heads`; one failure does not stop the others.

    Links for which the lease is too short are left to the next poll.
    """
    until = time.monotonic() + _BUDGET_SECONDS
    with work.discarding(fence):
        claims.renew(fence)
        job = work.load(Claim(fence.claim_id, (fence.remote_id,))).get(fence.remote_id)
        if job is None:
            return
        pending = needs.pending_files(job.links)
        results, limited_until = [], None
        for link, before, result in _taken(job, heads, pending, until):
            if isinstance(result, RateLimitedError):
                limited_until = hosts.limited(job.remote, result)
            head = heads[refs.named(link.branch)]
            results.append(_sync_link(fence, job, link, before, result, head=head))
        changed = sum(needs.changed(link, heads, pending) for link in job.links)
        failed = results.count(False)
        claims.finish(
            fence,
            ok=failed < max(len(job.links), 1),
            at_once=len(results) < changed and not failed,
            limited_until=limited_until,
        )


def abandon(fence: Fence, error: RemoteError) -> None:
    """Show the error that ended a sync on its links, and give the remote back for a later try."""
    job = work.load(Claim(fence.claim_id, (fence.remote_id,))).get(fence.remote_id)
    if job is not None:
        work.fail_all(fence, job, error)


def _taken(
    job: Work, heads: Heads, pending: set[UUID], until: float
) -> Iterator[tuple[Link, Sequence[Linked], Snapshot | RemoteError]]:
    """Fetch the links that need a sync, until the moment `until` (monotonic), but one at least.

    One fetch serves all links of a branch. Links without a failure come first, so that a branch
    that always takes too long delays no other.
    """
    groups: dict[str, list[Link]] = defaultdict(list)
    for link in sorted(job.links, key=lambda link: bool(link.error_code)):
        if needs.changed(link, heads, pending):
            groups[refs.named(link.branch)].append(link)
    for ref, links in groups.items():
        before = [facts.linked(link.pk) for link in links]
        asks = [needs.files_request(*pair, pending) for pair in zip(links, before, strict=True)]
        for taken in zip(links, before, fetched(job, ref, heads, asks), strict=True):
            yield taken
            if time.monotonic() > until:
                return


def fetched(
    job: Work, ref: str, heads: Heads, asks: Sequence[FilesRequest]
) -> Sequence[Snapshot | RemoteError]:
    """The snapshot, or the error, for each request on one ref, which a check found at `heads`."""
    try:
        if not heads[ref]:
            raise refs.missing(ref)
        url, secret = work.url_of(job.remote), secret_of(job.remote)
        measures.fetched(job.remote.host)
        return fetch.take(
            check.access(url, secret, terms=work.terms()),
            ref=ref,
            head=heads[ref],
            asks=asks,
            folder=settings.ENV.data_dir / "work",
        )
    except RemoteError as error:
        return [error] * len(asks)


def _sync_link(
    fence: Fence,
    job: Work,
    link: Link,
    before: Sequence[Linked],
    result: Snapshot | RemoteError,
    *,
    head: str,
) -> bool:
    """Apply or hold the snapshot of one link, or show its failure.

    Returns False for a failure; True also when the link changed meanwhile and nothing was written.
    """
    attempt = job.attempt(link)
    with work.overtaken(attempt):
        if isinstance(result, GoneError) and apply.gone(fence, attempt, result):
            log.warning("held", git_repo=str(attempt.link_id), reason=result.code)
        elif isinstance(result, RemoteError):
            if apply.fail(fence, attempt, result, head=head):
                log.warning("sync failed", git_repo=str(attempt.link_id), code=result.code)
            return False
        else:
            _apply(fence, attempt, result, read(result, before, prefix=link.id_prefix))
    return True


def _apply(
    fence: Fence, attempt: Attempt, snapshot: Snapshot, candidates: Sequence[Candidate]
) -> None:
    hold = apply.apply(
        fence, attempt, snapshot, candidates, holds.unverified(snapshot.commit.signature)
    )
    about = {"git_repo": str(attempt.link_id), "commit": snapshot.commit.id}
    if hold is not None:
        log.warning("held", reason=hold.reason, **about)
    else:
        log.info("synced", **about)
