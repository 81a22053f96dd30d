"""The process of the API, and of pages. It is imported once Django is set up."""

import structlog
from django.conf import settings
from django.db import Error, connection
from django.utils.module_loading import import_string

from keeptrusts import database
from keeptrusts.serving import doors
from keeptrusts.serving.attempts import Attempts
from keeptrusts.serving.bridge import Bridge
from keeptrusts.serving.limits import Limits
from keeptrusts.serving.places import Places
from keeptrusts.serving.requests import Application
from keeptrusts.serving.server import exit_to, serve
from keeptrusts.wsgi import application

log = structlog.get_logger(__name__)

# Requests at work on anything but health checks. They wait for the database most of their time.
_PLACES = 16
_MOST_CONNECTIONS = 4096


def main(number: str = "1", count: str = "1") -> None:
    """Serve until a signal ends the process, as one of so many that share a port."""
    database.bound_statements(database.WEB_SECONDS)
    shares = {door.name: door.places for door in doors.sharing()}
    health = doors.HEALTH.places
    bridge = Bridge(application, threads=_PLACES + health)
    places, health_places = Places(_PLACES, shares), Places(health, {doors.HEALTH.name: health})
    serve(
        Application(
            bridge,
            places,
            health_places=health_places,
            attempts=_attempts(),
            limits=Limits(settings.ENV.requests_per_minute),
        ),
        (),
        host=settings.ENV.listen_host,
        port=settings.ENV.listen_port,
        most_connections=_MOST_CONNECTIONS,
        inlet=settings.WEB_INLET if number == "1" else None,
        is_shared=count != "1",
        elsewhere=exit_to(settings.STREAMS_INLET, import_string(settings.STREAMS).fullmatch),
    )


def _attempts() -> Attempts:
    """Attempts that know every credential there is, so that a restart slows nobody."""
    attempts = Attempts()
    for name in settings.CREDENTIALS:
        try:
            attempts.learn(import_string(name)())
        except Error as exc:
            log.warning("credentials are learned when they are used", error=str(exc))
    connection.close()
    return attempts
