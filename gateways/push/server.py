"""`python -m gateways.push.server`: the process of event streams."""

import asyncio
import os
import resource
import socket
import sys
from types import FrameType
from typing import Any

import django
import uvicorn
import uvloop
from django.conf import settings

from gateways.push.protocol import BoundedProtocol
from keeptrusts import database
from keeptrusts.processes.process import die_with_parent

# A stream whose pings nobody acknowledges is closed by the kernel.
_UNACKNOWLEDGED_MS = 30_000
_BACKLOG = 4096
# Open files that are not connections of gateways.
_OTHER_FILES = 64


def main() -> None:
    """Serve until a signal ends the process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
    die_with_parent()
    database.bound_statements(database.WEB_SECONDS)
    django.setup()
    BoundedProtocol.most_connections = min(
        settings.ENV.events_connections, _raise_open_files() - _OTHER_FILES
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(_listen(settings.ENV.events_host, settings.ENV.events_port)))


async def _serve(listener: socket.socket) -> None:
    from gateways.push.asgi import Application
    from gateways.push.hub import Hub

    hub = Hub()
    config = uvicorn.Config(
        Application(hub),
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )
    async with hub.running():
        await _Server(config, hub).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn's server, which ends all streams before it waits for them at shutdown."""

    def __init__(self, config: uvicorn.Config, hub: Any) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not remembered: at its end the server would raise it again, past the orderly end.
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    # Accepted connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
    return listener


def _raise_open_files() -> int:
    """Raise the limit of open files, one a stream, to the most allowed; returns it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return sys.maxsize if most == resource.RLIM_INFINITY else most


if __name__ == "__main__":
    main()
