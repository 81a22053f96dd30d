"""Preparation of database and broker, before the parts start; in a process of its own.

What is printed is for whoever started the control plane; of a failure the last line says why.
"""

import io
import sys
import time

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from keeptrusts import database, redis_client
from keeptrusts.servers import failures

_BROKER_SECONDS = 15.0


def look(*_: str) -> None:
    """Look whether the database answers, and what is doubtful about the broker's url."""
    for line in redis_client.warnings(settings.ENV.redis_url):
        print(line, flush=True)
    try:
        connection.ensure_connection()
    except Error as exc:
        sys.exit(refused(exc))


def prepare(shown: str = "") -> None:
    """Migrate, and make the first token; prints where that is, at last.

    `shown` is not empty for a terminal, which may show the token itself.
    """
    try:
        _wait_for_broker()
        if _unmigrated():
            print("preparing the database…", flush=True)
            with database.alone():
                call_command("migrate", interactive=False, verbosity=0)
        # With another KEEPTRUSTS_SECRET_KEY than the database's, nothing is sealed, signed or run.
        call_command("check_signing_key")
        forget_claims()
        print(call_command("first_token", show=bool(shown), stdout=io.StringIO()))
    except Error as exc:
        sys.exit(refused(exc))
    except CommandError as exc:
        sys.exit(str(exc))


def forget_claims(*_: str) -> None:
    """End the claims of dead workers, where the parent's lock proves that no others exist."""
    try:
        if not settings.ENV.database_url and not settings.ENV.redis_url:
            call_command("forget_claims")
    except Error as exc:
        sys.exit(refused(exc))


def refused(exc: Error) -> str:
    """One line for a database that cannot be used, with the setting that names it."""
    failure = failures.of(exc)
    what = failure.message if failure else "The database cannot be prepared."
    name = "DATABASE_URL" if settings.ENV.database_url else "KEEPTRUSTS_DATA_DIR"
    return f"{name}: {what} It says: {' '.join(str(exc).split())}"


def _wait_for_broker() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL, **redis_client.OPTIONS)
    until = time.monotonic() + _BROKER_SECONDS
    while True:
        try:
            client.ping()
        except redis.RedisError as exc:
            if time.monotonic() > until:
                sys.exit(f"{_broker()} does not answer: {exc}")
            time.sleep(0.05)
        else:
            client.close()
            return


def _broker() -> str:
    """The broker in words; a url of the operator's may hold a password."""
    env = settings.ENV
    return "REDIS_URL: the server" if env.redis_url else f"the broker at {settings.REDIS_URL}"


def _unmigrated() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
