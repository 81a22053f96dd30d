"""Reading configurations: rows as plain dicts, ready to be encoded."""

from collections.abc import Mapping
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet

from configurations.models import Configuration, Version
from keeptrusts.errors import NotFoundError

_COLUMNS = (
    "id",
    "name",
    "description",
    "labels",
    "status",
    "source",
    "version",
    "content_hash",
    "created_at",
    "updated_at",
)
_PIN = ("pinned_at", "pin_reason", "pin_actor", "pin_expires_at")
_VERSION_COLUMNS = (
    "number",
    "content_hash",
    "source",
    "repo_url",
    "commit",
    "path",
    "author",
    "message",
    "signer",
    "signer_key",
    "actor",
    "note",
    "created_at",
)

Row = Mapping[str, Any]

IN_FORCE = "in_force"

_OVERRIDDEN = ExpressionWrapper(
    ~Q(owner="") & ~Q(git_hash=F("content_hash")), output_field=BooleanField()
)


def rows(*, status: str, after: str, limit: int | None = None) -> list[Row]:
    """Configurations by id; `after` is the id to continue behind.

    `status` may also be `all`, or `IN_FORCE`: the active ones, and the archived ones that a
    gateway is bound to still.
    """
    found: QuerySet[Configuration] = Configuration.objects.order_by("pk")
    if status == IN_FORCE:
        enforced = Configuration.objects.filter(status="archived", gateways__isnull=False)
        found = found.filter(Q(status="active") | Q(pk__in=enforced.values("pk")))
    elif status != "all":
        found = found.filter(status=status)
    if after:
        found = found.filter(pk__gt=after)
    return [_shown(found) for found in _values(found)[:limit]]


def row(configuration_id: str) -> Row:
    """Raises: `NotFoundError`."""
    found = _values(Configuration.objects.filter(pk=configuration_id)).first()
    if found is None:
        raise NotFoundError(f"configuration {configuration_id!r}")
    return _shown(found)


def version_rows(configuration_id: str) -> list[Row]:
    """Every version without its content, newest first.

    Raises: `NotFoundError`.
    """
    found = _versions(configuration_id).order_by("-number").values(*_VERSION_COLUMNS)
    if not found:
        raise NotFoundError(f"configuration {configuration_id!r}")
    return list(found)


def version_row(configuration_id: str, number: int) -> Row:
    """Raises: `NotFoundError`."""
    rows = _versions(configuration_id).filter(number=number)
    found: Row | None = rows.values(*_VERSION_COLUMNS).first()
    if found is None:
        raise NotFoundError(f"version {number} of configuration {configuration_id!r}")
    return found


def content(configuration_id: str, number: int | None = None) -> tuple[bytes, str]:
    """The exact bytes of a version (the current one by default) and their hash.

    Raises: `NotFoundError`.
    """
    wanted = F("configuration__version") if number is None else number
    found = (
        _versions(configuration_id)
        .filter(number=wanted)
        .values_list("content", "content_hash")
        .first()
    )
    if found is None:
        raise NotFoundError(f"such content of configuration {configuration_id!r}")
    return bytes(found[0]), found[1]


def _values(found: QuerySet[Configuration]) -> QuerySet[Configuration, dict[str, Any]]:
    rows: QuerySet[Configuration, dict[str, Any]] = found.values(
        *_COLUMNS, *_PIN, git_repo=F("owner"), overridden=_OVERRIDDEN
    )
    return rows


def _shown(row: dict[str, Any]) -> Row:
    """A row with its pin as one value, null for none."""
    since, reason, actor, expires_at = (row.pop(name) for name in _PIN)
    pin = {"reason": reason, "actor": actor, "since": since, "expires_at": expires_at}
    row["pin"] = pin if since is not None else None
    return row


def _versions(configuration_id: str) -> QuerySet[Version]:
    return Version.objects.filter(configuration=configuration_id)
