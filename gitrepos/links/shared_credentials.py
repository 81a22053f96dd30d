"""The shared credentials, and their only writer: make, edit, delete, warn before they expire."""

import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from events import log
from gitrepos.errors import SecretLostError
from gitrepos.forge.addresses import stored
from gitrepos.links.links import writing
from gitrepos.links.sealed_secrets import binding, places, refused, sealed, text_of
from gitrepos.models import GitCredential, Link, Remote
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError

Fields = Mapping[str, Any]

SECRET_FIELDS = {"token": "token", "basic": "password", "ssh": "private_key"}
"""What the API calls the secret of each kind."""

_NAMED = 100


def create(fields: Fields, *, secret: str) -> GitCredential:
    """Keep a credential. Raises: `ConflictError` (`name_taken`)."""
    now = timezone.now()
    row = GitCredential(created_at=now, updated_at=now, **fields)
    row.secret = sealed(secret, row)
    with writing():
        _save(row, insert=True)
        _warn(now, GitCredential.objects.filter(pk=row.pk))
    return row


def edit(credential_id: UUID, fields: Fields, *, secret: str | None, actor: str) -> GitCredential:
    """Change a credential for every link that uses it; `secret` None keeps it.

    It counts as an edit of each of those links: what is in flight for them under the old one
    is discarded, and they are due at once.

    Raises: `NotFoundError`; `FieldError` (`required`) for a place that the kept secret was not
    given for; `ConflictError` (`name_taken`; `credential_unreadable`; `in_use` when a linked host
    would be left out).
    """
    with writing():
        row = _locked(credential_id)
        old = copy.copy(row)
        for name, value in fields.items():
            setattr(row, name, value)
        _check_hosts(row)
        row.secret = _kept(old, row) if secret is None else sealed(secret, row)
        now = row.updated_at = timezone.now()
        row.expiring = row.expiring and "expires_at" not in fields
        _save(row)
        _tell(old, row, actor, secret=secret is not None)
        _warn(now, GitCredential.objects.filter(pk=row.pk))
        if secret is not None or fields.keys() - {"name", "expires_at"}:
            _make_due(row, now)
    return row


def delete(credential_id: UUID) -> None:
    """Forget a credential. Raises: `NotFoundError`; `ConflictError` (`in_use`)."""
    with writing():
        row = _locked(credential_id)
        _refuse_in_use("Links use it; give them another first", _links(row))
        row.delete()


def warn(now: datetime) -> int:
    """Mark what expires soon and record an event of each; returns how many there were."""
    if not _soon(now).exists():
        return 0  # Nobody is kept waiting for it.
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


def _kept(old: GitCredential, row: GitCredential) -> str:
    """The secret that is there, as part of the row as it is now."""
    if new := places(row) - places(old):
        named = ", ".join(sorted({f"{host}:{port}" for _, host, port in new}))
        raise FieldError(
            SECRET_FIELDS[row.kind],
            f"must be sent again with a new host ({named}); the stored one goes only where it was"
            " given for",
            code="required",
        )
    if binding(row) == binding(old):
        return old.secret
    try:
        return sealed(text_of(old), row)
    except SecretLostError as exc:
        raise ConflictError(exc.code, exc.message) from exc


# What an event tells of; the times of `expires_at` have events of their own.
_TOLD = ("name", "hosts", "username", "authorization", "known_hosts")


def _tell(old: GitCredential, row: GitCredential, actor: str, *, secret: bool) -> None:
    """Record who changed what. Never the secret, nor whether it is the one that was there."""
    changed = [name for name in _TOLD if getattr(old, name) != getattr(row, name)]
    changed += [SECRET_FIELDS[row.kind]] if secret else []
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
    _refuse_in_use("Links would be left out", _links(row).filter(remote__url__in=left_out))


def _refuse_in_use(why: str, rows: Any) -> None:
    if found := list(rows.order_by("created_at")[:_NAMED]):
        details = [{"id": str(link.pk), "url": link.url} for link in found]
        raise ConflictError("in_use", f"{why}: {details[0]['url']}.", details=details)


def _links(row: GitCredential) -> Any:
    return Link.objects.filter(remote__shared=row)


def _make_due(row: GitCredential, now: datetime) -> None:
    """Have each link tried again with what the credential is now."""
    # In one order everywhere, as workers and edits lock them.
    remotes = list(
        Remote.objects.select_for_update()
        .filter(shared=row)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    _links(row).update(
        generation=F("generation") + 1, updated_at=now, error_code="", error_message=""
    )
    due = Remote.objects.filter(pk__in=remotes, links__suspended=False).values("pk")
    Remote.objects.filter(pk__in=due).update(next_poll_at=now, stalled=False, failures=0)
