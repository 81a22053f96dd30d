"""The schedule of polls, computed by the database from a remote's row."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, DateTimeField, F, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler

_EPOCH = datetime.fromtimestamp(0, UTC)
_US = timedelta(microseconds=1)


def next_turn(now: datetime) -> Combinable:
    """A remote's first scheduled poll after `now`, as an expression over its row.

    The offset within the interval never moves: remotes spread evenly without jitter and do not
    bunch up over time, and a missed poll is skipped.
    """
    interval_us = _microseconds(F("interval_seconds"))
    phase_us = F("phase_us") % interval_us
    turn = (_since_epoch(now) - phase_us) / interval_us + 1
    return _Moment(turn * interval_us + phase_us)


def turn(now: datetime, *, interval_seconds: int, phase_us: int) -> datetime:
    """The same moment, of a row that was read."""
    interval_us = interval_seconds * 1_000_000
    phase_us %= interval_us
    turns = ((now - _EPOCH) // _US - phase_us) // interval_us + 1
    return _EPOCH + (turns * interval_us + phase_us) * _US


def after(now: datetime, seconds: Combinable) -> Combinable:
    """The moment `seconds` after `now`; `seconds` is an expression over a row."""
    return _Moment(_since_epoch(now) + _microseconds(seconds))


def _since_epoch(now: datetime) -> Value:
    """The microseconds from 1970 to `now`."""
    return Value((now - _EPOCH) // _US, output_field=BigIntegerField())


def _microseconds(seconds: Combinable) -> Combinable:
    return Cast(seconds, BigIntegerField()) * 1_000_000


class _Moment(Func):
    """The database's own form of a time, from microseconds since 1970."""

    output_field = DateTimeField()
    arity = 1

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        template = "(timestamptz 'epoch' + (%(expressions)s) * interval '1 microsecond')"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, Any]:
        moment, params = compiler.compile(self.source_expressions[0])
        seconds = f"strftime('%%Y-%%m-%%d %%H:%%M:%%S', ({moment}) / 1000000, 'unixepoch')"
        return f"{seconds} || printf('.%%06d', ({moment}) %% 1000000)", (*params, *params)
