"""Views of health, without a token: `/healthz` of the stack, `/readyz` of this process."""

import os
from collections.abc import Iterator

import redis
import structlog
from django.conf import settings
from django.db import Error, connection
from django.utils.module_loading import import_string
from prometheus_client import core
from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts import counters, metrics
from keeptrusts.api.errors import envelope
from keeptrusts.api.operations import Operation
from keeptrusts.api.shapes import HealthShape, UnhealthyShape
from keeptrusts.api.views import View
from keeptrusts.processes import heartbeat, parts
from keeptrusts.redis_client import client
from keeptrusts.servers import failures, outages
from keeptrusts.servers.probe import Findings, Probe

log = structlog.get_logger(__name__)

_KEY = "keeptrusts:health"
_KEY_SECONDS = 60
# With less, SQLite's journal or the next fetch fails.
_LEAST_FREE_BYTES = 1 << 20
_ANSWERS = {200: HealthShape, 503: UnhealthyShape}


class _Open(View):
    authentication_classes = ()
    permission_classes = ()


class Healthz(_Open):
    """200 when all parts run and database and broker work; 503 with the parts that are down."""

    described = {"GET": Operation("getHealth", "Says how this installation is.", whole=_ANSWERS)}

    def get(self, request: Request) -> Response:
        return _answer(_found())


def families() -> Iterator[core.Metric]:
    """For `/metrics`: what `/healthz` says, the room of the data folder, and counts of spans."""
    up = {name: float(not wrong) for name, wrong in _found().items()}
    yield metrics.gauge("keeptrusts_check_up", "1 for what /healthz calls ok, else 0.", up, "check")
    name, text = "keeptrusts_data_dir_free_bytes", "Bytes left on the disk of the data folder."
    yield metrics.gauge(name, text, _free_bytes())
    yield metrics.SPANS.family(metrics.totals())


def _free_bytes() -> int:
    """The room of the data folder; 0 for one that cannot be used, whose check says why."""
    try:
        disk = os.statvfs(settings.ENV.data_dir)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize


def _found() -> Findings:
    """What is wrong by check; empty where nothing is."""
    database, broker = _looked()
    return {**broker, **database, **parts.down(settings.ENV.data_dir)}


def _looked() -> tuple[Findings, Findings]:
    """What was found of the database and of the broker; `writes` is with the database."""
    looks = [probe.begin() for probe in (_DATABASE, _BROKER)]
    database, broker = (look.answer() for look in looks)
    writes = database["writes"] or broker["writes"] or outages.last_here()
    return {**database, "writes": writes}, broker


class Readyz(_Open):
    """200 when this process can read its migrated database, and something can be written."""

    described = {
        "GET": Operation("getReadiness", "Says whether this process can serve.", whole=_ANSWERS)
    }

    def get(self, request: Request) -> Response:
        found = _looked()[0]
        # What takes no process out of a balancer: each of them lacks it.
        of_all = settings.HEALTH
        return _answer({name: wrong for name, wrong in found.items() if name not in of_all})


def _answer(findings: Findings) -> Response:
    checks = {name: "down" if wrong else "ok" for name, wrong in findings.items()}
    down = {name: wrong for name, wrong in findings.items() if wrong}
    if not down:
        return Response({"status": "ok", "checks": checks})
    details = [{"check": name, "message": wrong} for name, wrong in down.items()]
    error = envelope("not_ready", f"Down: {', '.join(down)}.", details)
    return Response({"status": "down", "checks": checks, **error}, status=503)


def _look_at_database() -> Findings:
    try:
        counters.read()
        problems = {name: import_string(problem)() for name, problem in settings.HEALTH.items()}
        return {"database": "", "writes": _unwritable(), **problems}
    except Error as exc:
        log.warning("database check failed", error=str(exc))
        return {"database": (failures.of(exc) or failures.BROKEN).message, "writes": ""}
    finally:
        connection.close()


def _unwritable() -> str:
    """The reason why nothing can be written, found without writing; empty without one."""
    try:
        disk = os.statvfs(settings.ENV.data_dir)
    except OSError as exc:
        return f"The data folder cannot be used: {exc.strerror}."
    if disk.f_flag & os.ST_RDONLY:
        return "The disk of the data folder is read-only."
    if disk.f_bavail * disk.f_frsize < _LEAST_FREE_BYTES:
        return "The data folder has no space left on its disk."
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            if cursor.fetchone() == ("on",):
                return failures.READ_ONLY.message
    return ""


def _look_at_broker() -> Findings:
    try:
        # A write, since a broker that is full still answers reads.
        client().set(_KEY, 1, ex=_KEY_SECONDS)
        ticking = "" if heartbeat.is_alive() else "No tick ran in the last ten seconds."
        return {"broker": "", "worker_and_beat": ticking, "writes": outages.last()}
    except redis.RedisError as exc:
        log.warning("broker check failed", error=str(exc))
        return _unknown((failures.of(exc) or failures.BROKER_BROKEN).message)


def _unknown(wrong: str) -> Findings:
    return {
        "broker": wrong,
        "worker_and_beat": "Unknown while the broker is down.",
        "writes": "",
    }


_DATABASE = Probe(_look_at_database, silent={"database": failures.SILENT.message, "writes": ""})
_BROKER = Probe(_look_at_broker, silent=_unknown(failures.BROKER_SILENT.message))
