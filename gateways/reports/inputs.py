"""Forms of reports and of batches of decisions, as gateways send them."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from rest_framework import serializers

from configurations.checks import ID
from configurations.serializers import Id
from keeptrusts.api.fields import Choice, Flag, Input, Line, Whole

_LARGEST = 2**63 - 1
# One is of a few hundred; it is read in an event loop.
MAX_REPORT_BYTES = 64 << 10
_MOST_COUNTERS = 50
_LONGEST_NAME = 100
_FIRST_YEAR, _LAST_YEAR = 1, 9999


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and text.isprintable()


class Counts(serializers.DictField):
    """A mapping of names to numbers."""

    json_schema = {
        "maxProperties": _MOST_COUNTERS,
        "propertyNames": {"maxLength": _LONGEST_NAME},
    }
    child = Whole(min_value=0, max_value=_LARGEST)

    def to_internal_value(self, data: Any) -> dict[str, int]:
        if isinstance(data, dict) and not (
            len(data) <= _MOST_COUNTERS and all(map(_is_name, data))
        ):
            raise serializers.ValidationError(
                f"at most {_MOST_COUNTERS} counters, names of at most {_LONGEST_NAME} printable"
                " characters"
            )
        counts: dict[str, int] = super().to_internal_value(data)
        return counts


class RunningInput(Input):
    """The version that a gateway enforces now."""

    configuration = Id()
    version = Whole(min_value=1, max_value=2**31 - 1)
    content_hash = serializers.RegexField(r"\A[0-9a-f]{64}\Z")
    publish_seq = Whole(min_value=0, max_value=_LARGEST)
    since = serializers.DateTimeField()


class RunningKeysInput(Input):
    """The list of client keys that a gateway asks for now."""

    keys_seq = Whole(min_value=0, max_value=_LARGEST)
    since = serializers.DateTimeField()


class ProblemInput(Input):
    """A problem of a gateway; `code` is stable."""

    code = serializers.RegexField(r"\A[a-z_]{1,40}\Z")
    message = Line(max_length=1000, allow_blank=True)


class ReportInput(Input):
    """`POST /v1/gateways/{id}/report`."""

    running = RunningInput(allow_null=True)
    client_keys = RunningKeysInput(required=False, allow_null=True, default=None)
    health = Choice(["ok", "degraded"])
    problem = ProblemInput(allow_null=True)
    kt_version = Line(max_length=40)
    started_at = serializers.DateTimeField()
    stopping = Flag()
    counters = Counts()
    stream = Flag()


class DecisionsInput(Input):
    """`POST /v1/gateways/{id}/decisions`; `decisions.take` checks the events."""

    batch = Whole(min_value=0, max_value=_LARGEST)
    events = serializers.ListField(child=serializers.DictField(), max_length=500)
    dropped = Whole(min_value=0, max_value=_LARGEST)


_Count = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Running(msgspec.Struct, forbid_unknown_fields=True):
    configuration: Annotated[str, msgspec.Meta(pattern=rf"\A{ID.pattern}\Z")]
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    content_hash: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    publish_seq: _Count
    since: _Moment


class _RunningKeys(msgspec.Struct, forbid_unknown_fields=True):
    keys_seq: _Count
    since: _Moment


_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_]{1,100}\Z")]


class _Healthy(msgspec.Struct, forbid_unknown_fields=True):
    """A report of a gateway without a problem, which nearly all are."""

    running: _Running | None
    health: Literal["ok", "degraded"]
    problem: None
    kt_version: Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z.+]{1,40}\Z")]
    started_at: _Moment
    stopping: bool
    counters: Annotated[dict[_Name, _Count], msgspec.Meta(max_length=_MOST_COUNTERS)]
    stream: bool
    client_keys: _RunningKeys | None = None


def report_of(data: Any) -> dict[str, Any]:
    """A report, checked by `ReportInput`; a healthy one by a shorter way to the same values.

    Raises:
        ValidationError: it has not the form of a report.
    """
    report = _healthy(data)
    if report is None:
        return _checked(ReportInput, data)
    return dict(msgspec.to_builtins(report, builtin_types=(datetime,)))


def _healthy(data: Any) -> _Healthy | None:
    """A report of a healthy gateway; None for one that the whole check has to look at."""
    try:
        report = msgspec.convert(data, _Healthy)
    except msgspec.ValidationError:
        return None
    parts = (report.running, report.client_keys)
    moments = [report.started_at, *(part.since for part in parts if part is not None)]
    # Near the ends there are times that UTC has not.
    return report if all(_FIRST_YEAR < one.year < _LAST_YEAR for one in moments) else None


def decisions_of(data: Any) -> dict[str, Any]:
    """A batch of decisions, checked by `DecisionsInput`.

    Raises:
        ValidationError: it has not the form of a batch.
    """
    return _checked(DecisionsInput, data)


def _checked(form: type[Input], data: Any) -> dict[str, Any]:
    checked = form(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
