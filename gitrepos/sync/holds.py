"""Holds: a commit that waits for a person, kept on its link's row with the reason."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime
from typing import Any

from configurations import checks
from configurations.models import Version
from configurations.requests import writer
from configurations.requests.queries import broken, people_since
from events import log
from gitrepos import refs
from gitrepos.errors import RemoteError
from gitrepos.links import four_eyes
from gitrepos.models import Link
from gitrepos.snapshot import signatures
from gitrepos.snapshot.values import Commit, Made, Signature
from gitrepos.sync.candidates import Candidate
from gitrepos.sync.plan import Hold, Plan, Replacement
from keeptrusts.api.errors import ConflictError

WEAKER = "weaker"
_MOST_WEAKENED = 50
_MAIL = re.compile(r"<([^<>]*)>\s*\Z")

Weighed = Mapping[Replacement, Sequence[str]]


def lets_pass(link: Link, commit: str) -> bool:
    """True when a person confirmed exactly this commit."""
    return commit == link.confirmed_commit


def stands(link: Link, replaces: Sequence[Replacement]) -> bool:
    """True when a confirmed commit still replaces, under four eyes, exactly what was shown."""
    shown = (link.held or {}).get("replaces", [])
    return bool(shown == _listed(replaces))


def weigh(replaces: Iterable[Replacement], candidates: Iterable[Candidate]) -> Weighed:
    """What each replacement weakens, as lines; what cannot be compared passes for weaker.

    Raises:
        CrowdedError: too many questions wait.
        JudgeFailedError: the judge ended.
    """
    contents = {(c.configuration, c.content_hash): c.content for c in candidates}
    return {
        one: (*_besides(one), *_weaker(one, contents.get((one.configuration, one.after))))
        for one in replaces
    }


def _besides(one: Replacement) -> Sequence[str]:
    return (f"{one.configuration}: {one.besides}",) if one.besides else ()


def _weaker(one: Replacement, after: bytes | None) -> Sequence[str]:
    if one.before == one.after:
        return ()
    if not one.after:
        return (f"{one.configuration} goes out of force",)
    known = Version.objects.filter(configuration=one.configuration, content_hash=one.before)
    before = known.values_list("content", flat=True).first()
    if before is None or after is None:
        return (f"{one.configuration} cannot be compared with what is in force",)
    try:
        weaker = checks.weakened(bytes(before), after)
    except ConflictError as exc:
        return (f"{one.configuration}: {exc.message}",)
    return tuple(f"{one.configuration}: {message}"[:500] for message in weaker)


def weakening(decided: Plan, weighed: Weighed) -> Hold | None:
    """The hold for a plan that weakens what is in force, or None."""
    lines = _lines(decided, weighed)
    if not lines:
        return None
    more = f", and {len(lines) - 1} changes more" if len(lines) > 1 else ""
    return Hold(WEAKER, f"The commit weakens what is in force: {lines[0]}{more}.")


def _lines(decided: Plan, weighed: Weighed) -> list[str]:
    return [line for one in decided.replaces for line in weighed[one]]


def people_of(commit: Commit) -> dict[str, Any]:
    """The people of a commit, and of those before it that are not in force yet.

    Authors, committers and the signer, by what tells them from others.
    """
    made = [Made(commit.author, commit.committer, commit.signature), *(commit.others or ())]
    signed = [one.signature for one in made if one.signature]
    signers = {one: _address(one.principal) for one in signed}
    names = [_address(name) for one in made for name in (one.author, one.committer)]
    is_named = commit.others is not None and "" not in names
    return {
        "addresses": sorted({*names, *signers.values()} - {""}),
        "keys": sorted({one.fingerprint for one in signed} - {""}),
        "by_key_alone": any(one.fingerprint and not signers[one] for one in signed),
        # What nobody vouches for says of itself whatever its maker likes.
        "is_whole": is_named and unverified(commit.signature) is None,
    }


def set_back(link: Link, head: refs.Head) -> Hold | None:
    """The hold for a tag that was moved, or is lower than the one in force; None for all else."""
    if link.last_url != link.url:
        return None
    why = refs.of(link).setback(head, last_ref=link.last_ref, last_commit=link.last_commit)
    return Hold(why.code, why.message) if why else None


def unverified(signature: Signature | None) -> Hold | None:
    """The hold for a commit that no allowed signer of its link signed, or None."""
    reason = signatures.complaint(signature) if signature else ""
    return Hold("unverified_commit", reason) if reason else None


def gone(link: Link, error: RemoteError, head: refs.Head) -> Hold:
    """The hold for a branch, tag or path that is gone; a tag that was moved is the reason before.

    `head` leads to the commit that lacks the path.
    """
    moved = set_back(link, head) if head.commit else None
    if moved is None:
        return Hold(error.code, error.message)
    return Hold(moved.reason, f"{moved.message} {error.message}")


def told(link: Link, hold: Hold, decided: Plan, weighed: Weighed | None = None) -> Hold:
    """The hold with what it would remove, which without `prune` is their files alone.

    And with what it would weaken, and whether a second person must confirm it.
    """
    removed = decided.removed
    stays = removed and not link.prune
    words = " What loses its file stays in force: the link has `prune` off." if stays else ""
    touched = {one.configuration for one in removed} & decided.guarded
    return replace(
        hold,
        message=hold.message + words,
        would_remove=tuple(removed),
        weakens=tuple(_lines(decided, weighed or {}))[:_MOST_WEAKENED] if weighed else (),
        replaces=decided.replaces,
        four_eyes=bool(touched) or any(one.four_eyes for one in decided.replaces),
        traced=all(one.traced for one in decided.replaces if one.four_eyes),
    )


def put(
    link: Link, hold: Hold, commit: str, now: datetime, *, head: refs.Head, made: Commit | None
) -> bool:
    """Hold a commit, to which `head` led; returns whether the hold is new.

    Under four eyes it asks for a second person, who is none of those that `made` it. To be saved by
    the caller.
    """
    held: dict[str, Any] = {
        "reason": hold.reason,
        "message": hold.message,
        "commit": commit,
        "since": now.isoformat().replace("+00:00", "Z"),
        "would_remove": [
            {"path": row.path, "configuration": row.configuration} for row in hold.would_remove
        ],
    }
    if head.tag:
        held |= {"tag": head.tag, "tag_object": head.tag_object}
    if hold.weakens:
        held["weakens"] = list(hold.weakens)
    asks = link.four_eyes or hold.four_eyes
    if asks:
        people = _all_people(link, made)
        people["is_whole"] = people["is_whole"] and hold.traced
        held |= {"four_eyes": True, "replaces": _listed(hold.replaces), "people": people}
    before = link.held or {}
    if before.get("reason") == hold.reason:
        held["since"] = before["since"]
    link.held, link.confirmed_commit = held, ""
    names = ("reason", "commit", "tag", "replaces")
    if [before.get(name) for name in names] == [held.get(name) for name in names]:
        link.held = before if asks else held  # What was shown stays as it was shown.
        return False
    log.record(log.Kind.HELD, hold.message, git_repo=str(link.pk), details=held)
    if asks and made and held["people"]["is_whole"]:
        writer.held(four_eyes.confirmation(link), author=made.author)
    return True


def _all_people(link: Link, made: Commit | None) -> dict[str, Any]:
    """The people of a commit, and of those that were held since the last one in force.

    Who pushes another commit on top does not make the one below that of somebody else.
    """
    if made is None:  # Nobody knows who removed it.
        return {"addresses": [], "keys": [], "by_key_alone": False, "is_whole": False}
    own = people_of(made)
    for others in people_since(four_eyes.CONFIRM, str(link.pk), link.last_synced_at):
        own = {
            "addresses": sorted({*own["addresses"], *others["addresses"]}),
            "keys": sorted({*own["keys"], *others["keys"]}),
            "by_key_alone": own["by_key_alone"] or others["by_key_alone"],
            "is_whole": own["is_whole"],
        }
    return own


def _address(name: str) -> str:
    """The address of `NAME <MAIL>`, or of a name that is one, in lower case; else empty."""
    found = _MAIL.search(name)
    address = (found[1] if found else name).strip().lower()
    return address if "@" in address and not address.split()[1:] else ""


def _listed(replaces: Iterable[Replacement]) -> list[list[Any]]:
    """What is replaced under four eyes, as a hold keeps it."""
    return [list(astuple(one)[:3]) for one in replaces if one.four_eyes]


def remind(link: Link, decided: Plan) -> None:
    """Say again, with a sync, what an admin did alone and nobody else confirmed yet."""
    alone = [
        *broken("configuration").filter(target__in=decided.guarded),
        *broken("git_repo").filter(target=str(link.pk)),
    ]
    for one in sorted(alone, key=lambda one: one.pk):
        message = f"{one.asker_name} did this alone, and nobody else has confirmed it: {one.reason}"
        details = {"request": one.pk, "kind": one.kind, "target": one.target}
        log.record(log.Kind.BREAK_GLASS, message, git_repo=str(link.pk), details=details)


def lift(link: Link, commit: str) -> None:
    """End the hold of a link that applied `commit`: a person confirmed it, or git changed."""
    held, confirmed = link.held, lets_pass(link, commit)
    link.held, link.confirmed_commit = None, ""
    if held is not None and not confirmed:
        message = f"git changed, and the hold ended ({held['reason']}); syncs go on."
        log.record(
            log.Kind.RECOVERED,
            message,
            git_repo=str(link.pk),
            details={"reason": held["reason"], "commit": commit},
        )
