"""The order of things: check → fetch → plan → apply. Nothing else knows it."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from configurations.models import Configuration
from gitrepos.errors import (
    NULL_ID,
    BranchNotFoundError,
    GoneError,
    HostNotAllowedError,
    RateLimitedError,
    RemoteError,
)
from gitrepos.forge import check
from gitrepos.forge.addresses import BadURLError, RepoURL, parse
from gitrepos.links.sealed_secrets import secret_of
from gitrepos.models import NO_POLICY_FILES, Link, LinkedFile, Remote, SyncRun
from gitrepos.polling import claims, hosts, measures, probing
from gitrepos.polling.claims import Claim, Fence, FenceLostError
from gitrepos.snapshot import fetch
from gitrepos.snapshot.values import FilesRequest, Snapshot
from gitrepos.sync import apply, facts, holds
from gitrepos.sync.apply import Attempt, LinkChangedError
from gitrepos.sync.candidates import Candidate, Linked, read, settled
from kt.policy.verify import VERIFY_VERSION

log = structlog.get_logger(__name__)

Heads = Mapping[str, str]

# A fetch that begins, and the lint of what it brings, must still fit into the lease.
_BUDGET_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed remote and its links as they stand now."""

    remote: Remote
    links: tuple[Link, ...]
    started_at: datetime

    def refs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_ref(link) for link in self.links))

    def attempt(self, link: Link) -> Attempt:
        return Attempt(
            link_id=link.pk,
            generation=link.generation,
            requested_seq=link.requested_seq,
            rules=VERIFY_VERSION,
            trigger=_trigger(link, self.started_at),
            started_at=self.started_at,
        )


def poll(batch: Claim, hand_over: Callable[[Fence, Heads], None]) -> None:
    """Ask each remote of a claim where its branches stand.

    One that changed is handed over as soon as its answer is there; the others are given back.
    """
    works = _load(batch, only=_LOOKED_AT)
    pending = _pending(link for work in works.values() for link in work.links)
    claims.settle(batch.id, [work.remote.pk for work in works.values() if not work.links])
    # In the order in which they were claimed, for places at a host are given in it.
    asked = [works[key] for key in batch.remote_ids if key in works and works[key].links]
    questions = [question for work in asked if (question := _question(batch.id, work))]
    for answers in filter(None, check.check(questions, terms=terms())):
        batch.gate.leave(answer.key for answer in answers)
        seen = [hosts.seen(works[answer.key].remote, answer.error) for answer in answers]
        elsewhere = claims.learn(batch.id, seen, works[answers[0].key].started_at)
        quiet = [
            answer.key
            for answer in answers
            if answer.key not in elsewhere
            and _is_quiet(
                Fence(answer.key, batch.id), works[answer.key], answer, pending, hand_over
            )
        ]
        claims.settle(batch.id, quiet)
        _measure([works[answer.key].remote for answer in answers], answers, quiet)


def _measure(
    remotes: Sequence[Remote], answers: Sequence[check.RefsAnswer[UUID]], quiet: Collection[UUID]
) -> None:
    for row, answer in zip(remotes, answers, strict=True):
        measures.polled(row.host, row.next_poll_at, answer.error, changed=answer.key not in quiet)


# What a poll reads of a remote and of its links: it comes by often, and seldom needs the rest.
_LOOKED_AT = (
    (
        "url", "host", "credential", "credential_digest", "shared", "next_poll_at", "asked",
        "failures", "put_off", "limited_until", "last_polled_at",
    ),
    (
        "remote_id", "branch", "generation", "observed_generation", "observed_rules", "last_commit",
        "requested_seq", "served_seq", "error_code", "held", "expected_until",
        "failed_commit", "retry_at",
    ),
)  # fmt: skip


def terms() -> check.Terms:
    """What holds for every call to a forge."""
    env = settings.ENV
    return check.Terms(env.git_allowed_networks, env.git_host_concurrency, env.git_ca_file)


def _is_quiet(
    fence: Fence,
    work: Work,
    answer: check.RefsAnswer[UUID],
    pending: set[UUID],
    hand_over: Callable[[Fence, Heads], None],
) -> bool:
    """Act on an answer; whether there was nothing to do."""
    if answer.error is not None:
        _fail_all(fence, work, answer.error)
        return False
    if any(_changed(link, answer.heads, pending) for link in work.links):
        hand_over(fence, answer.heads)
        return False
    return True


def sync(fence: Fence, heads: Heads) -> None:
    """Bring every link of a remote to the commits in `heads`; one that fails leaves the others.

    What does not fit into the lease is left to the next poll.
    """
    until = time.monotonic() + _BUDGET_SECONDS
    with _discarding(fence):
        claims.renew(fence)
        work = _load(Claim(fence.claim_id, (fence.remote_id,))).get(fence.remote_id)
        if work is None:
            return
        pending = _pending(work.links)
        results, limited_until = [], None
        for link, before, result in _taken(work, heads, pending, until):
            if isinstance(result, RateLimitedError):
                limited_until = hosts.limited(work.remote, result)
            results.append(_sync_link(fence, work, link, before, result, head=heads[_ref(link)]))
        changed = sum(_changed(link, heads, pending) for link in work.links)
        failed = results.count(False)
        claims.finish(
            fence,
            ok=failed < max(len(work.links), 1),
            at_once=len(results) < changed and not failed,
            limited_until=limited_until,
        )


def abandon(fence: Fence, error: RemoteError) -> None:
    """Show a sync that was cut short on its links, and give the remote back for a later try."""
    work = _load(Claim(fence.claim_id, (fence.remote_id,))).get(fence.remote_id)
    if work is not None:
        _fail_all(fence, work, error)


def _taken(
    work: Work, heads: Heads, pending: set[UUID], until: float
) -> Iterator[tuple[Link, Sequence[Linked], Snapshot | RemoteError]]:
    """What git says to each link that needs a look: to one at least, and on until `until`.

    One fetch serves a branch. Those that were well come first, so that a branch which always
    takes too long holds up none.
    """
    groups: dict[str, list[Link]] = defaultdict(list)
    for link in sorted(work.links, key=lambda link: bool(link.error_code)):
        if _changed(link, heads, pending):
            groups[_ref(link)].append(link)
    for ref, links in groups.items():
        before = [facts.linked(link.pk) for link in links]
        asks = [_ask(*pair, pending) for pair in zip(links, before, strict=True)]
        for taken in zip(links, before, fetched(work, ref, heads, asks), strict=True):
            yield taken
            if time.monotonic() > until:
                return


def fetched(
    work: Work, ref: str, heads: Heads, asks: Sequence[FilesRequest]
) -> Sequence[Snapshot | RemoteError]:
    """What git says to each ask of one ref, after a check found it at `heads`."""
    try:
        if not heads[ref]:
            raise _no_branch(ref)
        url, secret = _url(work.remote), secret_of(work.remote)
        measures.fetched(work.remote.host)
        return fetch.take(
            check.access(url, secret, terms=terms()),
            ref=ref,
            head=heads[ref],
            asks=asks,
            folder=settings.ENV.data_dir / "work",
        )
    except RemoteError as error:
        return [error] * len(asks)


def _sync_link(
    fence: Fence,
    work: Work,
    link: Link,
    before: Sequence[Linked],
    result: Snapshot | RemoteError,
    *,
    head: str,
) -> bool:
    """Apply, hold or show one link's result; returns whether git gave one, or it came too late."""
    attempt = work.attempt(link)
    with _overtaken(attempt):
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


@contextlib.contextmanager
def _overtaken(attempt: Attempt) -> Iterator[None]:
    """Leave a link that changed meanwhile as it is: its remote is due again at once."""
    try:
        yield
    except LinkChangedError as error:
        log.warning("discarded", git_repo=str(attempt.link_id), reason=str(error))


@contextlib.contextmanager
def _discarding(fence: Fence) -> Iterator[None]:
    """End an attempt that lost its claim: it writes nothing more, and the log says why."""
    try:
        yield
    except FenceLostError as error:
        log.warning("discarded", remote=str(fence.remote_id), reason=str(error))


def _load(batch: Claim, only: tuple[Sequence[str], Sequence[str]] = ((), ())) -> dict[UUID, Work]:
    """The remotes of a claim that still holds them, with what is read of them and their links."""
    rows = Remote.objects.filter(pk__in=batch.remote_ids, claim_id=batch.id).only(*only[0])
    rows = rows.prefetch_related("shared")  # No query where no remote has one.
    links: dict[UUID, list[Link]] = defaultdict(list)
    now = timezone.now()
    found = {row.pk: row for row in rows}
    active = Link.objects.filter(remote__in=list(found), suspended=False).order_by("pk")
    for link in active.only(*only[1]):
        links[link.remote_id].append(link)
    return {pk: Work(row, tuple(links[pk]), now) for pk, row in found.items()}


def _question(claim_id: UUID, work: Work) -> check.RefsQuestion[UUID] | None:
    """What to ask; a remote that cannot even be asked fails here, without its neighbours."""
    try:
        return question(work)
    except RemoteError as error:
        _fail_all(Fence(work.remote.pk, claim_id), work, error)
        return None


def question(work: Work) -> check.RefsQuestion[UUID]:
    """What to ask for the links of a remote. Raises: `RemoteError` when nobody may be asked."""
    return check.RefsQuestion(
        work.remote.pk, _url(work.remote), secret_of(work.remote), work.refs()
    )


def _fail_all(fence: Fence, work: Work, error: RemoteError) -> None:
    with _discarding(fence):
        news = False
        for attempt in map(work.attempt, work.links):
            with _overtaken(attempt):
                news = apply.fail(fence, attempt, error) or news
        limited_until = (
            probing.until(error, timezone.now()) if isinstance(error, RateLimitedError) else None
        )
        claims.finish(fence, ok=False, stalled=not error.transient, limited_until=limited_until)
        if news:
            log.warning("poll failed", url=work.remote.url, code=error.code)


def _trigger(link: Link, now: datetime) -> SyncRun.Trigger:
    if link.expected_until is not None and link.expected_until > now:
        return SyncRun.Trigger.WEBHOOK
    asked = link.requested_seq > link.served_seq
    return SyncRun.Trigger.MANUAL if asked else SyncRun.Trigger.POLL


def _changed(link: Link, heads: Heads, pending: set[UUID]) -> bool:
    """Whether a link needs a look. One that came after the check knows nothing, and waits."""
    head = heads.get(_ref(link))
    if head is None or (_failed_at(link, head) and not _is_stale(link)):
        return False
    return (head or NULL_ID) != _seen(link) or _replan(link, pending)


def _failed_at(link: Link, head: str) -> bool:
    """Whether the link failed at this commit, and waits before it tries again."""
    waits = link.retry_at is not None and link.retry_at > timezone.now()
    return waits and link.failed_commit == head


def _seen(link: Link) -> str:
    """The commit that was looked at last, applied or held."""
    return str(link.held["commit"]) if link.held else link.last_commit


def _replan(link: Link, pending: set[UUID]) -> bool:
    """Whether a link needs a plan although its commit stands still."""
    known = link.held["reason"] if link.held else NO_POLICY_FILES
    return (
        (link.pk in pending and not link.held)
        or _is_stale(link)
        or link.error_code not in ("", known)
    )


def _is_stale(link: Link) -> bool:
    """Whether somebody asked for something since the last attempt began."""
    edited = link.observed_generation != link.generation
    return edited or link.requested_seq > link.served_seq


def _pending(links: Iterable[Link]) -> set[UUID]:
    """Links with a refused file that may pass now: other rules judged it, or the reason is gone.

    What is in force is not looked at again in git because of other rules: its bytes are stored,
    and `configurations.judging` reads them.
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
    """Whether the reason is gone; `owner` is None for a configuration that does not exist."""
    if outcome == LinkedFile.Outcome.UNLINKED:
        return owner is not None
    return not owner and any(f["code"] == "owned_by_another_link" for f in findings)


def _ask(link: Link, before: Sequence[Linked], pending: set[UUID]) -> FilesRequest:
    known_tree = "" if link.held or _replan(link, pending) else link.tree_id
    return FilesRequest(
        link.root,
        known_tree=known_tree,
        known=settled(before),
        include=tuple(link.include),
        exclude=tuple(link.exclude),
        # Another branch or repository has another history, and nobody rewrote it.
        last_commit=link.last_commit if link.observed_generation == link.generation else "",
        allowed_signers=link.allowed_signers,
    )


def _ref(link: Link) -> str:
    return f"refs/heads/{link.branch}" if link.branch else check.HEAD


def _no_branch(ref: str) -> BranchNotFoundError:
    if ref == check.HEAD:
        return BranchNotFoundError("The repository is empty, or its HEAD names no branch yet.")
    return BranchNotFoundError(f"The repository has no branch {ref.removeprefix('refs/heads/')!r}.")


def _url(row: Remote) -> RepoURL:
    try:
        return parse(row.url, schemes=settings.ENV.git_schemes)
    except BadURLError as exc:
        raise HostNotAllowedError(f"The url {exc}.") from exc
