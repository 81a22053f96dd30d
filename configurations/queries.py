"""Reading configurations: rows as plain dicts, ready to be encoded."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, Subquery

from configurations.models import Configuration, Version
from configurations.publish import COUNTER
from configurations.requests.queries import broken
from configurations.seen import ALL, Seen
from keeptrusts import counters, database
from keeptrusts.api.errors import NotFoundError
from keeptrusts.models import Counter

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
    "created_at",
)

Row = Mapping[str, Any]

IN_FORCE = "in_force"
REFUSED_CODE = "refused_in_force"

_OVERRIDDEN = ExpressionWrapper(
    ~Q(owner="") & ~Q(git_hash=F("content_hash")), output_field=BooleanField()
)
# In this form a database looks for all that are broken once.
_BROKEN = ExpressionWrapper(
    Q(pk__in=broken("configuration").values("target")), output_field=BooleanField()
)


def in_force() -> QuerySet[Configuration]:
    """All active configurations, and archived ones that a gateway is still bound to."""
    enforced = Configuration.objects.filter(status="archived", gateways__isnull=False)
    return Configuration.objects.filter(Q(status="active") | Q(pk__in=enforced.values("pk")))


def refused(seen: Seen = ALL) -> QuerySet[Configuration]:
    """All configurations in force that the rules that judged them last would refuse."""
    return in_force().filter(seen.where(), refused_since__isnull=False)


def refused_by_owner(seen: Seen = ALL) -> Mapping[str, Mapping[str, datetime]]:
    """For each link, by id, the configurations of `refused` that it feeds, with the time since."""
    owners: dict[str, dict[str, datetime]] = defaultdict(dict)
    rows = refused(seen).exclude(owner="").order_by("pk")
    for owner, pk, since in rows.values_list("owner", "pk", "refused_since"):
        assert since is not None
        owners[owner][pk] = since
    return owners


def rows(
    *,
    status: str,
    after: str,
    limit: int | None = None,
    warned: bool | None = None,
    seen: Seen = ALL,
) -> tuple[int, list[Row]]:
    """Configurations by id, only those with an id behind `after`, with the change counter.

    The counter is of the same moment: a list that is newer would stand, after a restore of just
    then, for one that the database lost. `status` may also be `all` or `IN_FORCE`. `warned`
    selects those with a warning, or without.
    """
    matches: QuerySet[Configuration] = in_force() if status == IN_FORCE else _of(status)
    matches = matches.filter(seen.where())
    if after:
        matches = matches.filter(pk__gt=after)
    if warned is not None:
        matches = matches.filter(refused_since__isnull=not warned)
    counted = Subquery(Counter.objects.filter(pk=COUNTER).values("value"))
    listed = _values(matches.order_by("pk")).annotate(counted=counted)[:limit]
    count, found = 0, list(listed)
    if not found:  # No row tells the counter.
        with database.one_moment(Counter, Configuration):
            count, found = counters.read().get(COUNTER, 0), list(listed.all())
    for one in found:
        count = one.pop("counted") or 0
    return count, [_shown(one) for one in found]


def row(configuration_id: str) -> Row:
    """One configuration; its warning has the findings.

    Raises:
        NotFoundError: there is none with this id.
    """
    values = _values(Configuration.objects.filter(pk=configuration_id)).first()
    if values is None:
        raise NotFoundError(f"configuration {configuration_id!r}")
    findings = values["findings"]
    answer = _shown(values)
    if answer["warning"] is not None:
        answer["warning"]["findings"] = findings
    return answer


def version_rows(configuration_id: str) -> list[Row]:
    """All versions without their content, newest first.

    Raises:
        NotFoundError: there is no configuration with this id.
    """
    versions = _versions(configuration_id).order_by("-number").values(*_VERSION_COLUMNS)
    if not versions:
        raise NotFoundError(f"configuration {configuration_id!r}")
    return list(versions)


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
        raise NotFoundError(f"such content of configuration {configuration_id!r}")
    return bytes(stored[0]), stored[1]


def _of(status: str) -> QuerySet[Configuration]:
    everything = Configuration.objects.all()
    return everything if status == "all" else everything.filter(status=status)


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


def _shown(row: dict[str, Any]) -> Row:
    """A row as the API shows it: `pin` and `warning` are one value each, null for none."""
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
