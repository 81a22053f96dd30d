"""Client keys that gateways ask for: the only writer of `ClientKey`.

Every change counts as one of gateways, first of all: a key and a gateway that come at the same
time follow one another, and the later one sees the other.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from access.tokens import digest
from events import audit, log
from gateways.models import ClientKey, Gateway
from gateways.registry import gateways, keylists
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError

_PREFIX = "ktc_"
_MOST_TOLD = 100
_AUDITED = (
    "model_globs", "rate_limit", "token_budget", "gateways", "selector", "revoked_at",
)  # fmt: skip
# A column whose name Django's own module of models would hide.
_SHOWN = {"model_globs": "models"}


def create(
    name: str, *, fields: Mapping[str, Any], sha256: str, actor: str
) -> tuple[ClientKey, str]:
    """Add a key. The second value is its text, "" where its `sha256` was given.

    `fields` are those of `ClientKey` from `model_globs` to `selector`. A revoked name may be used
    again.

    Raises:
        ConflictError: the name or the key is taken (`name_taken`, `key_taken`), or a gateway's
            list gets too large (`client_keys_too_large`).
        FieldError: it has both gateways and a selector.
    """
    text = "" if sha256 else _new_text()
    with transaction.atomic():
        count = gateways.count_change()
        before = ClientKey.objects.filter(pk=name).first()
        if before is not None and before.revoked_at is None:
            raise ConflictError("name_taken", f"There is a client key {name!r}; choose another.")
        now = timezone.now()
        row = ClientKey(pk=name, digest=sha256 or digest(text), created_at=now, **fields)
        _keep_scopes(row, before)
        _save(row, count, change="created", changed=(), actor=actor)
        return row, text


def edit(name: str, *, fields: Mapping[str, Any], actor: str) -> ClientKey:
    """Change what a key may do, or the gateways that it is for.

    Raises:
        ConflictError: a gateway's list gets too large (`client_keys_too_large`).
        FieldError: it would have both gateways and a selector.
        NotFoundError: no key that is not revoked has this name.
    """
    with transaction.atomic():
        count = gateways.count_change()
        before, row = _found(name), _found(name)
        for field, value in fields.items():
            setattr(row, field, value)
        _keep_scopes(row, before)
        _save(row, count, change="edited", changed=sorted(fields), actor=actor)
        return row


def rotate(name: str, *, sha256: str, actor: str) -> tuple[ClientKey, str]:
    """Replace a key by a new one; the one before is valid beside it until `end_previous`.

    Raises:
        ConflictError: the key is taken (`key_taken`), or a gateway's list gets too large.
        NotFoundError: no key that is not revoked has this name.
    """
    text = "" if sha256 else _new_text()
    with transaction.atomic():
        count = gateways.count_change()
        row = _found(name)
        row.previous_digest, row.digest = row.digest, sha256 or digest(text)
        _save(row, count, change="rotated", changed=(), actor=actor)
        return row, text


def end_previous(name: str, *, actor: str) -> ClientKey:
    """End the key before the last rotation; without one nothing changes.

    Raises:
        NotFoundError: no key that is not revoked has this name.
    """
    with transaction.atomic():
        count = gateways.count_change()
        row = _found(name)
        if row.previous_digest is not None:
            row.previous_digest = None
            _save(row, count, change="previous_ended", changed=(), actor=actor)
        return row


def revoke(name: str, *, actor: str) -> ClientKey:
    """Revoke a key for good; revoking twice changes nothing.

    Raises:
        NotFoundError: no key ever had this name.
    """
    with transaction.atomic():
        count = gateways.count_change()
        row = ClientKey.objects.filter(pk=name).first()
        if row is None:
            raise NotFoundError(f"client key {name!r}")
        if row.revoked_at is None:
            row.revoked_at = timezone.now()
            row.digest = row.previous_digest = None
            _save(row, count, change="revoked", changed=(), actor=actor)
        return row


def of_gateway(gateway_id: str) -> list[ClientKey]:
    """The keys that a gateway asks for, unless they are off there.

    Raises:
        NotFoundError: there is no such gateway.
    """
    gateway = Gateway.objects.filter(pk=gateway_id, deleted_at=None).first()
    if gateway is None:
        raise NotFoundError(f"gateway {gateway_id!r}")
    rows = ClientKey.objects.filter(revoked_at=None).order_by("pk")
    return [row for row in rows if keylists.scoped(row).concerns(gateway_id, gateway.labels)]


def _new_text() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _found(name: str) -> ClientKey:
    row = ClientKey.objects.filter(pk=name, revoked_at=None).first()
    if row is None:
        raise NotFoundError(f"client key {name!r} that is not revoked")
    return row


def _keep_scopes(row: ClientKey, before: ClientKey | None) -> None:
    """Let a row know for which gateways the key of its name ever was, each scope once."""
    if before is not None:
        scope, past = [before.gateways, before.selector], before.past_scopes or []
        is_known = scope in past or scope == [row.gateways, row.selector]
        row.past_scopes = past if is_known else [*past, scope]


def _save(row: ClientKey, count: int, *, change: str, changed: Sequence[str], actor: str) -> None:
    if row.gateways is not None and row.selector is not None:
        raise FieldError("selector", "must be null where gateways are named, or these null")
    _check_digest(row)
    row.updated_at = timezone.now()
    stored = ClientKey.objects.filter(pk=row.pk, revoked_at=None).first()
    before = audit.fields(stored, _AUDITED) if stored else None
    row.save()
    audit.record(f"client_key.{change}", row.name, before=before, after=audit.fields(row, _AUDITED))
    closed = gateways.rekey_all(count)
    details = {
        "actor": actor,
        "client_key": row.name,
        "change": change,
        "changed": [_SHOWN.get(one, one) for one in changed],
        "gateways_closed": closed[:_MOST_TOLD],
    }
    message = f"Client key {row.name}: {change.replace('_', ' ')} by {actor}."
    log.record(log.Kind.CLIENT_KEY_CHANGED, message, details=details)


def _check_digest(row: ClientKey) -> None:
    """A key has one name: limits go by it."""
    digests = [one for one in (row.digest, row.previous_digest) if one]
    taken = Q(digest__in=digests) | Q(previous_digest__in=digests)
    other = ClientKey.objects.filter(taken).exclude(pk=row.pk).first()
    if other is not None or len(set(digests)) < len(digests):
        name = other.name if other else row.name
        raise ConflictError(
            "key_taken", f"This is the key of {name!r} already; make another one.",
            details=[{"name": name}],
        )  # fmt: skip
