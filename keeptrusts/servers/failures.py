"""Faults of the database, the broker and the judge, distinguished from bugs.

Sources: PostgreSQL's manual, appendix A (SQLSTATE); sqlite.org/rescode.html; redis-py's exceptions.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import redis
from django.db import InterfaceError, OperationalError

from keeptrusts.judge.errors import JudgeFailedError


@dataclass(frozen=True, slots=True)
class Failure:
    """A fault of a server and not of the program.

    `server` is `database`, `broker` or `judge`. `message` is for people, and has nothing of the
    error's own text, which may name hosts and users. `lasts`: it does not pass by itself in
    seconds.
    """

    server: str
    message: str
    lasts: bool = False


def _database(message: str, *, lasts: bool = False) -> Failure:
    return Failure("database", f"The database {message}.", lasts)


def _broker(message: str, *, lasts: bool = False) -> Failure:
    return Failure("broker", f"The broker {message}.", lasts)


SILENT = _database("does not answer")
READ_ONLY = _database("is read-only: nothing can be written", lasts=True)
FULL = _database("has no space left on its disk", lasts=True)
CROWDED = _database("has no free connection")
ENDING = _database("is starting or stopping")
REFUSING = _database("refuses its user, password or name", lasts=True)
FORBIDDEN = _database("forbids this to its user", lasts=True)
NO_MEMORY = _database("has no memory left")
LATE = _database("did not end a statement in time")
BUSY = _database("is locked by other writers")
DISK = _database("cannot use its disk", lasts=True)
DAMAGED = _database("is damaged", lasts=True)
UNMIGRATED = _database("is not migrated: run `manage.py migrate`", lasts=True)
BROKEN = _database("failed with an internal error")
BROKER_SILENT = _broker("does not answer")
BROKER_BROKEN = _broker("failed with an internal error")

# By whole code or by class, its first two characters; the whole code counts first.
_STATES: Mapping[str, Failure] = {
    "08": SILENT,
    "25006": READ_ONLY,
    "25P03": LATE,
    "25P04": LATE,
    "28": REFUSING,
    "3D": REFUSING,
    "40": BUSY,
    "42501": FORBIDDEN,
    "42703": UNMIGRATED,
    "42P01": UNMIGRATED,
    "53": NO_MEMORY,
    "53100": FULL,
    "53300": CROWDED,
    "53400": CROWDED,
    "55P03": BUSY,
    "57": ENDING,
    "57014": LATE,
    "57P04": REFUSING,
    "57P05": SILENT,
    "58": DISK,
    "F0": DISK,
    "XX000": BROKEN,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}

# A connection that is refused has no code, only the server's words.
_REFUSALS: Mapping[str, Failure] = {
    "too many clients|connection slots are reserved|too many connections|no more connections": (
        CROWDED
    ),
    "starting up|shutting down|recovery mode|not (yet )?accepting connections": ENDING,
    "authentication failed|no pg_hba.conf entry|does not exist|no password supplied"
    "|not permitted to log in|permission denied": REFUSING,
    "No space left on device": FULL,
}

# The primary code is the last byte of an extended one.
_SQLITE: Mapping[int, Failure] = {
    3: FORBIDDEN,  # PERM
    5: BUSY,
    6: BUSY,  # LOCKED
    7: NO_MEMORY,
    8: READ_ONLY,
    9: LATE,  # INTERRUPT
    10: DISK,  # IOERR
    11: DAMAGED,  # CORRUPT
    13: FULL,
    14: DISK,  # CANTOPEN
    15: BUSY,  # PROTOCOL: the lock of its journal
    23: FORBIDDEN,  # AUTH
    26: DAMAGED,  # NOTADB
}
_MISSING = re.compile("no such (table|column)|has no column named")

_REDIS: Mapping[type[redis.RedisError], Failure] = {
    redis.OutOfMemoryError: _broker("has no memory left: it is at `maxmemory`", lasts=True),
    redis.ReadOnlyError: _broker("is read-only: nothing can be written", lasts=True),
    redis.BusyLoadingError: _broker("is starting"),
    redis.AuthenticationError: _broker("refuses its user or password", lasts=True),
    redis.exceptions.NoPermissionError: _broker("forbids this to its user", lasts=True),
    redis.exceptions.ClusterDownError: BROKER_SILENT,
    redis.exceptions.MasterDownError: BROKER_SILENT,
    redis.exceptions.ExecAbortError: _broker("refuses writes"),
    redis.TimeoutError: BROKER_SILENT,
    redis.ConnectionError: BROKER_SILENT,
}
# Those of which redis-py makes no class, by the first word.
_REDIS_WORDS: Mapping[str, Failure] = {
    "BUSY": _broker("is busy with a script of somebody's"),
    "MISCONF": _broker("cannot write to its disk, and refuses writes", lasts=True),
    "NOREPLICAS": _broker("has too few replicas, and refuses writes", lasts=True),
    "UNKILLABLE": _broker("is busy with a script of somebody's"),
}


def of(exc: BaseException) -> Failure | None:
    """The fault of a server behind an exception or its causes; None for a bug."""
    chain = list(_causes(exc))
    for link in chain:
        if isinstance(link, JudgeFailedError):
            return Failure("judge", str(link))
        if isinstance(link, redis.RedisError):
            return _of_redis(link)
        if (code := getattr(link, "sqlite_errorcode", None)) is not None:
            return _SQLITE.get(code & 0xFF) or (UNMIGRATED if _MISSING.search(str(link)) else None)
        if state := getattr(link, "sqlstate", None):
            return next((_STATES[state[:n]] for n in (5, 2) if state[:n] in _STATES), None)
    if any(isinstance(link, OperationalError | InterfaceError) for link in chain):
        words = str(chain[-1])
        return next((fault for form, fault in _REFUSALS.items() if re.search(form, words)), SILENT)
    return None


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__


def _of_redis(exc: redis.RedisError) -> Failure | None:
    found = next((fault for kind, fault in _REDIS.items() if isinstance(exc, kind)), None)
    return found or _REDIS_WORDS.get(str(exc).partition(" ")[0])
