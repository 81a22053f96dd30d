"""The only writer of requests: ask, confirm, refuse, withdraw, break the glass.

Whoever decides one locks its row first, and then what the change locks; whoever holds those locks
adds rows and locks none. So nobody waits in a ring.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from access import people
from access.bearers import Bearer
from access.people import Person
from configurations.models import ChangeRequest
from configurations.publish import publish
from configurations.requests import kinds, rule
from configurations.requests.guard import Change, Passage, ProbedError, VoidError, passing
from configurations.requests.kinds import Caller
from configurations.requests.rule import Committers
from events import audit, log
from keeptrusts.api.errors import ConflictError, LastingError, NotFoundError, RefusedError
from keeptrusts.judge.asking import Asker

State = ChangeRequest.State

LIFE = timedelta(days=7)
_MOST_WAITING = 50
_AUDITED = ("kind", "reason", "shows", "state")


def ask(
    kind: str, target: str, change: Mapping[str, Any], *, reason: str, by: Bearer
) -> Callable[[], int]:
    """Ask for a change, which is checked here; the call returned tries it, and writes the request.

    That call returns the request's number.

    Raises:
        ApiError: the change cannot be made, whoever confirms it; as its own endpoint answers.
        ConflictError: it needs no second person (`not_guarded`), or too many wait (`too_many`).
    """
    wanted, caller = kinds.named(kind), _caller(by)
    apply = wanted.prepare(target, change, caller)
    weakens = wanted.weakens(target, change, caller) if wanted.weakens else None
    details = {"weakens": weakens} if weakens is not None else {}

    def write() -> int:
        return _ask(target, apply, details, change, reason, by)

    return write


def _ask(
    target: str,
    apply: Callable[[], object],
    details: Mapping[str, Any],
    change: Mapping[str, Any],
    reason: str,
    by: Bearer,
) -> int:
    with transaction.atomic():
        waiting = ChangeRequest.objects.filter(
            target=target, state=State.WAITING, broken=None, expires_at__gt=timezone.now()
        )
        if waiting.count() >= _MOST_WAITING:
            message = f"{_MOST_WAITING} requests for {target!r} wait already; decide those first."
            raise ConflictError("too_many", message)
        row = _made(_tried(apply), details, reason, by.kind, by.id, by.name, change=change)
        row.save(force_insert=True)
        audit.record("request.asked", row.target, after=_entry(row))
        message = f"{by.name} asks for {row.kind} of {target}: {reason}"
        _tell(log.Kind.CHANGE_REQUESTED, row, message)
        return row.pk


def held(change: Change, *, author: str) -> None:
    """Have a held commit ask for its confirmation, in the sync's transaction."""
    row = _made(change, {}, "", "commit", "", author, change={"commit": change.shows["commit"]})
    row.expires_at = None  # It waits for as long as the commit is held.
    row.save(force_insert=True)


def break_glass(
    kind: str, target: str, change: Mapping[str, Any], *, reason: str, by: Bearer
) -> Callable[[], int]:
    """Make a change at once and alone, which is checked here and made by the call returned.

    That call returns the number of the request that it leaves behind.

    Raises:
        ApiError: the change cannot be made, as its own endpoint answers.
        ConflictError: it needs no second person (`not_guarded`).
    """
    apply = kinds.named(kind).prepare(target, change, _caller(by))
    return lambda: _break_glass(apply, reason, by)


def _break_glass(apply: Callable[[], object], reason: str, by: Bearer) -> int:
    with transaction.atomic():
        with passing(Passage()) as passage:
            apply()
        if passage.passed is None:
            raise _not_guarded()
        publish()  # Lists of configurations say so.
        row = _made(passage.passed, {}, reason, by.kind, by.id, by.name, change={})
        row.broken, row.expires_at = row.created_at, None
        row.save(force_insert=True)
        audit.record("glass.broken", row.target, after=_entry(row))
        _tell(log.Kind.BREAK_GLASS, row, f"{by.name} passed four eyes alone: {reason}")
        return row.pk


def confirm(number: int, shown: Mapping[str, str], *, by: Bearer) -> Callable[[], None]:
    """Confirm a request as it was shown; the call returned makes its change, in one transaction.

    Raises:
        ApiError: the change cannot be made any more, as its own endpoint answers.
        ConflictError: it is over (`request_over`), or what was shown is not what was asked for
            (`not_what_was_shown`).
        LastingError: it is void (`request_void`), which is noted.
        NotFoundError: there is none with this number.
        RefusedError: 403, the bearer cannot be the second person; the code says why.
    """
    row = found(number)
    asked = "" if row.asker_kind == "commit" else f" (asked by {row.asker_name})"
    caller = Caller(f"{by.name}{asked}", Asker(by.id))
    apply = None
    if row.broken is None and row.state == State.WAITING:
        apply = kinds.named(row.kind).prepare(row.target, json.loads(row.change), caller)

    def write() -> None:
        try:
            _confirm(number, shown, apply, by)
        except VoidError as exc:
            _void(number)
            message = "What this is about has changed since; look at it, and ask anew."
            raise LastingError("request_void", message) from exc

    return write


def refuse(number: int, *, reason: str, by: Bearer) -> None:
    """Refuse a request: it is over.

    Raises:
        ConflictError: it is over (`request_over`), or its change was made (`glass_is_broken`).
        NotFoundError: there is none with this number.
    """
    _end(number, State.REFUSED, "request.refused", by, reason=reason)


def withdraw(number: int, *, by: Bearer) -> None:
    """Take back a request of one's own.

    Raises:
        ConflictError: it is over (`request_over`), or its change was made (`glass_is_broken`).
        NotFoundError: there is none with this number.
        RefusedError: 403, somebody else asked for it (`not_the_asker`).
    """
    _end(number, State.WITHDRAWN, "request.withdrawn", by, asked=True)


def found(number: int) -> ChangeRequest:
    """The row of a request.

    Raises:
        NotFoundError: there is none with this number.
    """
    row = ChangeRequest.objects.filter(pk=number).first()
    if row is None:
        raise NotFoundError("request with this number")
    return row


def hold(number: int) -> None:
    """Lock the row of a request until the transaction ends, as whoever decides it does first."""
    ChangeRequest.objects.select_for_update().filter(pk=number).first()


def hold_waiting(kind: str, target: str) -> None:
    """As `hold`, those of a kind and target that wait."""
    rows = ChangeRequest.objects.filter(kind=kind, target=target, state=State.WAITING)
    list(rows.select_for_update().order_by("pk").values_list("pk"))


def waiting_for(kind: str, target: str, shown: Mapping[str, str], *, by: Bearer) -> int | None:
    """The number of a request that waits and shows exactly this; None without one.

    It is the newest that the bearer may confirm, else the newest.
    """
    rows = ChangeRequest.objects.filter(
        kind=kind, target=target, state=State.WAITING, broken=None
    ).order_by("-pk")
    standings = kinds.named(kind).standings
    upon = standings([target]).get(target) if standings else None
    same = [row for row in rows if row.shows == shown and row.upon == upon and not _is_late(row)]
    return next((row.pk for row in same if not objection(row, by)), same[0].pk if same else None)


def objection(row: ChangeRequest, by: Bearer) -> str:
    """Why a bearer may not confirm a request, a key of `rule.OBJECTIONS`; else empty."""
    known = row.details.get("people") or {}
    commit = Committers(
        frozenset(known.get("addresses", ())),
        frozenset(known.get("keys", ())),
        bool(known.get("by_key_alone")),
        bool(known.get("is_whole")),
    )
    is_known = bool(commit.addresses or commit.keys)
    # A pipeline says no more of a commit than the commit does: who pushed it may have started it.
    is_of_commit = row.kind == "git_repo.confirm" and row.asker_kind not in people.HUMAN
    asker = None if is_of_commit else people.of(row.asker_kind, row.asker_id)
    return rule.may_confirm(asker, _person(by), commit if is_known else None)


def _confirm(number: int, shown: Mapping[str, str], apply: Any, by: Bearer) -> None:
    with transaction.atomic():
        row = _locked(number)
        if row.shows != dict(shown):
            said = json.dumps(row.shows)
            message = f"This request shows {said}; look at that, then confirm exactly that."
            raise ConflictError("not_what_was_shown", message)
        if why := objection(row, by):
            raise RefusedError(403, why, rule.OBJECTIONS[why])
        if row.broken is not None or apply is None:
            publish()
        else:
            allowed = Change(row.kind, row.target, row.upon, row.shows)
            with passing(Passage(allowed)) as passage:
                apply()
            if passage.passed is None:
                raise VoidError(row.kind)
        _decide(row, State.CONFIRMED, "request.confirmed", by)


def _tried(apply: Any) -> Change:
    """The guarded change that a writer would make."""
    try:
        with passing(Passage(probes=True)), transaction.atomic():
            apply()
            raise _not_guarded()
    except ProbedError as probed:
        return probed.change


def _not_guarded() -> ConflictError:
    message = "This needs no second person: send it to its own endpoint."
    return ConflictError("not_guarded", message)


def _end(
    number: int, state: State, action: str, by: Bearer, *, reason: str = "", asked: bool = False
) -> None:
    with transaction.atomic():
        row = _locked(number)
        if row.broken is not None:
            message = "Its change was made; somebody else confirms it, also once it is back."
            raise ConflictError("glass_is_broken", message)
        if asked and (row.asker_kind, row.asker_id) != (by.kind, by.id):
            raise RefusedError(403, "not_the_asker", "Only who asked may withdraw; refuse it.")
        _decide(row, state, action, by, reason=reason)


def _void(number: int) -> None:
    """Note that a request is void, unless somebody decided it meanwhile."""
    with transaction.atomic():
        row = ChangeRequest.objects.select_for_update().get(pk=number)
        if row.state == State.WAITING:
            row.state, row.change, row.decided_at = State.VOID, "{}", timezone.now()
            row.save(force_update=True)
            audit.record("request.voided", row.target, after=_entry(row))


def _decide(row: ChangeRequest, state: State, action: str, by: Bearer, *, reason: str = "") -> None:
    row.state, row.change, row.decided_at = state, "{}", timezone.now()
    row.decider_kind, row.decider_id, row.decider_name = by.kind, by.id, by.name
    row.save(force_update=True)
    after = _entry(row)
    if reason:
        after["refused_for"] = reason
    audit.record(action, row.target, after=after)


def _locked(number: int) -> ChangeRequest:
    """The row of a request that waits, locked."""
    row = ChangeRequest.objects.select_for_update().filter(pk=number).first()
    if row is None:
        raise NotFoundError("request with this number")
    if row.state != State.WAITING or _is_late(row):
        state = "expired" if row.state == State.WAITING else row.state
        raise ConflictError("request_over", f"This request is {state}; ask anew.")
    return row


def _is_late(row: ChangeRequest) -> bool:
    return row.expires_at is not None and row.expires_at <= timezone.now()


def _made(
    guarded: Change,
    details: Mapping[str, Any],
    reason: str,
    kind: str,
    identity: str,
    name: str,
    *,
    change: Mapping[str, Any],
) -> ChangeRequest:
    now = timezone.now()
    return ChangeRequest(
        kind=guarded.kind, target=guarded.target, upon=guarded.upon, shows=dict(guarded.shows),
        details={**guarded.details, **details}, change=json.dumps(change), reason=reason,
        asker_kind=kind, asker_id=identity, asker_name=name[:500], created_at=now,
        expires_at=now + LIFE,
    )  # fmt: skip


def _entry(row: ChangeRequest) -> dict[str, Any]:
    """What the audit log has of a request, under the id of what it changes."""
    return {"request": row.pk, "asker": row.asker_name, **audit.fields(row, _AUDITED)}


def _tell(kind: log.Kind, row: ChangeRequest, message: str) -> None:
    family, _, _ = row.kind.partition(".")
    about = {"git_repo": "git_repo", "configuration": "configuration"}.get(family)
    where = {about: row.target} if about else {}
    details = {"request": row.pk, "kind": row.kind, "actor": row.asker_name, "reason": row.reason}
    log.record(kind, message, details=details, **where)


def _person(by: Bearer) -> Person:
    return people.of(by.kind, by.id, by.name)


def _caller(by: Bearer) -> Caller:
    return Caller(by.name, Asker(by.id))
