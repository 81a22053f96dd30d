"""A claimed remote with its links, and the early end of an attempt."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import QuerySet, prefetch_related_objects
from django.utils import timezone

from gitrepos import refs
from gitrepos.errors import HostNotAllowedError, ProxyFailedError, RateLimitedError, RemoteError
from gitrepos.forge import check, documents
from gitrepos.forge.addresses import BadURLError, RepoURL, parse
from gitrepos.models import Link, Remote
from gitrepos.polling import claims, probing
from gitrepos.polling.claims import Claim, Fence, FenceLostError
from gitrepos.polling.waiting import Found
from gitrepos.snapshot import temporary
from gitrepos.sync import apply, needs
from gitrepos.sync.apply import Attempt, LinkChangedError
from gitrepos.sync.needs import Reason
from keeptrusts import statements
from keeptrusts.statements import Prepared, together
from kt.policy.verify import VERIFY_VERSION
from kt.tracing import context
from kt.tracing.context import Trace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed remote and its links that are polled, as they are now."""

    remote: Remote
    links: tuple[Link, ...]
    started_at: datetime

    def followed(self) -> tuple[refs.Followed, ...]:
        """What its links follow, each once."""
        return tuple(dict.fromkeys(map(refs.of, self.links)))

    def requests(self) -> dict[UUID, int]:
        """The requests for a sync that are not served, by link."""
        asking = (link for link in self.links if link.requested_seq > link.served_seq)
        return {link.pk: link.requested_seq for link in asking}

    def trace(self) -> Trace:
        """The trace of the first request for a sync that is not served; without one a new one."""
        asking = self.requests()
        return context.of_id(next((one.trace_id for one in self.links if one.pk in asking), ""))

    def edits(self) -> dict[UUID, int]:
        """The edits that no attempt has observed, by link."""
        edited = (link for link in self.links if link.generation != link.observed_generation)
        return {link.pk: link.generation for link in edited}

    def attempt(self, link: Link, reason: Reason, what: Found | None = None) -> Attempt:
        """A new attempt at one of its links, as the link is now.

        It serves the requests that came before the poll that found `what`; None for all.
        """
        return Attempt(
            link_id=link.pk,
            generation=link.generation,
            requested_seq=link.requested_seq if what is None else what.request(link),
            rules=VERIFY_VERSION,
            reason=reason,
            trigger=reason.trigger(link, self.started_at),
            started_at=self.started_at,
            is_only=len(self.links) == 1,
            again_at_once=what is not None and what.is_before_edit(link),
        )


def load(batch: Claim, only: tuple[Sequence[str], Sequence[str]] = ((), ())) -> dict[UUID, Work]:
    """The remotes that a claim still holds, with their links, by id.

    `only` has the columns of remotes and of links that are read; empty for all.
    """
    remotes_of, links_of = _reading(*only)
    rows, polled = together(
        remotes_of.of(claim=batch.id, ids=batch.remote_ids), links_of.of(ids=batch.remote_ids)
    )
    if any(row.shared_id for row in rows):
        prefetch_related_objects(rows, "shared")
    links: dict[UUID, list[Link]] = defaultdict(list)
    now = timezone.now()
    for link in polled:
        links[link.remote_id].append(link)
    return {row.pk: Work(row, tuple(links[row.pk]), now) for row in rows}


@lru_cache(maxsize=4)
def _reading(
    remotes: Sequence[str], links: Sequence[str]
) -> tuple[Prepared[list[Remote]], Prepared[list[Link]]]:
    """The questions for remotes of a claim, and for their links that are polled."""

    def claimed(claim: UUID, ids: Sequence[UUID]) -> QuerySet[Remote]:
        return Remote.objects.filter(pk__among=ids, claim_id=claim).only(*remotes)

    def polled(ids: Sequence[UUID]) -> QuerySet[Link]:
        rows = Link.objects.filter(Link.polled(), remote__id__among=ids)
        return rows.order_by("pk").only(*links)

    return (
        statements.objects(claimed, claim=UUID, ids=list[UUID]),
        statements.objects(polled, ids=list[UUID]),
    )


def fail_all(
    fence: Fence,
    work: Work,
    error: RemoteError,
    what: Found | None = None,
    *,
    is_outage: bool = False,
) -> None:
    """Show a failure on every link of a remote, and give the remote back.

    An outage of servers of ours, `is_outage`, does not count as a failure of the remote.

    `what` is what a poll found before; None where the poll itself failed. A link that was edited
    after it shows nothing: what failed was the link as it was.
    """
    with discarding(fence):
        news = False
        for link in work.links:
            if what is not None and what.is_before_edit(link):
                continue
            # What the check that failed was looking for.
            attempt = work.attempt(link, needs.why_again(link, {}) or Reason.NEW_COMMIT, what)
            with overtaken(attempt):
                news = apply.fail(fence, attempt, error) or news
        limited_until = (
            probing.until(error, timezone.now()) if isinstance(error, RateLimitedError) else None
        )
        claims.finish(
            fence,
            ok=False,
            stalled=not error.transient,
            # All wait for one proxy, or for servers of ours: once those are back, none should wait
            # for an hour.
            keeps_pace=is_outage or isinstance(error, ProxyFailedError),
            limited_until=limited_until,
        )
        if news:
            log.warning("poll failed", url=work.remote.url, code=error.code)


@contextlib.contextmanager
def overtaken(attempt: Attempt) -> Iterator[None]:
    """Leave a link that changed meanwhile as it is; its remote is due again at once."""
    try:
        yield
    except LinkChangedError as error:
        log.warning("discarded", git_repo=str(attempt.link_id), reason=str(error))


@contextlib.contextmanager
def discarding(fence: Fence) -> Iterator[None]:
    """End an attempt whose claim ended: it writes nothing more, and logs the reason."""
    try:
        yield
    except FenceLostError as error:
        log.warning("discarded", remote=str(fence.remote_id), reason=str(error))


def terms() -> check.Terms:
    """The operator's terms for every call to a forge."""
    calls = documents.terms_of(settings.ENV)
    per_host = settings.ENV.git_host_concurrency
    return check.Terms(calls.allowed, per_host, calls.ca_file, calls.proxy)


def folder() -> Path:
    """The folder of temporary repositories."""
    return settings.ENV.data_dir / "work"


def remove_leftovers() -> int:
    """Remove the temporary repositories of killed workers; returns how many there were."""
    return temporary.sweep(folder())


def url_of(row: Remote) -> RepoURL:
    """The url of a remote, taken apart.

    Raises:
        HostNotAllowedError: its scheme is not allowed any more.
    """
    try:
        return parse(row.url, schemes=settings.ENV.git_schemes)
    except BadURLError as exc:
        raise HostNotAllowedError(f"The url {exc}.") from exc
