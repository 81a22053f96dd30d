"""Polls: check the remotes of a claim, and hand over those that changed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from uuid import UUID

import structlog

from gitrepos import refs
from gitrepos.errors import RemoteError
from gitrepos.forge import check
from gitrepos.links.sealed_secrets import secret_of
from gitrepos.models import Link, Remote
from gitrepos.polling import claims, hosts, measures
from gitrepos.polling.claims import Claim, Fence
from gitrepos.polling.waiting import Found
from gitrepos.sync import needs, work
from gitrepos.sync.needs import Reason
from gitrepos.sync.work import Work
from keeptrusts.observed import traces

log = structlog.get_logger(__name__)


def poll(batch: Claim, hand_over: Callable[[UUID, Mapping[UUID, Found]], object]) -> None:
    """Check each remote of a claim.

    Changed ones are handed over, by the claim's id and theirs, as soon as their answers are there;
    the others are given back.
    """
    works = work.load(batch, only=_LOOKED_AT)
    pending = needs.pending_files(link for job in works.values() for link in job.links)
    claims.settle(batch.id, [job.remote.pk for job in works.values() if not job.links])
    # In the order of the claim: places at a host are given in it.
    asked = [works[key] for key in batch.remote_ids if key in works and works[key].links]
    questions = [question for job in asked if (question := _question(batch.id, job))]
    for answers in filter(None, check.check(questions, terms=work.terms())):
        batch.gate.leave(answer.key for answer in answers)
        seen = [hosts.seen(works[answer.key].remote, answer.error) for answer in answers]
        elsewhere = claims.learn(batch.id, seen, works[answers[0].key].started_at)
        changed, quiet = dict[UUID, Found](), []
        for answer in answers:
            if answer.key in elsewhere:
                continue
            job = works[answer.key]
            if answer.error is not None:
                work.fail_all(Fence(answer.key, batch.id), job, answer.error)
            elif (found := _found(job, answer, pending)) is not None:
                changed[answer.key] = found
            else:
                quiet.append(answer.key)
        if changed:
            hand_over(batch.id, changed)
        claims.settle(batch.id, quiet)
        _measure([works[answer.key].remote for answer in answers], answers, set(quiet))


def _measure(
    remotes: Sequence[Remote], answers: Sequence[check.RefsAnswer[UUID]], quiet: Collection[UUID]
) -> None:
    measures.polled(
        measures.Measured(
            row.host,
            # One whose sync waits has had its turn; it is only looked at again.
            row.next_poll_at if row.waits_since is None else None,
            answer.error,
            changed=answer.key not in quiet,
        )
        for row, answer in zip(remotes, answers, strict=True)
    )


# The columns of remotes and links that a poll reads: it is frequent, and seldom needs the rest.
_LOOKED_AT = (
    (*Remote.ADDRESS, *Remote.SCHEDULE, "waits_since"),
    ("remote_id", *refs.FORMS, *Link.REQUESTS, *Link.OBSERVED),
)


def _found(
    job: Work, answer: check.RefsAnswer[UUID], pending: Mapping[UUID, Reason]
) -> Found | None:
    """What a sync is to bring the links of a remote to; None where there is nothing to do."""
    heads = refs.found(job.followed(), answer.heads)
    if not any(needs.why(link, heads, pending, job.started_at) for link in job.links):
        return None
    trace = job.trace()
    with traces.bound(trace):
        log.info("a poll found a change", url=job.remote.url)
    return Found(heads, job.requests(), job.edits(), trace.trace_id)


def _question(claim_id: UUID, job: Work) -> check.RefsQuestion[UUID] | None:
    """The question for a remote; one that cannot be asked fails here, without the others."""
    try:
        return question(job)
    except RemoteError as error:
        work.fail_all(Fence(job.remote.pk, claim_id), job, error)
        return None


def question(job: Work) -> check.RefsQuestion[UUID]:
    """The question for the links of a remote.

    Raises:
        RemoteError: the url or the credential may not be used.
    """
    return check.RefsQuestion(
        job.remote.pk, work.url_of(job.remote), secret_of(job.remote), refs.asked(job.followed())
    )
