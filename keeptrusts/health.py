"""`/healthz`: is the whole stack up? `/readyz`: can this web process answer? No token needed."""

from collections.abc import Callable

import redis
import structlog
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from keeptrusts import counters, heartbeat

log = structlog.get_logger(__name__)


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 once database, broker, worker and beat answer; 503 names those that do not."""
    return _answer({"database": _database, "broker": _broker, "worker_and_beat": _ticking})


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when this process reaches its migrated database."""
    return _answer({"database": _database})


def _answer(checks: dict[str, Callable[[], bool]]) -> JsonResponse:
    found = {name: "ok" if check() else "down" for name, check in checks.items()}
    down = [name for name, state in found.items() if state == "down"]
    if not down:
        return JsonResponse({"status": "ok", "checks": found})
    error = {
        "code": "not_ready",
        "message": f"Down: {', '.join(down)}.",
        "details": [{"check": name} for name in down],
    }
    return JsonResponse({"status": "down", "checks": found, "error": error}, status=503)


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
