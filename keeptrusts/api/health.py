"""`/healthz`: is the whole stack up? `/readyz`: can this web process answer? No token needed."""

from collections.abc import Callable

import redis
import structlog
from django.db import Error as DatabaseError
from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts import counters
from keeptrusts.api.views import View
from keeptrusts.processes import heartbeat

log = structlog.get_logger(__name__)


class _Open(View):
    authentication_classes = ()
    permission_classes = ()


class Healthz(_Open):
    """200 once database, broker, worker and beat answer; 503 names those that do not."""

    def get(self, request: Request) -> Response:
        return _answer({"database": _database, "broker": _broker, "worker_and_beat": _ticking})


class Readyz(_Open):
    """200 when this process reaches its migrated database."""

    def get(self, request: Request) -> Response:
        return _answer({"database": _database})


def _answer(checks: dict[str, Callable[[], bool]]) -> Response:
    found = {name: "ok" if check() else "down" for name, check in checks.items()}
    down = [name for name, state in found.items() if state == "down"]
    if not down:
        return Response({"status": "ok", "checks": found})
    error = {
        "code": "not_ready",
        "message": f"Down: {', '.join(down)}.",
        "details": [{"check": name} for name in down],
    }
    return Response({"status": "down", "checks": found, "error": error}, status=503)


def _database() -> bool:
    try:
        counters.read()
    except DatabaseError as exc:
        log.warning("database check failed", error=str(exc))
        return False
    return True


def _broker() -> bool:
    try:
        heartbeat.age_seconds()
    except redis.RedisError as exc:
        log.warning("broker check failed", error=str(exc))
        return False
    return True


def _ticking() -> bool:
    try:
        return heartbeat.is_alive()
    except redis.RedisError:
        return False  # `broker` says so.
