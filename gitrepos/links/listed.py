"""A link as lists read it: plain columns, without its secrets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db.models import BooleanField, Exists, ExpressionWrapper, Q, QuerySet

from configurations.queries import refused
from gitrepos.polling import hosts
from gitrepos.polling.hosts import Polled


class Listed(NamedTuple):
    """A link of `with_status`; `shared` are name, end and nearness of the end of its credential."""

    pk: UUID
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
    created_at: datetime
    updated_at: datetime
    status: str
    broken_glass: bool | None
    has_webhook_secret: bool
    has_access_token: bool
    shared: tuple[str | None, datetime | None, bool | None]
    remote: Polled

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        """A link of a row of `columns`."""
        return cls._make((*_own(raw), _shared(raw), Polled._make(_polled(raw))))


_OWN = Listed._fields[:-2]
_SHARED = tuple(f"remote__shared__{name}" for name in ("name", "expires_at", "expiring"))
_POLLED = tuple(f"remote__{name}" for name in Polled._fields)
_own, _shared, _polled = itemgetter(*_OWN), itemgetter(*_SHARED), itemgetter(*_POLLED)
# The same in each row: as on most days, what else a link shows need not be asked for.
_ANY_REFUSED, _ANY_TROUBLE = "any_refused", "any_trouble"
_SET = {
    "has_webhook_secret": ExpressionWrapper(~Q(webhook_secret=""), output_field=BooleanField()),
    "has_access_token": ExpressionWrapper(~Q(remote__credential=""), output_field=BooleanField()),
}


def columns(rows: QuerySet[Any, Any]) -> QuerySet[Any, dict[str, Any]]:
    """The columns of links of `with_status`; of a secret only whether it is set."""
    own = [name for name in _OWN if name not in _SET]
    trouble = ExpressionWrapper(hosts.any_trouble(), output_field=BooleanField())
    others = {_ANY_REFUSED: Exists(refused()), _ANY_TROUBLE: trouble}
    return rows.values(*own, *_SHARED, *_POLLED, **_SET, **others)


def any_refused(raws: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there is any configuration in force that would be refused now."""
    return any(raw[_ANY_REFUSED] for raw in raws[:1])


def any_trouble(raws: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there is any resting host or paused credential."""
    return any(raw[_ANY_TROUBLE] for raw in raws[:1])
