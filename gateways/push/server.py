"""`python -m gateways.push.server`: the process of gateways, their event streams included."""

import os

import django
from django.conf import settings

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
    from gateways.push.asgi import Application
    from gateways.push.batches import Batches
    from gateways.push.hub import Hub
    from gateways.push.reporting import Reporting
    from keeptrusts.serving.server import serve

    hub, reporting, batches = Hub(), Reporting(), Batches()
    serve(
        Application(hub, reporting, batches),
        (hub.running(), reporting.running(), batches.running()),
        host=settings.ENV.events_host,
        port=settings.ENV.events_port,
        most_connections=settings.ENV.events_connections,
        on_shutdown=hub.close,
    )


if __name__ == "__main__":
    main()
