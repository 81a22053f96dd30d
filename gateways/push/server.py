"""`python -m gateways.push.server`: the process that gateways hold their event streams to."""

import asyncio
import os
import resource
import socket
from types import FrameType
from typing import Any

import django
import uvicorn
import uvloop
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keeptrusts.processes.process import die_with_parent

_HEADER_SECONDS = 10.0
# A stream whose pings nobody acknowledges is closed by the kernel.
_UNACKNOWLEDGED_MS = 30_000
_BACKLOG = 4096


def main() -> None:
    """Serve until a signal asks for the end."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
    die_with_parent()
    django.setup()
    _raise_open_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(_listen(settings.ENV.events_host, settings.ENV.events_port)))


async def _serve(listener: socket.socket) -> None:
    from gateways.push.asgi import Application
    from gateways.push.hub import Hub

    hub = Hub()
    config = uvicorn.Config(
        Application(hub),
        http=_Impatient,
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
    """Says goodbye on every stream before it waits for them to end."""

    def __init__(self, config: uvicorn.Config, hub: Any) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not remembered: at its end the server would raise it again, past the orderly end.
        self.should_exit = True


class _Impatient(HttpToolsProtocol):
    """uvicorn's protocol with a deadline for a request's head."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._arm()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._disarm()
        super().on_headers_complete()

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(_HEADER_SECONDS, self.transport.close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    # Accepted connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
    return listener


def _raise_open_files() -> None:
    """Each stream is an open file: take as many as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
