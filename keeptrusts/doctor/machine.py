"""Checks of what every part stands on: database, broker, beat, clocks, disk, secret key."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection

from keeptrusts import redis_client, times
from keeptrusts.doctor import upgrade
from keeptrusts.doctor.findings import Finding
from keeptrusts.processes import heartbeat, parts
from keeptrusts.redis_client import client
from keeptrusts.servers import failures

# Tokens, leases and times of versions are compared between machines.
_MOST_SKEW_SECONDS = 5.0
_LITTLE_BYTES = 1 << 30
_LEAST_BYTES = 64 << 20


def findings() -> Iterator[Finding]:
    """What is found on this machine, and of the servers that it is set to use."""
    yield from _database()
    yield from _broker()
    yield from _disk()
    yield from _parts()


def _database() -> Iterator[Finding]:
    name = "DATABASE_URL" if settings.ENV.database_url else "KEEPTRUSTS_DATA_DIR"
    try:
        with connection.cursor() as cursor:
            missing = len(upgrade.missing())
            yield Finding("database", "ok", f"{connection.display_name} answers")
            if missing:
                yield Finding(
                    "migrations", "wrong", f"{missing} are missing",
                    "start one control plane of this release, which migrates, or run"
                    " manage.py migrate",
                )  # fmt: skip
            if connection.vendor == "postgresql":
                cursor.execute("SELECT clock_timestamp(), current_setting('transaction_read_only')")
                there, read_only = cursor.fetchone()
                yield from _clock("the database", there.timestamp())
                if read_only == "on":
                    yield Finding(
                        "database", "wrong", "it can only be read",
                        f"have {name} name the primary, and no standby",
                    )  # fmt: skip
    except Error as exc:
        failure = failures.of(exc)
        words = failure.message if failure else f"it fails: {' '.join(str(exc).split())}"
        yield Finding("database", "wrong", words, f"see {name} in docs/operating.md")


def _broker() -> Iterator[Finding]:
    try:
        told: Any = client().time()
        client().set("keeptrusts:doctor", 1, ex=1)
    except redis.RedisError as exc:
        failure = failures.of(exc) or failures.BROKER_BROKEN
        own = "it is the control plane's own, and ends with it: is one up on this data folder?"
        helps = "see REDIS_URL in docs/operating.md" if settings.ENV.redis_url else own
        yield Finding("broker", "wrong", failure.message, helps)
        return
    yield Finding("broker", "ok", "Redis answers, and can be written")
    for line in redis_client.warnings(settings.ENV.redis_url):
        yield Finding("broker", "warning", line.removeprefix("warning: REDIS_URL: "))
    seconds, microseconds = told
    yield from _clock("the broker", seconds + microseconds / 1e6)
    try:
        age = heartbeat.age_seconds()
    except redis.RedisError as exc:
        yield Finding("beat", "wrong", f"its last tick cannot be read: {exc}")
        return
    if age is None or age >= heartbeat.STALE_SECONDS:
        since = "in the last minute" if age is None else f"for {age:.0f} s"
        yield Finding(
            "beat", "wrong", f"no tick ran {since}",
            "is `manage.py up` running, with beat and poller among its roles?",
        )  # fmt: skip
    else:
        yield Finding("beat", "ok", "it ticks, and a poller works")


def _clock(whose: str, there: float) -> Iterator[Finding]:
    apart = there - time.time()
    if abs(apart) <= _MOST_SKEW_SECONDS:
        yield Finding("clock", "ok", f"this machine and {whose} have the same time")
        return
    way = "ahead of" if apart > 0 else "behind"
    yield Finding(
        "clock", "wrong", f"{whose} is {abs(apart):.0f} s {way} this machine"
        f" ({times.to_the_second(datetime.now(UTC))})",
        "have both follow a time server (chrony, systemd-timesyncd)",
    )  # fmt: skip


def _disk() -> Iterator[Finding]:
    folder = settings.ENV.data_dir
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if disk.f_flag & os.ST_RDONLY or free < _LEAST_BYTES:
        yield Finding(
            "disk", "wrong", f"{folder} has {free >> 20} MiB left, or can only be read",
            "make room: fetches and, of the embedded default, the database are there",
        )  # fmt: skip
    elif free < _LITTLE_BYTES:
        yield Finding("disk", "warning", f"{folder} has {free >> 20} MiB left", "make room soon")
    else:
        yield Finding("disk", "ok", f"{folder} has {free >> 30} GiB left")


def _parts() -> Iterator[Finding]:
    for part, wrong in parts.down(settings.ENV.data_dir).items():
        yield Finding(part, "wrong", wrong, "its lines in the log of `manage.py up` say why")
