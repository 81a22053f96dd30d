"""Previews of syncs, without a claim, a lock or a row written."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.utils import timezone

from configurations.models import Configuration
from gitrepos.errors import GoneError, RemoteError
from gitrepos.forge import check
from gitrepos.forge.addresses import resolve, stored
from gitrepos.forge.git import runner
from gitrepos.models import Link
from gitrepos.snapshot.values import FilesRequest, Snapshot
from gitrepos.sync import facts, holds, poll, steps, work
from gitrepos.sync.candidates import Linked, read
from gitrepos.sync.facts import decide
from gitrepos.sync.plan import Hold, Plan, mass_removal
from gitrepos.sync.work import Work

_SHOWN_FINDINGS = 10


def of(link: Link) -> dict[str, Any]:
    """Check, fetch, read and plan, as a sync of `link` would.

    `error` is the failure of git, `host_keys` are the keys of an ssh server. `held` is the reason
    why the commit would wait for a person, `would_remove` the files that it would remove. A file's
    `version` is the one that the sync would record.
    """
    answer: dict[str, Any] = {"commit": None, "error": None, "held": None}
    answer |= {"host_keys": _host_keys(link), "would_remove": [], "files": []}
    before = facts.linked(link.pk)
    try:
        snapshot = _taken(link)
    except GoneError as error:
        gone = decide(link, (), before)
        hold = Hold(error.code, error.message) if gone.removed else None
        return answer | {"error": _error(error)} | _going(link, error.commit, gone, hold)
    except RemoteError as error:
        return answer | {"error": _error(error)}
    candidates = read(snapshot, before, prefix=link.id_prefix, every=True)
    decided = decide(link, candidates, before)
    commit = snapshot.commit.id
    answer |= {"commit": commit, "files": _files(decided)}
    hold = holds.unverified(snapshot.commit.signature) or mass_removal(decided)
    return answer | _going(link, commit, decided, hold)


def _host_keys(link: Link) -> list[dict[str, str]]:
    """An ssh server's keys, to compare with those that the forge publishes; empty on failure."""
    url = stored(link.url)
    if url.scheme != "ssh":
        return []
    try:
        addresses = resolve(url, allowed=settings.ENV.git_allowed_networks)
        keys = runner.host_keys(url, addresses[0])
    except RemoteError:
        return []  # The sync itself shows the reason.
    return [{"type": key.kind, "fingerprint": key.fingerprint} for key in keys]


def _taken(link: Link) -> Snapshot:
    """The link's snapshot as of now, with the bytes of every file."""
    job = Work(link.remote, (link,), timezone.now())
    groups = check.check([poll.question(job)], terms=work.terms())
    [answer] = [answer for group in groups for answer in group]
    if answer.error is not None:
        raise answer.error
    [ref] = job.refs()
    ask = FilesRequest(
        link.root,
        include=tuple(link.include),
        exclude=tuple(link.exclude),
        allowed_signers=link.allowed_signers,
    )
    [result] = steps.fetched(job, ref, answer.heads, [ask])
    if isinstance(result, RemoteError):
        raise result
    return result


def _going(link: Link, commit: str, decided: Plan, hold: Hold | None) -> dict[str, Any]:
    held = hold is not None and not holds.lets_pass(link, commit)
    reason = {"reason": hold.reason, "message": hold.message} if hold else None
    return {"held": reason if held else None, "would_remove": _named(decided.removed)}


def _named(gone: Sequence[Linked]) -> list[dict[str, str]]:
    return [{"path": row.path, "configuration": row.configuration} for row in gone]


def _files(decided: Plan) -> list[dict[str, Any]]:
    ids = [d.candidate.configuration for d in decided.decisions if d.publish]
    versions = dict(Configuration.objects.filter(pk__in=ids).values_list("pk", "version"))
    origins = {move.after.path: move.before.configuration for move in decided.moves}
    return [
        {
            "path": decision.candidate.path,
            "configuration": decision.candidate.configuration,
            "renamed_from": origins.get(decision.candidate.path, ""),
            "outcome": decision.outcome,
            "content_hash": decision.candidate.content_hash,
            "version": versions.get(decision.candidate.configuration, 0) + 1
            if decision.publish
            else None,
            "findings": [asdict(finding) for finding in decision.findings[:_SHOWN_FINDINGS]],
        }
        for decision in decided.decisions
    ]


def _error(error: RemoteError) -> dict[str, str]:
    return {"code": error.code, "message": error.message}
