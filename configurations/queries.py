"""Reading configurations: rows as plain dicts, ready to be encoded."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet

from configurations.models import Configuration, Version
from keeptrusts.api.errors import NotFoundError

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
_JUDGED = ("refused_since", "findings")
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
REFUSED_CODE = "refused_in_force"

_OVERRIDDEN = ExpressionWrapper(
    ~Q(owner="") & ~Q(git_hash=F("content_hash")), output_field=BooleanField()
)


def in_force() -> QuerySet[Configuration]:
    """The active ones, and the archived ones that a gateway is bound to still."""
    enforced = Configuration.objects.filter(status="archived", gateways__isnull=False)
    return Configuration.objects.filter(Q(status="active") | Q(pk__in=enforced.values("pk")))


def refused() -> QuerySet[Configuration]:
    """What is in force although the rules that judged it last would refuse it."""
    return in_force().filter(refused_since__isnull=False)


def refused_by_owner() -> Mapping[str, Mapping[str, datetime]]:
    """Since when each of `refused` is so, by id, under the id of the link that feeds it."""
    found: dict[str, dict[str, datetime]] = defaultdict(dict)
    rows = refused().exclude(owner="").order_by("pk")
    for owner, pk, since in rows.values_list("owner", "pk", "refused_since"):
        assert since is not None
        found[owner][pk] = since
    return found


def rows(
    *, status: str, after: str, limit: int | None = None, warned: bool | None = None
) -> list[Row]:
    """Configurations by id; `after` is the id to continue behind.

    `status` may also be `all`, or `IN_FORCE`. `warned` asks for those with a warning, or without.
    """
    found: QuerySet[Configuration] = in_force() if status == IN_FORCE else _of(status)
    if after:
        found = found.filter(pk__gt=after)
    if warned is not None:
        found = found.filter(refused_since__isnull=not warned)
    return [_shown(found) for found in _values(found.order_by("pk"))[:limit]]


def row(configuration_id: str) -> Row:
    """One configuration, with all that is kept of what its warning is about.

    Raises: `NotFoundError`.
    """
    found = _values(Configuration.objects.filter(pk=configuration_id)).first()
    if found is None:
        raise NotFoundError(f"configuration {configuration_id!r}")
    findings = found["findings"]
    shown = _shown(found)
    if shown["warning"] is not None:
        shown["warning"]["findings"] = findings
    return shown


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


def _of(status: str) -> QuerySet[Configuration]:
    found = Configuration.objects.all()
    return found if status == "all" else found.filter(status=status)


def _values(found: QuerySet[Configuration]) -> QuerySet[Configuration, dict[str, Any]]:
    rows: QuerySet[Configuration, dict[str, Any]] = found.values(
        *_COLUMNS, *_PIN, *_JUDGED, git_repo=F("owner"), overridden=_OVERRIDDEN
    )
    return rows


def _shown(row: dict[str, Any]) -> Row:
    """A row with its pin as one value, null for none, and its warning as another."""
    since, reason, actor, expires_at = (row.pop(name) for name in _PIN)
    pin = {"reason": reason, "actor": actor, "since": since, "expires_at": expires_at}
    row["pin"] = pin if since is not None else None
    row["warning"] = _warning(*(row.pop(name) for name in _JUDGED))
    return row


def _warning(since: datetime | None, findings: list[dict[str, Any]]) -> dict[str, Any] | None:
    if since is None:
        return None
    first = findings[0]
    place = f"line {first['line']}, column {first['column']}: {first['message']}"
    message = f"It stays in force, but the present rules would refuse it: {place}"
    return {"code": REFUSED_CODE, "message": message, "since": since}


def _versions(configuration_id: str) -> QuerySet[Version]:
    return Version.objects.filter(configuration=configuration_id)
