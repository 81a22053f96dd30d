"""Reading credentials of forges' APIs, and what was told of links: rows as plain dicts."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from commitstatus import telling
from commitstatus.models import CommitStatus, ForgeCredential, ForgeKind
from gitrepos.models import Link
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.filters import among
from keeptrusts.api.lists.table import Table

Row = Mapping[str, Any]

_CREDENTIAL = (
    "id", "name", "forge", "kind", "api_url", "hosts", "status_name", "username", "app_id",
    "installation_id", "fingerprint", "git_repos", "failing", "paused_until", "created_at",
    "updated_at",
)  # fmt: skip
# A row may outlive its link, where a process of the release before removed that.
_IS_THERE = Q(told__link__generation__gte=0)
_COUNTED = {
    "git_repos": Count("told", filter=_IS_THERE),
    "failing": Count("told", filter=_IS_THERE & ~Q(told__error_code="")),
}
OBSERVED = frozenset(
    ("visibility", "commit", "state", "description", "told_at", "error", "error_since", "failures",
     "retry_at")
)  # fmt: skip
"""What telling observes of a link's statuses."""


def credential(credential_id: UUID) -> Row:
    """One credential, without its secret.

    Raises:
        NotFoundError: there is none.
    """
    rows = ForgeCredential.objects.annotate(**_COUNTED).filter(pk=credential_id)
    found: Row | None = rows.values(*_CREDENTIAL).first()
    if found is not None:
        return found
    raise NotFoundError("forge credential with this id")


def status(link_id: UUID) -> Row:
    """What is told of a link's commits.

    Raises:
        NotFoundError: there is no such link.
    """
    row = CommitStatus.objects.select_related("credential", "link").filter(pk=link_id).first()
    link = row.link if row else Link.objects.filter(pk=link_id).first()
    if link is None:
        raise NotFoundError("git repo with this id")
    found = row or CommitStatus(link=link)
    error = {"code": found.error_code, "message": found.error_message}
    return {
        "git_repo": str(link_id),
        "credential": row.credential.name if row else None,
        "status_name": telling.status_name(row.credential, link) if row else None,
        "visibility": found.visibility or None,
        "commit": found.commit or None,
        "state": found.state or None,
        "description": found.description or None,
        "told_at": found.told_at,
        "error": error if found.error_code else None,
        "error_since": found.error_since,
        "failures": found.failures,
        "retry_at": found.retry_at,
    }


def _rows(_scope: None) -> QuerySet[ForgeCredential]:
    return ForgeCredential.objects.annotate(**_COUNTED)


def _columns(rows: QuerySet[Any, Any]) -> QuerySet[Any, dict[str, Any]]:
    return rows.values(*_CREDENTIAL)


def _shown(raws: Sequence[dict[str, Any]], _scope: None) -> list[Row]:
    return [{name: raw[name] for name in _CREDENTIAL} for raw in raws]


CREDENTIALS: Table[None] = Table(
    name="forge-credentials",
    members=_CREDENTIAL,
    rows=_rows,
    values=_columns,
    shown=_shown,
    sorts={"name": "name", "created_at": "created_at"},
    sort="name",
    searched=("id", "name"),
    filters=(among("forge", "Credentials of these forges.", known=ForgeKind.values),),
)
