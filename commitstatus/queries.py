"""Reading credentials of forges' APIs, and what was told of links: rows as plain dicts."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from commitstatus import remedies, telling
from commitstatus.models import CommitStatus, ForgeCredential, ForgeKind
from gitrepos.models import Link
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.filters import among, equal
from keeptrusts.api.lists.listing import Filter
from keeptrusts.api.lists.table import Table
from keeptrusts.api.parameters import flag

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
_STATUS = (
    "git_repo", "url", "path", "credential", "status_name", "visibility", "commit", "state",
    "description", "told_at", "error", "action", "error_since", "failures", "retry_at",
)  # fmt: skip
OBSERVED = frozenset(
    ("visibility", "commit", "state", "description", "told_at", "error", "action", "error_since",
     "failures", "retry_at")
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
    if row is not None:
        return _status(row)
    untold = CommitStatus(link=link)
    return {**_observed(untold), "credential": None, "status_name": None}


def _status(row: CommitStatus) -> Row:
    return {
        **_observed(row),
        "credential": row.credential.name,
        "status_name": telling.status_name(row.credential, row.link),
    }


def _observed(row: CommitStatus) -> dict[str, Any]:
    error = {"code": row.error_code, "message": row.error_message}
    return {
        "git_repo": str(row.link_id),
        "url": row.link.url,
        "path": row.link.root,
        "visibility": row.visibility or None,
        "commit": row.commit or None,
        "state": row.state or None,
        "description": row.description or None,
        "told_at": row.told_at,
        "error": error if row.error_code else None,
        "action": remedies.remedy(row.error_code),
        "error_since": row.error_since,
        "failures": row.failures,
        "retry_at": row.retry_at,
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


def _statuses(_scope: None) -> QuerySet[CommitStatus]:
    # A row may outlive its link, as above.
    return CommitStatus.objects.filter(link__generation__gte=0)


def _keys(rows: QuerySet[Any, Any]) -> QuerySet[Any, dict[str, Any]]:
    return rows.values("pk")


def _shown_statuses(raws: Sequence[dict[str, Any]], _scope: None) -> list[Row | None]:
    """The rows of a part of the list; None for one that is gone meanwhile."""
    rows = CommitStatus.objects.select_related("credential", "link")
    found = rows.filter(link__generation__gte=0).in_bulk([raw["pk"] for raw in raws])
    return [_status(found[raw["pk"]]) if raw["pk"] in found else None for raw in raws]


STATUSES: Table[None] = Table(
    name="commit-statuses",
    members=_STATUS,
    rows=_statuses,
    values=_keys,
    shown=_shown_statuses,
    sorts={"url": "link__url", "created_at": "created_at"},
    sort="url",
    searched=("link__url", "credential__name", "error_code"),
    filters=(
        Filter(
            flag("failing", "Those that could not be told last, or the others.", default=None),
            lambda value, _: ~Q(error_code="") if value else Q(error_code=""),
        ),
        equal(
            "credential",
            "Those that are told with the forge credential of this name.",
            column="credential__name",
        ),
    ),
)
