"""The order of things: check → fetch → plan → apply. Nothing else knows it."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from configurations.models import Configuration
from gitrepos import apply, claim, fetch, remote
from gitrepos.address import BadURLError, RepoURL, parse
from gitrepos.apply import NO_POLICY_FILES, Attempt
from gitrepos.claim import Claim, Fence, FenceLostError
from gitrepos.credentials import token_of
from gitrepos.errors import BranchNotFoundError, HostNotAllowedError, RemoteError
from gitrepos.models import GitRepo, LinkedFile, Remote, SyncRun
from gitrepos.plan import Linked, read, settled
from gitrepos.snapshot import Ask, Snapshot
from kt.policy.rules import RULES_VERSION

log = structlog.get_logger(__name__)

Heads = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed remote and its links as they stand now."""

    remote: Remote
    links: tuple[GitRepo, ...]
    started_at: datetime

    def refs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_ref(link) for link in self.links))

    def attempt(self, link: GitRepo) -> Attempt:
        asked = link.requested_seq > link.served_seq
        return Attempt(
            repo_id=link.pk,
            generation=link.generation,
            requested_seq=link.requested_seq,
            rules=RULES_VERSION,
            trigger=SyncRun.Trigger.MANUAL if asked else SyncRun.Trigger.POLL,
            started_at=self.started_at,
        )


def poll(batch: Claim, hand_over: Callable[[Fence, Heads], None]) -> None:
    """Ask each remote of a claim where its branches stand.

    One that changed is handed over as soon as its answer is there; the others are given back.
    """
    works = _load(batch)
    pending = _pending(link.pk for work in works.values() for link in work.links)
    quiet: list[UUID] = []
    questions = [question for work in works.values() if (question := _question(batch.id, work))]
    for answer in remote.check(questions, allowed=settings.ENV.git_allowed_networks):
        work = works[answer.key]
        fence = Fence(answer.key, batch.id)
        if answer.error is not None:
            _fail_all(fence, work, answer.error)
        elif any(_changed(link, answer.heads, pending) for link in work.links):
            hand_over(fence, answer.heads)
        else:
            quiet.append(answer.key)
    claim.settle(batch.id, quiet)


def sync(fence: Fence, heads: Heads) -> None:
    """Bring every link of a remote to the commits in `heads`; one that fails leaves the others."""
    with _discarding(fence):
        claim.renew(fence)
        work = _load(Claim(fence.claim_id, (fence.remote_id,))).get(fence.remote_id)
        if work is None:
            return
        pending = _pending(link.pk for link in work.links)
        groups: dict[str, list[GitRepo]] = defaultdict(list)
        for link in work.links:
            if _changed(link, heads, pending):
                groups[_ref(link)].append(link)
        failed = sum(_sync_ref(fence, work, *group, heads, pending) for group in groups.items())
        claim.finish(fence, ok=failed < len(work.links))


def _sync_ref(
    fence: Fence,
    work: Work,
    ref: str,
    links: Sequence[GitRepo],
    heads: Heads,
    pending: set[UUID],
) -> int:
    """Sync the links of one branch by one fetch; returns how many failed."""
    before = {link.pk: apply.linked(link.pk) for link in links}
    try:
        if ref not in heads:
            raise _no_branch(ref)
        results = fetch.take(
            remote.access(
                _url(work.remote), token_of(work.remote), allowed=settings.ENV.git_allowed_networks
            ),
            ref=ref,
            head=heads[ref],
            asks=[_ask(link, before[link.pk], pending) for link in links],
            folder=settings.ENV.data_dir / "work",
        )
    except RemoteError as error:
        results = [error] * len(links)
    return sum(
        _sync_link(fence, work.attempt(link), before[link.pk], result)
        for link, result in zip(links, results, strict=True)
    )


def _sync_link(
    fence: Fence, attempt: Attempt, before: Sequence[Linked], result: Snapshot | RemoteError
) -> bool:
    """Apply or show one link's result; returns whether it failed."""
    if isinstance(result, RemoteError):
        apply.fail(fence, attempt, result)
        log.warning("sync failed", git_repo=str(attempt.repo_id), code=result.code)
        return True
    apply.apply(fence, attempt, result, read(result, before))
    log.info("synced", git_repo=str(attempt.repo_id), commit=result.commit.id)
    return False


@contextlib.contextmanager
def _discarding(fence: Fence) -> Iterator[None]:
    """End an attempt that lost its claim: it writes nothing more, and the log says why."""
    try:
        yield
    except FenceLostError as error:
        log.warning("discarded", remote=str(fence.remote_id), reason=str(error))


def _load(batch: Claim) -> dict[UUID, Work]:
    rows = Remote.objects.filter(pk__in=batch.remote_ids, claim_id=batch.id)
    links: dict[UUID, list[GitRepo]] = defaultdict(list)
    now = timezone.now()
    for link in GitRepo.objects.filter(remote__in=rows, suspended=False).order_by("pk"):
        links[link.remote_id].append(link)
    return {row.pk: Work(row, tuple(links[row.pk]), now) for row in rows}


def _question(claim_id: UUID, work: Work) -> remote.Question[UUID] | None:
    """What to ask; a remote that cannot even be asked fails here, without its neighbours."""
    try:
        return remote.Question(
            work.remote.pk, _url(work.remote), token_of(work.remote), work.refs()
        )
    except RemoteError as error:
        _fail_all(Fence(work.remote.pk, claim_id), work, error)
        return None


def _fail_all(fence: Fence, work: Work, error: RemoteError) -> None:
    with _discarding(fence):
        for link in work.links:
            apply.fail(fence, work.attempt(link), error)
        claim.finish(fence, ok=False, stalled=not error.transient)
        log.warning("poll failed", remote=str(fence.remote_id), code=error.code)


def _changed(link: GitRepo, heads: Heads, pending: set[UUID]) -> bool:
    return heads.get(_ref(link)) != link.last_commit or _replan(link, pending)


def _replan(link: GitRepo, pending: set[UUID]) -> bool:
    """Whether a link needs a plan although its commit stands still."""
    return (
        link.pk in pending
        or link.observed_generation != link.generation
        or link.observed_rules != RULES_VERSION
        or link.requested_seq > link.served_seq
        or link.error_code not in ("", NO_POLICY_FILES)
    )


def _pending(repo_ids: Iterable[UUID]) -> set[UUID]:
    """Links with a file that was refused for a reason that has gone since."""
    refused = LinkedFile.Outcome.UNLINKED, LinkedFile.Outcome.CONFLICT
    files = LinkedFile.objects.filter(repo__in=list(repo_ids), outcome__in=refused)
    rows = list(files.values_list("repo_id", "configuration", "outcome", "findings"))
    owners = dict(
        Configuration.objects.filter(pk__in=[row[1] for row in rows]).values_list("pk", "owner")
    )
    return {
        repo_id
        for repo_id, configuration, outcome, findings in rows
        if _released(owners.get(configuration), outcome, findings)
    }


def _released(owner: str | None, outcome: str, findings: Sequence[Mapping[str, str]]) -> bool:
    if outcome == LinkedFile.Outcome.UNLINKED:
        return owner == ""
    return not owner and any(f["code"] == "owned_by_another_link" for f in findings)


def _ask(link: GitRepo, before: Sequence[Linked], pending: set[UUID]) -> Ask:
    known_tree = "" if _replan(link, pending) else link.tree_id
    return Ask(link.root, known_tree=known_tree, known=settled(before))


def _ref(link: GitRepo) -> str:
    return f"refs/heads/{link.branch}" if link.branch else remote.HEAD


def _no_branch(ref: str) -> BranchNotFoundError:
    if ref == remote.HEAD:
        return BranchNotFoundError("The repository is empty, or its HEAD names no branch yet.")
    return BranchNotFoundError(f"The repository has no branch {ref.removeprefix('refs/heads/')!r}.")


def _url(row: Remote) -> RepoURL:
    try:
        return parse(row.url, schemes=settings.ENV.git_schemes)
    except BadURLError as exc:
        raise HostNotAllowedError(f"The url {exc}.") from exc
