"""A link as lists read it: plain columns, without its secrets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
)

from configurations.queries import refused
from gitrepos.polling import hosts
from keeptrusts.database import Columns, WrittenUUID


class Listed(NamedTuple):
    """A link of `with_status`, its id as text, its shared credential and its remote."""

    key: str
    url: str
    branch: str
    tag: str
    commit: str
    semver: str
    path: str
    auto_create_configuration: bool
    adopt: bool
    poll_interval_seconds: int
    webhook_poll_interval_seconds: int | None
    suspended: bool
    four_eyes: bool
    fail_on: str
    minimum_coverage: int
    minimum_killed: int
    id_prefix: str
    include: list[str] | None
    exclude: list[str] | None
    prune: bool
    allowed_signers: str
    allowed_openpgp_keys: str
    generation: int
    observed_generation: int
    last_commit: str
    last_ref: str
    last_synced_at: datetime | None
    last_delivery_at: datetime | None
    error_code: str
    error_message: str
    error_since: datetime | None
    held: dict[str, Any] | None
    expected_commit: str
    expected_until: datetime | None
    requested_seq: int
    served_seq: int
    counts: Mapping[str, int]
    let_off: str
    cases_not_run: int
    created_at: datetime
    updated_at: datetime
    status: str
    broken_glass: bool | None
    has_webhook_secret: bool
    has_access_token: bool
    credential: str | None
    credential_expires_at: datetime | None
    credential_expiring: bool | None
    host: str
    credential_digest: str
    next_poll_at: datetime | None
    last_polled_at: datetime | None
    asked: bool
    put_off: int
    limited_until: datetime | None
    waits_since: datetime | None


_SHARED = {
    "credential": "name", "credential_expires_at": "expires_at", "credential_expiring": "expiring",
}  # fmt: skip
_POLLED = Listed._fields[Listed._fields.index("host") :]
# The same in each row: as on most days, what else a link shows need not be asked for.
_ANY_REFUSED, _ANY_TROUBLE = "any_refused", "any_trouble"
_READ = {
    "key": WrittenUUID(F("pk")),
    **{name: F(f"remote__shared__{column}") for name, column in _SHARED.items()},
    **{name: F(f"remote__{name}") for name in _POLLED},
    "has_webhook_secret": ExpressionWrapper(~Q(webhook_secret=""), output_field=BooleanField()),
    "has_access_token": ExpressionWrapper(~Q(remote__credential=""), output_field=BooleanField()),
}
_OWN = tuple(name for name in Listed._fields if name not in _READ)


def columns(rows: QuerySet[Any, Any]) -> QuerySet[Any, dict[str, Any]]:
    """The columns of links of `with_status`; of a secret only whether it is set."""
    trouble = ExpressionWrapper(hosts.any_trouble(), output_field=BooleanField())
    others = {_ANY_REFUSED: Exists(refused()), _ANY_TROUBLE: trouble}
    return rows.values(*_OWN, **_READ, **others)


def links(columns: Columns) -> list[Listed]:
    """The links of `columns` as read."""
    own = (columns[name] for name in Listed._fields)
    return list(map(Listed._make, zip(*own, strict=True)))


def columns_of(rows: Sequence[Listed]) -> Columns:
    """The columns of links as read."""
    read = zip(*rows, strict=True) if rows else repeat((), len(Listed._fields))
    return dict(zip(Listed._fields, read, strict=True))


def any_refused(columns: Columns) -> bool:
    """Whether there is any configuration in force that would be refused now."""
    return any(columns[_ANY_REFUSED][:1])


def any_trouble(columns: Columns) -> bool:
    """Whether there is any resting host or paused credential."""
    return any(columns[_ANY_TROUBLE][:1])
