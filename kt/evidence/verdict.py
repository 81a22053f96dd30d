"""The verdict upon a file of evidence: what stood at a time, and whether it is proven."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kt.evidence import leaves, notes, proofs
from kt.evidence.notes import Note, Verifier
from kt.evidence.proofs import Evidence, ProvenLeaf

_IDENTITY = ("configuration", "version", "content_hash")
# Of two clocks that are looked after.
_MOST_SKEW_SECONDS = 300
_CONFIRMING = ("request.confirmed", "git_repo.confirmed", "glass.broken")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Five lines for people, and whether all of it is proven against the log's operator."""

    lines: Sequence[str]
    is_proven: bool


def judge(
    data: bytes,
    *,
    witnesses: Sequence[Verifier] = (),
    checkpoint: Note | None = None,
    now: float | None = None,
) -> Verdict:
    """Verify a file: by the witnesses, each of which must have signed, or by a checkpoint of old.

    A witness that signed later than `now`, in seconds since 1970, is not believed; without it the
    reader has no clock.

    Raises:
        ProofError: something in it is not as it should be.
    """
    evidence = proofs.read(data, witnesses=witnesses)
    if checkpoint is not None:
        proofs.held(evidence, checkpoint)
    doubt = _doubt(evidence, witnesses, checkpoint) or _untimely(evidence, now)
    outcome = f"NOT PROVEN: {doubt}" if doubt else f"proven, {_seen(evidence, checkpoint)}"
    return Verdict([*told(evidence), f"{_standing(evidence)}; {outcome}"], not doubt)


def told(evidence: Evidence) -> list[str]:
    """What stood at the time, where it came from, and who approved it."""
    at = evidence.question["at"]
    known = [one for one in evidence.entries if one.leaf.at <= at]
    gateway = evidence.question.get("gateway")
    if gateway is None:
        version = _last(known, "version", "configuration", evidence.question["configuration"])
        first = f"{evidence.question['configuration']} at {at}: {_named(version)} was in force"
        second = f"in force since {version.leaf.at}" if version else "nothing was in force"
    else:
        report = _last(known, "report", "gateway", gateway)
        version = _running(known, report)
        first = f"{gateway} at {at}: ran {_said(report)}"
        second = _desired(known, gateway)
    return [first, second, _origin(version, known), _approved(version, known)]


def _running(known: Sequence[ProvenLeaf], report: ProvenLeaf | None) -> ProvenLeaf | None:
    """The version that a gateway reported, by number and by content."""
    if report is None:
        return None
    wanted = {name: report.leaf.facts.get(name) for name in _IDENTITY}
    return next(
        (
            one
            for one in known
            if one.leaf.kind == "version"
            and {name: one.leaf.facts.get(name) for name in _IDENTITY} == wanted
        ),
        None,
    )


def _said(report: ProvenLeaf | None) -> str:
    if report is None:
        return "nothing of which a report is shown"
    if "content_hash" not in report.leaf.facts:
        return f"nothing, by its own report of {report.leaf.at}"
    return f"{_named(report)}, by its own report of {report.leaf.at}"


def _named(one: ProvenLeaf | None) -> str:
    if one is None:
        return "nothing"
    words = f"{one.told('configuration')} version {one.told('version')}"
    return f"{words}, sha256 {one.told('content_hash')}"


def _desired(known: Sequence[ProvenLeaf], gateway: str) -> str:
    bound = _last(known, "bound", "gateway", gateway)
    configuration = bound.told("configuration") if bound else ""
    if not configuration:
        return "desired: nothing; it was bound to no configuration"
    version = _last(known, "version", "configuration", configuration)
    handed = _last(known, "handed", "gateway", gateway)
    words = f"desired: {_named(version)}"
    if handed is None:
        return f"{words}; nothing was noted as handed out"
    return f"{words}; handed out: sha256 {handed.told('content_hash')} at {handed.leaf.at}"


def _origin(version: ProvenLeaf | None, known: Sequence[ProvenLeaf]) -> str:
    if version is None:
        return "from: no version that the log tells of"
    rules = version.told("rules")
    tested = f"; own tests passed under rules {rules}" if version.told("own_tests") else ""
    if commit := version.told("commit"):
        words = f"from commit {commit} of {version.told('repo_url')}, blob {version.told('blob')}"
        by = version.told("signer_key")
        return (
            f"{words}, "
            + (f"signed by {version.told('signer') or 'a key'} ({by})" if by else "not signed")
            + tested
        )
    changes = _changes(version, known)
    made = [one for one in changes if one.told("action") not in _CONFIRMING]
    who = _person(made[-1]) if made else version.told("actor")
    askers = [name for one in changes if (name := one.told("after.asker"))]
    asked = f", asked for by {askers[-1]}" if askers else ""
    return f"from the API, by {who}{asked}{tested}"


def _approved(version: ProvenLeaf | None, known: Sequence[ProvenLeaf]) -> str:
    if version is None:
        return "approved: nothing to approve"
    words = []
    for one in _changes(version, known):
        if (action := one.told("action")) in _CONFIRMING:
            how = "broke the glass" if action == "glass.broken" else "approved"
            request = f" in request {number}" if (number := one.told("request")) else ""
            words.append(f"{how}: {_person(one)}{request} at {one.leaf.at}")
    return "; ".join(words) or "approved: by nobody else"


def _changes(version: ProvenLeaf, known: Sequence[ProvenLeaf]) -> list[ProvenLeaf]:
    facts = version.leaf.facts
    return sorted(
        (one for one in known if leaves.concerns(one.leaf, facts)), key=lambda one: one.leaf.at
    )


def _person(one: ProvenLeaf) -> str:
    identity = one.told("actor") or "no id"
    return f"{one.told('actor_name') or one.told('actor_kind')} ({identity})"


def _last(known: Iterable[ProvenLeaf], kind: str, name: str, value: str) -> ProvenLeaf | None:
    rows = [one for one in known if one.leaf.kind == kind and one.leaf.facts.get(name) == value]
    return max(rows, key=lambda one: (one.leaf.at, one.place), default=None)


def _standing(evidence: Evidence) -> str:
    sizes = ", ".join(
        f"{tree.checkpoint.origin} at {tree.checkpoint.size}" for tree in evidence.trees
    )
    words = f"{len(evidence.entries)} entries of {sizes}"
    is_whole = all(tree.is_whole for tree in evidence.trees)
    words += ", all of them read" if is_whole else ", as the file has chosen them"
    erased = sum(len(one.leaf.hidden) - len(one.values) for one in evidence.entries)
    if erased and not is_whole:
        words += f"; {erased} values erased"
    return words + "".join(_gap(one) for one in evidence.entries if one.leaf.kind == "epoch")


def _gap(one: ProvenLeaf) -> str:
    """A restored database, as a gap: what was sealed once and is not there any more."""
    known, held = one.told("known_size"), one.told("held_size")
    if not known:
        return ""
    lost = (
        f", entries {known} to {int(held) - 1} are lost" if held and int(held) > int(known) else ""
    )
    return f"; GAP: begun anew at {one.leaf.at} after {known} entries{lost}"


def _doubt(evidence: Evidence, witnesses: Sequence[Verifier], checkpoint: Note | None) -> str:
    """Why something in a file is its operator's word alone; empty where nothing is."""
    if not witnesses and checkpoint is None:
        return "no witness and no checkpoint was given to hold it against"
    for tree in evidence.trees:
        missing = [one.name for one in witnesses if one.name not in tree.seen]
        if missing:
            return f"{', '.join(missing)} signed no checkpoint at {tree.checkpoint.size}"
    if witnesses or checkpoint is None:
        return ""
    known = notes.checkpoint(checkpoint.body)
    for tree in evidence.trees:
        shown = [one for one in evidence.entries if one.place[0] == tree.epoch]
        if all(one.leaf.kind == "epoch" for one in shown):
            continue  # A gap is told against its operator, and is no fact about the question.
        newest = max(one.place[1] for one in shown)
        if tree.checkpoint.origin != known.origin:
            return f"{tree.checkpoint.origin} is another tree than that of the checkpoint held"
        if newest >= known.size:
            return f"entry {newest} is newer than the checkpoint that is held"
    return ""


def _untimely(evidence: Evidence, now: float | None) -> str:
    """Why a time cannot be: a witness bounds those of entries from above, and now its own."""
    for tree in evidence.trees:
        for name, at in tree.seen.items():
            if now is not None and at > now + _MOST_SKEW_SECONDS:
                return f"{name} signed at {_moment(at)}, which is yet to come"
            last = _moment(at + _MOST_SKEW_SECONDS)
            for one in evidence.entries:
                if one.place[0] == tree.epoch and one.leaf.at > last:
                    words = f"entry {one.place[1]} is of {one.leaf.at}"
                    return f"{words}, and {name} signed at {_moment(at)}, before that"
    return ""


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _seen(evidence: Evidence, checkpoint: Note | None) -> str:
    seen = {name: at for tree in evidence.trees for name, at in tree.seen.items()}
    if not seen:
        size = notes.checkpoint(checkpoint.body).size if checkpoint else 0
        return f"by the checkpoint at {size} that is held"
    return "seen by " + ", ".join(f"{name} at {_moment(at)}" for name, at in seen.items())
