"""Writers of credentials of forges' APIs, and of which link is told with which."""

import copy
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from commitstatus import proofs
from commitstatus.models import CommitStatus, ForgeCredential, ProofKind
from events import audit
from gitrepos.links.links import writing as writing_links
from gitrepos.models import Link
from keeptrusts import counters
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError

Fields = Mapping[str, Any]

SECRET_FIELDS: Mapping[str, str] = {
    ProofKind.TOKEN: "token",
    ProofKind.APP: "private_key",
}
"""The API's field for the secret of each kind."""
_AUDITED = (
    "name", "forge", "kind", "api_url", "hosts", "status_name", "username", "app_id",
    "installation_id", "fingerprint",
)  # fmt: skip
_NAMED = 100


def create(fields: Fields, *, secret: str) -> ForgeCredential:
    """Store a credential.

    Raises:
        ConflictError: the name is taken (`name_taken`).
    """
    now = timezone.now()
    row = ForgeCredential(created_at=now, updated_at=now, **fields)
    row.secret = proofs.sealed(secret, row)
    with transaction.atomic():
        counters.bump(ForgeCredential.COUNTER)
        _save(row, insert=True)
        audit.record("forge_credential.created", row.pk, after=audit.fields(row, _AUDITED))
    return row


def edit(credential_id: UUID, fields: Fields, *, secret: str | None) -> None:
    """Edit a credential; what it could not tell is tried again at once.

    Raises:
        NotFoundError: there is no such credential.
        FieldError: a new API or App needs the secret again (`required`).
        ConflictError: the name is taken (`name_taken`), or a link would be left out (`in_use`).
    """
    with transaction.atomic():
        counters.bump(ForgeCredential.COUNTER)
        row = _locked(credential_id)
        old = copy.copy(row)
        for name, value in fields.items():
            setattr(row, name, value)
        if secret is not None:
            row.secret = proofs.sealed(secret, row)
        elif moved := [name for name in proofs.BOUND if getattr(row, name) != getattr(old, name)]:
            raise FieldError(
                SECRET_FIELDS[row.kind],
                f"must be sent again with a new {moved[0]}; the stored one goes only where it was"
                " given for",
                code="required",
            )
        left_out = [link for link in _links(row) if not proofs.is_for(row, link.url)]
        _refuse_in_use("Its hosts must include those of its links", left_out)
        row.updated_at, row.paused_until = timezone.now(), None
        _save(row)
        before, after = audit.fields(old, _AUDITED), audit.fields(row, _AUDITED)
        changed = {SECRET_FIELDS[row.kind]: "changed"} if secret is not None else {}
        audit.record("forge_credential.edited", row.pk, before=before, after={**after, **changed})
        row.told.update(**CommitStatus.AFRESH, look_at=row.updated_at, updated_at=row.updated_at)


def delete(credential_id: UUID) -> None:
    """Delete a credential.

    Raises:
        NotFoundError: there is no such credential.
        ConflictError: links are told with it (`in_use`).
    """
    with transaction.atomic():
        counters.bump(ForgeCredential.COUNTER)
        row = _locked(credential_id)
        _refuse_in_use("Links are told with it; choose another for them first", _links(row))
        row.told.all().delete()  # What links that are gone left.
        audit.record("forge_credential.deleted", row.pk, before=audit.fields(row, _AUDITED))
        row.delete()


def choose(link_id: UUID, name: str | None) -> None:
    """Have the commits of a link told with the credential of a name, or by None not any more.

    Raises:
        NotFoundError: there is no such link.
        FieldError: there is no such credential (`unknown`), or it is not for the link's url.
    """
    with writing_links():
        # Credentials cannot be edited or deleted meanwhile.
        counters.hold(ForgeCredential.COUNTER)
        link = Link.objects.filter(pk=link_id).first()
        if link is None:
            raise NotFoundError("git repo with this id")
        before = CommitStatus.objects.select_related("credential").filter(pk=link_id).first()
        row = _named(name, link) if name else None
        if row is None:
            CommitStatus.objects.filter(pk=link_id).delete()
        elif before is None or before.credential_id != row.pk:
            now = timezone.now()
            kept = {"updated_at": now, "look_at": now, "credential": row, **CommitStatus.AFRESH}
            if before is not None:  # Its forge is perhaps another one.
                kept |= {"url": "", "commit": "", "state": "", "description": "", "told_at": None}
            CommitStatus.objects.update_or_create(
                link_id=link_id, defaults=kept, create_defaults={**kept, "created_at": now}
            )
        told = before.credential.name if before else None
        if told != (row.name if row else None):
            audit.record(
                "git_repo.commit_status_chosen", link_id,
                before={"credential": told}, after={"credential": row.name if row else None},
            )  # fmt: skip


def _named(name: str, link: Link) -> ForgeCredential:
    row = ForgeCredential.objects.filter(name=name).first()
    if row is None:
        raise FieldError("credential", f"there is no forge credential {name!r}", code="unknown")
    if not proofs.is_for(row, link.url):
        hosts = ", ".join(row.hosts)
        raise FieldError(
            "credential", f"tells of repositories at {hosts} alone, and the link's is elsewhere",
            code="not_for_this_url",
        )  # fmt: skip
    return row


def _save(row: ForgeCredential, *, insert: bool = False) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=insert, force_update=not insert)
    except IntegrityError as exc:
        raise ConflictError("name_taken", f"There is a forge credential {row.name!r}.") from exc


def _locked(credential_id: UUID) -> ForgeCredential:
    row = ForgeCredential.objects.select_for_update().filter(pk=credential_id).first()
    if row is None:
        raise NotFoundError("forge credential with this id")
    return row


def _links(row: ForgeCredential) -> list[Link]:
    return list(Link.objects.filter(commit_status__credential=row).order_by("created_at"))


def _refuse_in_use(why: str, links: list[Link]) -> None:
    if links:
        details = [{"id": str(link.pk), "url": link.url} for link in links[:_NAMED]]
        raise ConflictError("in_use", f"{why}: {details[0]['url']}.", details=details)
