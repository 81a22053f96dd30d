"""The audit log: who changed what, and how. Its only writer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils import timezone

from events.models import AuditEntry
from evidence import audited, log
from evidence.log import Fact
from keeptrusts import times
from keeptrusts.api import acting
from keeptrusts.database import insert
from keeptrusts.messaging import hints
from keeptrusts.observed import traces

Fields = Mapping[str, Any]

# Every change that is recorded, with what it is.
ACTIONS: Mapping[str, str] = {
    "token.created": "a token was made",
    "token.edited": "name, note, end or holder of a token was changed",
    "token.rotated": "a token got a new text",
    "token.revoked": "a token was revoked",
    "session.begun": "somebody signed in to the console, with a token or by a provider",
    "session.refused": "somebody whom no rule lets in wanted to sign in by a provider",
    "session.ended": "somebody signed out of the console",
    "trust.created": "a trust was made",
    "trust.edited": "a trust was changed",
    "trust.deleted": "a trust was deleted",
    "sign_in_rule.created": "a rule of sign-in was made",
    "sign_in_rule.edited": "a rule of sign-in was changed",
    "sign_in_rule.deleted": "a rule of sign-in was deleted",
    "configuration.created": "a configuration was made by the API",
    "configuration.edited": "a configuration was changed by the API, or put back in force",
    "configuration.archived": "a configuration was taken out of force",
    "configuration.rolled_back": "the content of an earlier version was made the next one",
    "configuration.published": "a merged file came into force as a version",
    "configuration.adopted": "a link took over a configuration that has its content",
    "configuration.orphaned": "the link that fed a configuration was removed",
    "configuration.pinned": "a version was pinned",
    "configuration.unpinned": "a pin was released, or expired",
    "request.asked": "somebody asked for a change under four eyes",
    "request.confirmed": "another person confirmed what was asked for, or a break of glass",
    "request.refused": "what was asked for was refused",
    "request.withdrawn": "who asked for a change took it back",
    "request.voided": "what a request was about had changed before it was confirmed",
    "glass.broken": "an admin passed four eyes alone, with a reason",
    "git_repo.linked": "a repository was linked",
    "git_repo.edited": "a link was changed",
    "git_repo.sync_requested": "somebody asked for a sync",
    "git_repo.confirmed": "a held commit was confirmed",
    "git_repo.removed": "a link was removed",
    "git_credential.created": "a git credential was stored",
    "git_credential.edited": "a git credential was changed",
    "git_repo.commit_status_chosen": "by which credential a link's commits are told was chosen",
    "git_credential.deleted": "a git credential was deleted",
    "forge_credential.created": "a credential of a forge's API was stored",
    "forge_credential.edited": "a credential of a forge's API was changed",
    "forge_credential.deleted": "a credential of a forge's API was deleted",
    "gateway.registered": "a gateway was registered, or enrolled itself",
    "gateway.edited": "a gateway was changed, or bound",
    "gateway.token_rotated": "a gateway got a new token",
    "gateway.deleted": "a gateway was deleted",
    "gateway.reissued": "a gateway was told its policy and client keys again",
    "gateway.released": "the id of a deleted gateway was released",
    "gateway_binding.created": "a selector was made",
    "gateway_binding.deleted": "a selector was removed",
    "enrolment_token.created": "an enrolment token was made",
    "enrolment_token.revoked": "an enrolment token was revoked",
    "client_key.created": "a client key was made",
    "client_key.edited": "a client key was changed",
    "client_key.rotated": "a client key got a new text",
    "client_key.previous_ended": "the text of a client key before its rotation was ended",
    "client_key.revoked": "a client key was revoked",
    "notification_endpoint.created": "a notification endpoint was made",
    "notification_endpoint.edited": "a notification endpoint was changed",
    "notification_endpoint.secret_rotated": "a notification endpoint got a new secret",
    "notification_endpoint.tested": "a test was sent to a notification endpoint",
    "notification_endpoint.replayed": "notifications were sent to an endpoint again",
    "notification_endpoint.deleted": "a notification endpoint was deleted",
    "signing_key.rotated": "the key that signs statements was replaced",
    "evidence.erased": "values that evidence commits to were erased",
}  # fmt: skip


def record(
    action: str,
    target: object,
    *,
    before: Fields | None = None,
    after: Fields | None = None,
    facts: Iterable[Fact] = (),
) -> None:
    """Add one entry, and its leaf of evidence, in the transaction of the change.

    Both tell who acts now. `before` and `after` have fields by name, never a secret; of a change
    with both, those that differ are kept. `facts` are what the change makes true besides.
    """
    record_all(action, [(str(target), before, after)], facts=facts)


def record_all(
    action: str,
    changes: Iterable[tuple[str, Fields | None, Fields | None]],
    *,
    facts: Iterable[Fact] = (),
    beside: Sequence[Model] = (),
) -> None:
    """Add an entry for each of many changes: target, before and after; as `record` does.

    The rows `beside`, of one model, are inserted by the same statement.
    """
    assert action in ACTIONS
    now, actor = timezone.now(), acting.current()
    rows, told = [], list(facts)
    who = {"kind": actor.kind, "id": actor.id, "name": actor.name}
    for target, before, after in changes:
        old, new = _plain(before), _plain(after)
        if old is not None and new is not None:
            differ = {name for name in old | new if old.get(name) != new.get(name)}
            old = {name: value for name, value in old.items() if name in differ}
            new = {name: value for name, value in new.items() if name in differ}
        rows.append(
            AuditEntry(
                at=now, action=action, target=target, before=old, after=new,
                actor_kind=actor.kind, actor_id=actor.id, actor_name=actor.name,
                trace_id=traces.current_id(),
            )
        )  # fmt: skip
        told.append(Fact("audit", audited.facts(action, target, old, new, who)))
    # While whoever calls holds up other writers each trip is one for them too.
    insert(beside, rows, *log.rows(told, at=now))
    hints.announce_on_commit()


def fields(row: object, names: Iterable[str]) -> Fields:
    """The values of a row's columns, by name."""
    return {name: getattr(row, name) for name in names}


def _plain(values: Fields | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: _shown(value) for name, value in values.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return times.exact(value)
    return str(value) if isinstance(value, UUID) else value
