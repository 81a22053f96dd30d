"""The process of gateways, and of all event streams. It is imported once Django is set up."""

from django.conf import settings
from django.utils.module_loading import import_string

from gateways.feed.feed import Feed
from gateways.push.asgi import Application
from gateways.push.batches import Batches
from gateways.push.hub import Hub
from gateways.push.reporting import Reporting
from keeptrusts import database
from keeptrusts.serving.server import exit_to, serve


def main(number: str = "1", count: str = "1") -> None:
    """Serve until a signal ends the process, as one of so many that share a port."""
    database.bound_statements(database.WEB_SECONDS)
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
        inlet=settings.STREAMS_INLET if number == "1" else None,
        is_shared=count != "1",
        elsewhere=exit_to(settings.WEB_INLET, is_of_web, only_guests=True),
        on_shutdown=close,
    )
