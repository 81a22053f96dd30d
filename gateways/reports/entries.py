"""Decisions as gateways send them: checked, bounded and marked. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.utils.dateparse import parse_datetime

from keeptrusts.api.errors import FieldError
from kt.policy.language import VERDICTS

# Twice what a gateway keeps in its spool, and four times what it sends at once.
MOST_BYTES = 32 << 10
MOST_BATCH_BYTES = 1 << 20
# Clocks differ; what is spooled for days is older by as much, and honest.
_MOST_AHEAD = timedelta(hours=1)
_MOST_LEVELS = 32
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

TIME_IMPLAUSIBLE = "time_implausible"
FOREIGN_CONFIGURATION = "foreign_configuration"
UNKNOWN_VERDICT = "unknown_verdict"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The time at which a batch came, and how old its events may be; whose it is.

    `configurations` are the ids of those that its gateway is or was bound to.
    """

    at: datetime
    oldest: datetime
    configurations: Collection[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision as it is stored. `marks` says which of its fields cannot be as they are sent."""

    event_id: str
    at: datetime
    configuration: str
    verdict: str
    policy: str
    event: Mapping[str, Any]
    marks: tuple[str, ...]
    size_bytes: int


def read(event: Mapping[str, Any], number: int, arrival: Arrival) -> Entry:
    """An event of a batch, `number` of which names it in errors.

    A time that is out of the window becomes that of arrival. A configuration that its gateway was
    never bound to, and a verdict that there is none of, do not count. Each is marked, and the event
    stays as it was sent.

    Raises:
        FieldError: it cannot be stored.
    """
    where = f"events.{number}"
    name, config = event.get("id"), event.get("config")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise FieldError(f"{where}.id", "must be 1 to 64 letters, digits and dashes")
    kept, size_bytes = _storable(event, where)
    if not isinstance(config, dict | None):
        raise FieldError(f"{where}.config", "must be an object or null")
    moment = _moment(event.get("time"), where)
    configuration = _text(kept.get("config") or {}, "id", f"{where}.config", longest=200)
    verdict = _text(kept, "verdict", where, longest=20)
    doubts = {
        TIME_IMPLAUSIBLE: not arrival.oldest <= moment <= arrival.at + _MOST_AHEAD,
        FOREIGN_CONFIGURATION: configuration not in ("", *arrival.configurations),
        UNKNOWN_VERDICT: verdict not in ("", *VERDICTS),
    }
    return Entry(
        event_id=name,
        at=arrival.at if doubts[TIME_IMPLAUSIBLE] else moment,
        configuration="" if doubts[FOREIGN_CONFIGURATION] else configuration,
        verdict="" if doubts[UNKNOWN_VERDICT] else verdict,
        policy=_text(kept, "policy", where, longest=200),
        event=kept,
        marks=tuple(mark for mark, holds in doubts.items() if holds),
        size_bytes=size_bytes,
    )


def _moment(at: Any, where: str) -> datetime:
    try:
        moment = parse_datetime(at) if isinstance(at, str) else None
        if moment is not None and moment.tzinfo is not None:
            # Which fails past the years 1 to 9999: nobody could read such a row again.
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FieldError(f"{where}.time", "must be a time such as 2026-01-31T12:00:00Z")


def _storable(event: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], int]:
    """An event in a form that every database can store, and its bytes as JSON."""
    try:
        text = orjson.dumps(event)
    except orjson.JSONEncodeError as exc:
        raise _too_deep(where) from exc
    if len(text) > MOST_BYTES:
        raise FieldError(where, f"must have at most {MOST_BYTES:,} bytes, and has {len(text):,}")
    if rb"\u0000" in text or text.count(b"[") + text.count(b"{") > _MOST_LEVELS:
        kept: Mapping[str, Any] = _kept(event, where, _MOST_LEVELS)
        return kept, len(text)
    return event, len(text)


def _kept(value: Any, where: str, levels: int) -> Any:
    """A value without NUL, which PostgreSQL does not store in texts."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if not isinstance(value, dict | list):
        return value
    if not levels:
        raise _too_deep(where)
    if isinstance(value, list):
        return [_kept(one, where, levels - 1) for one in value]
    return {_kept(k, where, 0): _kept(v, where, levels - 1) for k, v in value.items()}


def _too_deep(where: str) -> FieldError:
    return FieldError(where, f"must not nest deeper than {_MOST_LEVELS} levels")


def _text(fields: Mapping[str, Any], name: str, where: str, *, longest: int) -> str:
    """A text of at most `longest` characters; empty for one that is null or missing."""
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise FieldError(f"{where}.{name}", "must be a string or null")
    return (value or "")[:longest]
