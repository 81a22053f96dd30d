"""Reading configurations: rows as plain dicts, ready to be encoded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet

from configurations.models import Configuration, Version
from configurations.publish import COUNTER
from configurations.requests.queries import broken
from configurations.seen import ALL, Seen
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.filters import between, equal, labelled
from keeptrusts.api.lists.listing import Filter
from keeptrusts.api.lists.table import Table
from keeptrusts.api.parameters import flag, word
from keeptrusts.database import Columns, as_rows, compiled

_COLUMNS = (
    "id",
    "name",
    "description",
    "labels",
    "status",
    "source",
    "version",
    "content_hash",
    "four_eyes",
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
    "ref",
    "path",
    "author",
    "message",
    "signer",
    "signer_key",
    "actor",
    "note",
    "trace_id",
    "created_at",
)

Row = Mapping[str, Any]

REFUSED_CODE = "refused_in_force"

_SOURCE: Filter[Any] = Filter(
    word("source", "Those that git made, or the API.", known=("git", "api"), default=None),
    lambda value, _: Q(source=value),
)

_OVERRIDDEN = ExpressionWrapper(
    ~Q(owner="") & ~Q(git_hash=F("content_hash")), output_field=BooleanField()
)
# In this form a database looks for all that are broken once.
_BROKEN = ExpressionWrapper(
    Q(pk__in=broken("configuration").values("target")), output_field=BooleanField()
)


def in_force() -> QuerySet[Configuration]:
    """All active configurations, and archived ones that a gateway is still bound to."""
    return Configuration.objects.filter(_of(None))


def _of(status: str | None) -> Q:
    if status is None:
        enforced = Configuration.objects.filter(status="archived", gateways__isnull=False)
        return Q(status="active") | Q(pk__in=enforced.values("pk"))
    return Q() if status == "all" else Q(status=status)


def refused(seen: Seen = ALL) -> QuerySet[Configuration]:
    """All configurations in force that the rules that judged them last would refuse."""
    return in_force().filter(seen.where(), refused_since__isnull=False)


def refused_by_owner(seen: Seen = ALL) -> Mapping[str, Mapping[str, datetime]]:
    """For each link, by id, the configurations of `refused` that it feeds, with the time since."""
    owners: dict[str, dict[str, datetime]] = defaultdict(dict)
    for row in _all_refused() if seen is ALL else _refused(seen):
        owners[row["owner"]][row["id"]] = row["refused_since"]
    return owners


def _refused(seen: Seen) -> QuerySet[Any, Any]:
    rows = refused(seen).exclude(owner="").order_by("pk")
    return rows.values("owner", "id", "refused_since")


_all_refused = compiled(lambda: _refused(ALL))


def row(configuration_id: str) -> Row:
    """One configuration; its warning has the findings.

    Raises:
        NotFoundError: there is none with this id.
    """
    values = _values(Configuration.objects.filter(pk=configuration_id)).first()
    if values is None:
        raise NotFoundError(f"configuration {configuration_id!r}")
    findings = values["findings"]
    answer = _shown({name: (value,) for name, value in values.items()}, ALL)[0]
    if answer["warning"] is not None:
        answer["warning"]["findings"] = findings
    return answer


def check_exists(configuration_id: str) -> None:
    """Check that there is a configuration with this id.

    Raises:
        NotFoundError: there is none.
    """
    if not Configuration.objects.filter(pk=configuration_id).exists():
        raise NotFoundError(f"configuration {configuration_id!r}")


def version_row(configuration_id: str, number: int) -> Row:
    """One version without its content.

    Raises:
        NotFoundError: there is no such version.
    """
    versions = _versions(configuration_id).filter(number=number)
    version: Row | None = versions.values(*_VERSION_COLUMNS).first()
    if version is None:
        raise NotFoundError(f"version {number} of configuration {configuration_id!r}")
    return version


def content(configuration_id: str, number: int | None = None) -> tuple[bytes, str]:
    """The exact bytes of a version (the current one by default) and their hash.

    Raises:
        NotFoundError: there is no such version.
    """
    wanted = F("configuration__version") if number is None else number
    stored = (
        _versions(configuration_id)
        .filter(number=wanted)
        .values_list("content", "content_hash")
        .first()
    )
    if stored is None:
        version = "" if number is None else f"version {number} of "
        raise NotFoundError(f"{version}configuration {configuration_id!r}")
    return bytes(stored[0]), stored[1]


def _values(matches: QuerySet[Configuration]) -> QuerySet[Configuration, dict[str, Any]]:
    rows: QuerySet[Configuration, dict[str, Any]] = matches.values(
        *_COLUMNS,
        *_PIN,
        *_JUDGED,
        git_repo=F("owner"),
        overridden=_OVERRIDDEN,
        broken_glass=_BROKEN,
    )
    return rows


def _shown(columns: Columns, _seen: Seen) -> list[dict[str, Any]]:
    """Rows as the API shows them: `pin` and `warning` are one value each, null for none."""
    pins, judged = _taken(columns, _PIN), _taken(columns, _JUDGED)
    columns["pin"] = [_pin(*one) if one[0] is not None else None for one in pins]
    columns["warning"] = [_warning(*one) if one[0] is not None else None for one in judged]
    return as_rows(columns)


def _taken(columns: Columns, names: Sequence[str]) -> Iterable[Any]:
    return zip(*(columns.pop(name) for name in names), strict=True)


def _pin(since: datetime, reason: str, actor: str, expires_at: datetime | None) -> dict[str, Any]:
    return {"reason": reason, "actor": actor, "since": since, "expires_at": expires_at}


def _warning(since: datetime, findings: list[dict[str, Any]]) -> dict[str, Any]:
    first = findings[0]
    place = f"line {first['line']}, column {first['column']}: {first['message']}"
    message = f"It stays in force, but the present rules would refuse it: {place}"
    return {"code": REFUSED_CODE, "message": message, "since": since}


CONFIGURATIONS: Table[Seen] = Table(
    name="configurations",
    is_constant=lambda seen: not seen.is_narrowed,
    counter=COUNTER,
    members=(*_COLUMNS, "git_repo", "overridden", "broken_glass", "pin", "warning"),
    rows=lambda seen: Configuration.objects.filter(seen.where()),
    values=_values,
    formed=_shown,
    sorts={"id": "pk", "name": "name", "created_at": "created_at", "updated_at": "updated_at"},
    sort="id",
    searched=("id", "name"),
    labels="labels",
    filters=(
        Filter(
            word(
                "status",
                "Configurations of this status; without it those that are in force.",
                known=("active", "archived", "all"),
                default=None,
            ),
            lambda value, _: _of(value),
            always=True,
        ),
        Filter(
            flag("warning", "Those with a warning, or the others.", default=None),
            lambda value, _: Q(refused_since__isnull=not value),
        ),
        _SOURCE,
        equal("git_repo", "Those that this link feeds.", column="owner"),
        labelled("Those that have these labels."),
        *between("updated_at"),
    ),
)

# Of one configuration, whose id is the scope.
VERSIONS: Table[str] = Table(
    name="versions",
    members=_VERSION_COLUMNS,
    rows=lambda configuration_id: _versions(configuration_id),
    values=lambda rows: rows.values(*_VERSION_COLUMNS),
    key="number",
    sorts={"number": "number"},
    sort="-number",
    searched=("repo_url", "path", "commit", "author", "message", "actor"),
    filters=(
        _SOURCE,
        equal("actor", "Versions that this person made."),
        *between("created_at"),
    ),
)


def _versions(configuration_id: str) -> QuerySet[Version]:
    return Version.objects.filter(configuration=configuration_id)
