"""Writers of shared credentials: create, edit, delete, warn before they expire."""

import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from events import audit, log
from gitrepos.errors import SecretLostError
from gitrepos.forge.addresses import stored
from gitrepos.links.links import writing
from gitrepos.links.sealed_secrets import (
    CLIENT_KEY,
    INSTALLED,
    binding,
    places,
    refused,
    sealed,
    text_of,
)
from gitrepos.models import GitCredential, Link, Remote
from gitrepos.polling import schedule
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError

Fields = Mapping[str, Any]

SECRET_FIELDS: Mapping[str, Mapping[str, str]] = {
    "token": {"secret": "token", CLIENT_KEY: CLIENT_KEY},
    "basic": {"secret": "password", CLIENT_KEY: CLIENT_KEY},
    "ssh": {"secret": "private_key"},
    "tls": {CLIENT_KEY: CLIENT_KEY},
    "app": {"secret": "private_key"},
}
"""The columns with the secrets of each kind, and the API's field for each."""

_NAMED = 100
_AUDITED = (
    "name", "kind", "hosts", "username", "authorization", "known_hosts", "public_key",
    "client_certificate", "expires_at", *INSTALLED,
)  # fmt: skip


def create(fields: Fields, *, secrets: Mapping[str, str]) -> GitCredential:
    """Store a credential, with its secrets by column.

    Raises:
        ConflictError: the name is taken (`name_taken`).
    """
    now = timezone.now()
    row = GitCredential(created_at=now, updated_at=now, **fields)
    for column, secret in secrets.items():
        setattr(row, column, sealed(secret, row, column))
    with writing():
        _save(row, insert=True)
        audit.record("git_credential.created", row.pk, after=audit.fields(row, _AUDITED))
        _warn(now, GitCredential.objects.filter(pk=row.pk))
    return row


def edit(
    credential_id: UUID, fields: Fields, *, secrets: Mapping[str, str], actor: str
) -> GitCredential:
    """Edit a credential for every link that uses it; what is not among `secrets` is kept.

    It counts as an edit of each of those links: syncs in flight are discarded, and they are due
    at once.

    Raises:
        NotFoundError: there is no such credential.
        FieldError: a new host needs the secret again (`required`).
        ConflictError: the name is taken (`name_taken`), the stored secret cannot be decrypted
            (`credential_unreadable`), or a linked host would be left out (`in_use`).
    """
    with writing():
        row = _locked(credential_id)
        old = copy.copy(row)
        for name, value in fields.items():
            setattr(row, name, value)
        _check_hosts(row)
        for column in SECRET_FIELDS[row.kind]:
            given = secrets.get(column)
            kept = _kept(old, row, column) if given is None else sealed(given, row, column)
            setattr(row, column, kept)
        now = row.updated_at = timezone.now()
        row.expiring = row.expiring and "expires_at" not in fields
        _save(row)
        after = {**audit.fields(row, _AUDITED), **dict.fromkeys(secrets, "changed")}
        audit.record(
            "git_credential.edited", row.pk, before=audit.fields(old, _AUDITED), after=after
        )
        _tell(old, row, actor, secrets)
        _warn(now, GitCredential.objects.filter(pk=row.pk))
        if secrets or fields.keys() - {"name", "expires_at"}:
            _make_due(row, now)
    return row


def delete(credential_id: UUID) -> None:
    """Delete a credential.

    Raises:
        NotFoundError: there is no such credential.
        ConflictError: links use it (`in_use`).
    """
    with writing():
        row = _locked(credential_id)
        _refuse_in_use("Links use it; give them another credential first", _links(row))
        audit.record("git_credential.deleted", row.pk, before=audit.fields(row, _AUDITED))
        row.delete()


def warn(now: datetime) -> int:
    """Mark the credentials that expire soon, with an event for each; returns how many."""
    if not _soon(now).exists():
        return 0  # Without the writers' lock.
    with writing():
        return _warn(now, GitCredential.objects.all())


def _warn(now: datetime, rows: Any) -> int:
    soon = list(rows.filter(pk__in=_soon(now)))
    for row in soon:
        used = [str(pk) for pk in _links(row).values_list("pk", flat=True)]
        log.record(
            log.Kind.CREDENTIAL_EXPIRING,
            f"The git credential {row.name!r} expires at {row.expires_at:%Y-%m-%d %H:%M} UTC;"
            f" {len(used)} links use it.",
            details={
                "credential": row.name,
                "expires_at": row.expires_at,
                "git_repos": used[:_NAMED],
            },
        )
    rows.filter(pk__in=[row.pk for row in soon]).update(expiring=True)
    return len(soon)


def _soon(now: datetime) -> Any:
    until = now + timedelta(days=settings.ENV.credential_warning_days)
    return GitCredential.objects.filter(expiring=False, expires_at__lte=until)


def _save(row: GitCredential, *, insert: bool = False) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=insert, force_update=not insert)
    except IntegrityError as exc:
        raise ConflictError("name_taken", f"There is a git credential {row.name!r}.") from exc


def _locked(credential_id: UUID) -> GitCredential:
    row = GitCredential.objects.select_for_update().filter(pk=credential_id).first()
    if row is None:
        raise NotFoundError("git credential with this id")
    return row


def _kept(old: GitCredential, row: GitCredential, column: str) -> str:
    """The stored secret of a column, sealed for the row as it is now; empty where there is none."""
    stored_now: str = getattr(old, column)
    if not stored_now:
        return ""
    if new := places(row) - places(old):
        named = ", ".join(sorted({f"{host}:{port}" for _, host, port in new}))
        raise FieldError(
            SECRET_FIELDS[row.kind][column],
            f"must be sent again with a new host ({named}); the stored one goes only where it was"
            " given for",
            code="required",
        )
    if changed := [name for name in INSTALLED if getattr(row, name) != getattr(old, name)]:
        raise FieldError(
            SECRET_FIELDS[row.kind][column],
            f"must be sent again with a new {changed[0]}; the stored one signs only what it was"
            " given for",
            code="required",
        )
    if binding(row) == binding(old):
        return stored_now
    try:
        return sealed(text_of(old, column), row, column)
    except SecretLostError as exc:
        raise ConflictError(exc.code, exc.message) from exc


# The fields that the event lists; `expires_at` has events of its own.
_TOLD = (
    "name", "hosts", "username", "authorization", "known_hosts", "client_certificate", *INSTALLED,
)  # fmt: skip


def _tell(old: GitCredential, row: GitCredential, actor: str, secrets: Mapping[str, str]) -> None:
    """Record who changed which fields; never the secret, nor whether it is the same as before."""
    changed = [name for name in _TOLD if getattr(old, name) != getattr(row, name)]
    changed += [field for column, field in SECRET_FIELDS[row.kind].items() if column in secrets]
    if not changed:
        return
    before, after = set(old.hosts), set(row.hosts)
    details = {
        "actor": actor,
        "credential": row.name,
        "credential_id": str(row.pk),
        "changed": changed,
        "hosts_added": sorted(after - before),
        "hosts_removed": sorted(before - after),
    }
    message = f"{actor} changed {', '.join(changed)} of the git credential {old.name!r}."
    log.record(log.Kind.CREDENTIAL_CHANGED, message, details=details)


def _check_hosts(row: GitCredential) -> None:
    urls = row.remotes.values_list("url", flat=True)
    left_out = [url for url in urls if refused(row, stored(url))]
    _refuse_in_use(
        "Its hosts must include those of its links", _links(row).filter(remote__url__in=left_out)
    )


def _refuse_in_use(why: str, rows: Any) -> None:
    if links := list(rows.order_by("created_at")[:_NAMED]):
        details = [{"id": str(link.pk), "url": link.url} for link in links]
        raise ConflictError("in_use", f"{why}: {details[0]['url']}.", details=details)


def _links(row: GitCredential) -> Any:
    return Link.objects.filter(remote__shared=row)


def _make_due(row: GitCredential, now: datetime) -> None:
    """Make every link of a credential due, and count it as edited."""
    # In one order everywhere, as workers and edits lock them.
    remotes = list(
        Remote.objects.select_for_update()
        .filter(shared=row)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    schedule.outdate(_links(row))
    _links(row).update(updated_at=now, error_code="", error_message="")
    schedule.make_due(remotes, now)
