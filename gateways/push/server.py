"""`python -m gateways.push.server`: the process of gateways, their event streams included."""

import os

import django
from django.conf import settings
from django.utils.module_loading import import_string

from keeptrusts import database
from keeptrusts.processes.process import die_with_parent


def main() -> None:
    """Serve until a signal ends the process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
    die_with_parent()
    database.bound_statements(database.WEB_SECONDS)
    django.setup()
    _serve()


def _serve() -> None:
    # Modules that need Django's applications.
    from gateways.feed.feed import Feed
    from gateways.push.asgi import Application
    from gateways.push.batches import Batches
    from gateways.push.hub import Hub
    from gateways.push.reporting import Reporting
    from keeptrusts.serving.server import exit_to, serve

    streams = import_string(settings.STREAMS)

    def is_of_web(asked: str) -> bool:
        return streams.fullmatch(asked) is None

    hub, reporting, batches, feed = Hub(), Reporting(), Batches(), Feed()

    def close() -> None:
        hub.close()
        feed.close()

    serve(
        Application(hub, reporting, batches, feed),
        (hub.running(), reporting.running(), batches.running(), feed.running()),
        host=settings.ENV.events_host,
        port=settings.ENV.events_port,
        most_connections=settings.ENV.events_connections,
        inlet=settings.STREAMS_INLET,
        elsewhere=exit_to(settings.WEB_INLET, is_of_web, only_guests=True),
        on_shutdown=close,
    )


if __name__ == "__main__":
    main()
