"""Gateways, their tokens and what they are bound to; `reissues` alone writes `Gateway` too."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from configurations.publish import publish
from events import audit, log
from evidence import log as evidence
from gateways.models import Binding, Gateway
from gateways.registry import departures, keylists, leaves, tokens
from gateways.registry.selectors import SelectorRule, bind
from keeptrusts import counters
from keeptrusts.api.errors import ConflictError, NotFoundError
from keeptrusts.messaging import hints

_PREVIOUS_TOKEN = timedelta(hours=24)
_AT_ONCE = 500
_MOST_REMEMBERED = 100
_AUDITED = ("name", "labels", "configuration_id", "bound_id", "client_keys", "enrolled_by_id")
_BOUND_FIELDS = ["bound", "bound_before", "ambiguous", "bound_seq", "bound_at", "changed_seq"]


def register(gateway_id: str, *, fields: Mapping[str, Any]) -> tuple[Gateway, str]:
    """Add a gateway. The second value is its token, which is not stored.

    `fields` are `name`, `labels`, `configuration_id`, perhaps `client_keys` and `enrolled_by`. The
    id of a deleted gateway that was released may be used again; its statements are then newer than
    all before.

    Raises:
        ConflictError: the id is taken (`id_taken`), was that of a deleted gateway (`id_reserved`),
            or its list of client keys gets too large.
    """
    with transaction.atomic():
        seq, count = publish(), count_change()
        row = Gateway.objects.filter(pk=gateway_id).first()
        if row is not None:
            _check_free(row)
            row.delete()  # With its reports: the new one is another gateway.
        now = timezone.now()
        text, digest = tokens.gateway_token()
        row = Gateway(pk=gateway_id, digest=digest, created_at=now, **fields)
        _rebind([row], seq)
        _rekey(row, count)
        after, facts = audit.fields(row, _AUDITED), leaves.of([row], {})
        audit.record("gateway.registered", row.pk, after=after, facts=facts)
        return row, text


def _check_free(row: Gateway) -> None:
    if row.deleted_at is None:
        raise ConflictError("id_taken", f"The id {row.pk!r} is taken; choose another.")
    if row.released_at is None:
        raise ConflictError(
            "id_reserved",
            f"The id {row.pk!r} was that of a deleted gateway; choose another, or release it:"
            f" POST /v1/gateways/{row.pk}/release.",
        )


def release(gateway_id: str) -> None:
    """Let the id of a deleted gateway be taken by another; doing it twice changes nothing.

    Raises:
        ConflictError: the gateway is there (`id_taken`).
        NotFoundError: no gateway ever had this id.
    """
    with transaction.atomic():
        count_change()
        row = Gateway.objects.select_for_update(of=("self",)).filter(pk=gateway_id).first()
        if row is None:
            raise NotFoundError(f"gateway {gateway_id!r}")
        if row.deleted_at is None:
            message = f"The gateway {gateway_id!r} is there; delete it before its id is released."
            raise ConflictError("id_taken", message)
        if row.released_at is None:
            row.released_at = timezone.now()
            row.save(update_fields=["released_at"])
            audit.record("gateway.released", row.pk)


def edit(gateway_id: str, *, fields: Mapping[str, Any], actor: str = "") -> Gateway:
    """Change `name`, `labels`, `configuration_id` or `client_keys`; bind the gateway anew.

    Raises:
        ConflictError: its list of client keys gets too large (`client_keys_too_large`), or it
            leaves a configuration under four eyes (`second_person_needed`).
        NotFoundError: there is no such gateway.
    """
    with transaction.atomic():
        seq, count = publish(), count_change()
        row = _found(gateway_id)
        before = audit.fields(row, _AUDITED)
        for name, value in fields.items():
            setattr(row, name, value)
        _rebind([row], seq)
        kind = "gateway.bind" if set(fields) == {"configuration_id"} else "gateway.edit"
        departures.demand(kind, row.pk, [row], {row.pk: before["bound_id"]}, dict(fields))
        _rekey(row, count)
        after, facts = audit.fields(row, _AUDITED), leaves.of([row], {row.pk: before["bound_id"]})
        audit.record("gateway.edited", row.pk, before=before, after=after, facts=facts)
        if row.client_keys != before["client_keys"]:
            _tell_switched(row, actor)
        return row


def rotate_token(gateway_id: str) -> tuple[Gateway, str]:
    """Make a new token. The old one is valid until the new one is used, at most for a day.

    Raises:
        NotFoundError: there is no such gateway.
    """
    with transaction.atomic():
        count = count_change()
        row = _found(gateway_id)
        text, digest = tokens.gateway_token()
        row.previous_digest, row.digest = row.digest, digest
        row.previous_until = timezone.now() + _PREVIOUS_TOKEN
        _save(row, count)
        after = {"previous_until": row.previous_until}
        audit.record("gateway.token_rotated", row.pk, after=after)
        return row, text


def retire_previous_token(gateway_id: str) -> None:
    """End the token before the last rotation, once the new one was used."""
    with transaction.atomic():
        count = count_change()
        Gateway.objects.filter(pk=gateway_id).update(
            previous_digest="", previous_until=None, changed_seq=count
        )


def delete(gateway_id: str) -> Gateway:
    """Mark a gateway as deleted: its tokens are invalid, and nothing binds it.

    Raises:
        NotFoundError: there is no such gateway.
    """
    with transaction.atomic():
        publish()  # An archived configuration is listed for as long as it is bound.
        count = count_change()
        row = _found(gateway_id)
        _delete(row, count)
        keylists.forget_unused()
        return row


def delete_enrolled(token_id: UUID) -> list[str]:
    """Delete all gateways that one enrolment token made; returns their ids.

    Called in the transaction that revokes it, after `publish`.
    """
    count = count_change()
    rows = list(Gateway.objects.filter(enrolled_by=token_id, deleted_at=None).order_by("pk"))
    for row in rows:
        _delete(row, count)
    keylists.forget_unused()
    return [row.pk for row in rows]


def _delete(row: Gateway, count: int) -> None:
    before = audit.fields(row, _AUDITED)
    row.deleted_at = timezone.now()
    row.configuration = None
    left = {row.pk: row.bound_id}
    _bind(row, None)
    audit.record("gateway.deleted", row.pk, before=before, facts=leaves.of([row], left))
    row.ambiguous = False
    row.keys_hash = ""
    _save(row, count)


def configurations(gateway_id: str) -> set[str]:
    """The ids of the configurations that a gateway is or was bound to."""
    row = Gateway.objects.filter(pk=gateway_id).values_list("bound_id", "bound_before").first()
    bound, before = row or (None, [])
    return {*(before or ()), *filter(None, [bound])}


def rekey_all(count: int) -> list[str]:
    """Give every gateway its list of client keys anew, after keys changed.

    Called in the transaction that changes them, with the number from its `count_change`. Returns
    the ids of the gateways that ask for keys from now on.
    """
    rows = list(Gateway.objects.filter(deleted_at=None).order_by("pk"))
    open_before = {row.pk for row in rows if not row.client_keys}
    changed = keylists.renew(rows, count)
    _write_keys(changed, count)
    keylists.forget_unused()
    return [row.pk for row in changed if row.pk in open_before]


def _write_keys(rows: Iterable[Gateway], count: int) -> None:
    """Write the lists of many gateways, a statement for some hundreds that have the same."""
    same: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        same.setdefault((row.client_keys, row.keys_hash), []).append(row.pk)
    for (setting, content_hash), ids in same.items():
        for at in range(0, len(ids), _AT_ONCE):
            Gateway.objects.filter(pk__in=ids[at : at + _AT_ONCE]).update(
                client_keys=setting, keys_hash=content_hash, keys_seq=count, changed_seq=count
            )


def _rekey(row: Gateway, count: int) -> None:
    """Give a gateway its list of client keys, and write it."""
    is_changed = bool(keylists.renew([row], count))
    _save(row, count)
    if is_changed:
        keylists.forget_unused()


def _tell_switched(row: Gateway, actor: str) -> None:
    message = f"Gateway {row.pk}: client keys are {row.client_keys}, by {actor}."
    details = {"actor": actor, "gateway": row.pk, "client_keys": row.client_keys}
    log.record(log.Kind.CLIENT_KEYS_SWITCHED, message, details=details)


def move(before: str, after: str, seq: int) -> tuple[str, ...]:
    """Bind to `after` every gateway that is bound to `before`; returns their ids.

    Called in the transaction that moves the selectors, with the sequence from its `publish`.
    """
    concerned = Q(bound=before) | Q(configuration=before)
    rows = list(Gateway.objects.filter(concerned, deleted_at=None).order_by("pk"))
    count, now = (count_change() if rows else 0), timezone.now()
    left = {row.pk: row.bound_id for row in rows}
    for row in rows:
        if row.configuration_id == before:
            row.configuration_id = after
        if row.bound_id == before:  # Before selectors are asked: an ambiguous one keeps it.
            _bind(row, after)
            row.bound_seq, row.bound_at = seq, now
        row.changed_seq, row.updated_at = count, now
    _rebind(rows, seq)
    Gateway.objects.bulk_update(rows, [*_BOUND_FIELDS, "configuration", "updated_at"], 500)
    evidence.append(leaves.of(rows, left))
    return tuple(row.pk for row in rows)


def rebind_all(seq: int, *, kind: str, target: str, selector: Mapping[str, str]) -> None:
    """Bind every gateway anew, after a selector changed.

    Called in the transaction that changes it, with the sequence from its `publish`; `kind` and
    `target` are of a request for that.

    Raises:
        ConflictError: a gateway leaves a configuration under four eyes (`second_person_needed`).
    """
    rows = list(Gateway.objects.filter(deleted_at=None, configuration=None))
    before = {row.pk: row.bound_id for row in rows}
    changed = _rebind(rows, seq)
    departures.demand(kind, target, changed, before, dict(selector))
    if changed:
        count = count_change()
        for row in changed:
            row.changed_seq = count
        Gateway.objects.bulk_update(changed, _BOUND_FIELDS, batch_size=500)
        evidence.append(leaves.of(changed, before))


def _rebind(rows: Iterable[Gateway], seq: int) -> list[Gateway]:
    """Bind each row anew, and return those that changed."""
    selectors = Binding.objects.values_list("configuration_id", "selector")
    rules = [SelectorRule(configuration, selector) for configuration, selector in selectors]
    return [row for row in rows if _rebound(row, rules, seq)]


def _rebound(row: Gateway, rules: Iterable[SelectorRule], seq: int) -> bool:
    named = row.configuration_id
    bound = bind(rules, named=named, labels=row.labels, before=row.bound_id)
    before = (row.bound_id, row.ambiguous)
    if bound.configuration != row.bound_id:
        _bind(row, bound.configuration)
        row.bound_seq, row.bound_at = seq, timezone.now()
    row.ambiguous = bound.ambiguous
    return before != (row.bound_id, row.ambiguous)


def _bind(row: Gateway, configuration_id: str | None) -> None:
    """Bind a row, and remember what it was bound to."""
    before = row.bound_id
    past = row.bound_before or []
    if before is not None and before not in past:
        row.bound_before = [*past, before][-_MOST_REMEMBERED:]
    row.bound_id = configuration_id


def count_change(*, above: int = 0) -> int:
    """Count a change of gateways or client keys; returns its number, which is above `above`.

    Must be called before rows of either are read: writers of keys and of gateways then follow one
    another, and none writes back what another changed meanwhile.
    """
    hints.announce_on_commit()
    return counters.bump(Gateway.COUNTER, above=above)


def _save(row: Gateway, count: int) -> None:
    row.changed_seq = count
    row.updated_at = timezone.now()
    row.save()


def _found(gateway_id: str) -> Gateway:
    rows = Gateway.objects.select_for_update(of=("self",))
    row = rows.filter(pk=gateway_id, deleted_at=None).first()
    if row is None:
        raise NotFoundError(f"gateway {gateway_id!r}")
    return row
