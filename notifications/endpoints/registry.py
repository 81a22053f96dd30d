"""Making, editing and deleting notification endpoints: the only writer of what is asked of them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from events import audit
from gitrepos.forge.addresses import BadURLError, api_schemes
from keeptrusts import counters
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError
from keeptrusts.sealing import SealError
from notifications.endpoints import addresses, secrets
from notifications.forms import webhook
from notifications.models import Endpoint

MOST_ENDPOINTS = 100
_AUDITED = (
    "name", "form", "place", "recipients", "kinds", "git_repos", "labels", "enabled",
)  # fmt: skip
_MAIL, _WEBHOOK = Endpoint.Form.MAIL, Endpoint.Form.WEBHOOK
_NEVER_FAILED: Mapping[str, Any] = {
    "failures": 0, "silent": 0, "failing_since": None, "told_at": None, "rests_until": None,
    "gone": False,
}  # fmt: skip


def create(fields: Mapping[str, Any]) -> tuple[Endpoint, str]:
    """Make an endpoint; returns it and the secret that signs, which is empty but for webhooks.

    Raises:
        ConflictError: its name is taken (`name_taken`), or `too_many_endpoints`.
        FieldError: its form wants other fields.
    """
    row = Endpoint(**_plain(fields), created_at=timezone.now())
    _check(row, fields)
    _place(row, fields)
    secret = webhook.new_secret() if row.form == _WEBHOOK else ""
    row.secret = secrets.sealed(row, "secret", secret)
    with transaction.atomic():
        counters.bump(Endpoint.COUNTER)
        _check_name(row.name)
        if Endpoint.objects.count() >= MOST_ENDPOINTS:
            message = f"There are {MOST_ENDPOINTS} notification endpoints; delete one first."
            raise ConflictError("too_many_endpoints", message)
        row.save(force_insert=True)
        audit.record("notification_endpoint.created", row.pk, after=audit.fields(row, _AUDITED))
    return row, secret


def edit(endpoint_id: UUID, fields: Mapping[str, Any]) -> None:
    """Change an endpoint. With another url, or enabled again, its past failures are forgotten.

    Raises:
        ConflictError: its new name is taken (`name_taken`).
        FieldError: its form wants other fields.
        NotFoundError: no endpoint has this id.
    """
    with transaction.atomic():
        row = _locked(endpoint_id)
        before = audit.fields(row, _AUDITED)
        if fields.get("name", row.name) != row.name:
            _check_name(fields["name"])
        was_enabled = row.enabled
        for name, value in _plain(fields).items():
            setattr(row, name, value)
        _check(row, fields)
        _place(row, fields)
        if "url" in fields or (row.enabled and not was_enabled):
            for name, value in _NEVER_FAILED.items():
                setattr(row, name, value)
        row.save()
        after = audit.fields(row, _AUDITED)
        if "url" in fields:  # Which is told to nobody.
            before, after = {**before, "url": "before"}, {**after, "url": "after"}
        audit.record("notification_endpoint.edited", row.pk, before=before, after=after)


def rotate(endpoint_id: UUID, *, overlap: timedelta) -> str:
    """Give an endpoint a new secret, beside which the one before signs for a while.

    Raises:
        ConflictError: its form signs nothing (`unsigned_form`).
        NotFoundError: no endpoint has this id.
    """
    with transaction.atomic():
        row = _locked(endpoint_id)
        if row.form != _WEBHOOK:
            message = "Only endpoints of the form webhook have a secret that signs."
            raise ConflictError("unsigned_form", message)
        old, new = _usable(row) if overlap else "", webhook.new_secret()
        row.secret = secrets.sealed(row, "secret", new)
        row.previous_secret = secrets.sealed(row, "previous_secret", old)
        row.previous_until = timezone.now() + overlap if old else None
        row.save(update_fields=["secret", "previous_secret", "previous_until"])
        until = {"previous_until": row.previous_until}
        audit.record("notification_endpoint.secret_rotated", row.pk, before={}, after=until)
    return new


def delete(endpoint_id: UUID) -> None:
    """Delete an endpoint, and what was sent and waits to be sent to it.

    Raises:
        NotFoundError: no endpoint has this id.
    """
    with transaction.atomic():
        row = _locked(endpoint_id)
        before = audit.fields(row, _AUDITED)
        audit.record("notification_endpoint.deleted", row.pk, before=before)
        row.delete()


def locked(endpoint_id: UUID) -> Endpoint:
    """An endpoint, locked until the transaction ends: who makes, claims or notes does that first.

    Raises:
        NotFoundError: no endpoint has this id.
    """
    row = Endpoint.objects.select_for_update(of=("self",)).filter(pk=endpoint_id).first()
    if row is None:
        raise NotFoundError("notification endpoint with this id")
    return row


def _usable(row: Endpoint) -> str:
    """The secret that signs; empty where no key opens it, and so nothing is signed."""
    try:
        return secrets.opened(row, "secret")
    except SealError:
        return ""


def _locked(endpoint_id: UUID) -> Endpoint:
    counters.bump(Endpoint.COUNTER)
    return locked(endpoint_id)


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "url"}


def _check(row: Endpoint, fields: Mapping[str, Any]) -> None:
    """Check that an endpoint has what its form wants."""
    if row.form == _MAIL:
        if settings.ENV.mailer is None:
            raise FieldError("form", "no mail is sent here; an operator sets KEEPTRUSTS_SMTP_HOST")
        if not row.recipients:
            raise FieldError("recipients", "must be one or more addresses")
        if fields.get("url"):
            raise FieldError("url", "is not for the form mail, which has recipients")
    elif row.recipients:
        raise FieldError("recipients", "are for the form mail alone")
    elif not (row.url or fields.get("url")):
        raise FieldError("url", "is required")


def _place(row: Endpoint, fields: Mapping[str, Any]) -> None:
    """Take the url of a body, if it has one."""
    if not fields.get("url"):
        return
    try:
        server, _ = addresses.parse(fields["url"], schemes=api_schemes(settings.ENV.git_schemes))
    except BadURLError as exc:
        raise FieldError("url", str(exc)) from exc
    row.place = addresses.place(server)
    row.url = secrets.sealed(row, "url", fields["url"])


def _check_name(name: str) -> None:
    """Check that no endpoint has a name, behind the lock of the counter."""
    if Endpoint.objects.filter(name=name).exists():
        raise ConflictError("name_taken", f"There is a notification endpoint {name!r}.")
