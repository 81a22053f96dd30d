"""A gateway with what it reported last, which is in the database, or newer in Redis."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.db.models import QuerySet

from configurations.seen import Seen
from gateways.models import Gateway
from gateways.reports.live import LastReport
from gateways.reports.reports import Claim, Essence
from keeptrusts.api.lists.labels import HasLabels
from keeptrusts.database import compiled_columns

Pairs = tuple[tuple[str, str], ...]

# The hash of what a gateway runs, where that is of a configuration that is not seen.
HIDDEN = "hidden"
_BEFORE = "reported about what it was bound to before"


class Stored(NamedTuple):
    """A gateway with its last report, whose columns are None when it never reported."""

    pk: str
    bound_id: str | None
    bound_seq: int
    bound__publish_seq: int | None
    bound__content_hash: str | None
    created_at: datetime
    bound_at: datetime | None
    ambiguous: bool
    state__last_seen_at: datetime | None
    state__stopping: bool | None
    state__running_configuration: str | None
    state__running_version: int | None
    state__running_hash: str | None
    state__running_seq: int | None
    state__running_since: datetime | None
    state__handed_hash: str | None
    state__problem_code: str | None
    state__problem_message: str | None
    state__problem_since: datetime | None
    client_keys: str
    keys_seq: int
    state__keys_seq: int | None
    state__keys_since: datetime | None

    @property
    def keys(self) -> Mapping[str, Any] | None:
        """The list of client keys that it should have and has; None where there never was any."""
        if not self.client_keys and self.state__keys_seq is None:
            return None
        wanted = self.keys_seq if self.client_keys else None
        return {
            "setting": self.client_keys or None,
            "desired_seq": wanted,
            "running_seq": self.state__keys_seq,
            "running_since": self.state__keys_since,
            "arrived": wanted == self.state__keys_seq,
        }

    @property
    def claim(self) -> Claim:
        """The configuration, version and content hash that it runs."""
        if not self.state__running_hash:
            return None, None, None
        return (
            self.state__running_configuration, self.state__running_version,
            self.state__running_hash,
        )  # fmt: skip

    def narrowed(self, seen: Seen, *, ambiguous: bool) -> Self:
        """The same without what it ran, was handed or reported of what is not seen.

        It is bound to what is seen, and may have been bound to something else before.
        """
        row = self._replace(ambiguous=ambiguous)
        if self.state__handed_hash != self.bound__content_hash:
            row = row._replace(state__handed_hash="")
        since, bound_at = self.state__problem_since, self.bound_at
        if since is None or bound_at is None or since < bound_at:
            row = row._replace(state__problem_message=_BEFORE)
        if self.state__running_hash and self.state__running_configuration not in seen:
            row = row._replace(
                state__running_configuration="", state__running_version=None,
                state__running_hash=HIDDEN, state__running_seq=0,
            )  # fmt: skip
        return row

    @property
    def is_ahead(self) -> bool:
        """Whether it was told something newer than the database knows, or something else."""
        runs, desired = self.state__running_seq or 0, self.bound__publish_seq
        if desired is None or not self.state__running_hash:
            return False
        desired = max(desired, self.bound_seq)
        is_other = self.state__running_hash != self.bound__content_hash
        is_refusing = self.state__problem_code == "statement_older"
        return runs > desired or (runs == desired and is_other and is_refusing)

    def after(self, seen: LastReport | None) -> Self:
        """The same with a report in Redis, if that is later.

        The database has it, too, unless it was restored: then it has an older one.
        """
        essence = Essence.read(seen.essence) if seen else None
        last = self.state__last_seen_at
        if seen is None or essence is None or seen.at <= (last or self.created_at):
            return self
        publish_seq, _, stopping, _, _, keys_seq = essence.rest
        is_new = last is None or self.claim != essence.running
        has_new_problem = last is None or self.state__problem_code != essence.problem
        configuration, version, content_hash = essence.running
        is_same = not is_new and self.state__stopping == stopping
        if (
            is_same
            and not has_new_problem
            and (publish_seq, keys_seq) == (self.state__running_seq, self.state__keys_seq)
        ):  # As most reports are; what remains of this is a tenth.
            values = *self[:_LAST_SEEN], seen.at, *self[_LAST_SEEN + 1 :]
            return type(self)._make(values)
        return self._replace(
            state__last_seen_at=seen.at,
            state__stopping=stopping,
            state__running_configuration=configuration,
            state__running_version=version,
            state__running_hash=content_hash,
            state__running_seq=publish_seq,
            state__running_since=seen.at if is_new else self.state__running_since,
            state__problem_code=essence.problem,
            state__problem_message="" if has_new_problem else self.state__problem_message,
            state__problem_since=seen.at if has_new_problem else self.state__problem_since,
            state__keys_seq=keys_seq,
        )


_LAST_SEEN = Stored._fields.index("state__last_seen_at")


def gateways() -> QuerySet[Gateway]:
    """All gateways that there are."""
    return Gateway.objects.filter(deleted_at=None)


def everybody() -> list[Stored]:
    """All gateways by id."""
    return list(map(Stored._make, zip(*_everybody().values(), strict=True)))


def chosen(gateway: str, configuration: str, labels: Pairs, seen: Seen) -> list[Stored]:
    """The gateways by id that are seen and have what is given."""
    named = {"pk": gateway, "bound": configuration}
    given = {name: value for name, value in named.items() if value}
    rows = gateways().filter(seen.where("bound__pk"), **given)
    rows = rows.filter(HasLabels("labels", labels)) if labels else rows
    return [Stored(**row) for row in _columns(rows)]


def _columns(rows: QuerySet[Gateway]) -> QuerySet[Any, Any]:
    read: QuerySet[Any, Any] = rows.order_by("pk").values(*Stored._fields)
    return read


_everybody = compiled_columns(lambda: _columns(gateways()))
