"""The process of a server: its listener, its bounds on connections, and its orderly end."""

import asyncio
import contextlib
import resource
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from types import FrameType
from typing import Any

import uvicorn
import uvloop

from keeptrusts.serving.protocol import BoundedProtocol

# A client that acknowledges nothing for so long is given up by the kernel.
_UNACKNOWLEDGED_MS = 30_000
_BACKLOG = 4096
# libuv accepts one connection of a listener in a turn of its loop. A turn may be long, and whoever
# is new waits in the backlog behind those who come again and again.
_ACCEPTED_A_TURN = 16
# Open files that are not connections of clients.
_OTHER_FILES = 64 + _ACCEPTED_A_TURN

Application = Callable[[Any, Any, Any], Awaitable[None]]


def serve(
    app: Application,
    running: Sequence[AbstractAsyncContextManager[Any]],
    *,
    host: str,
    port: int,
    most_connections: int,
    on_shutdown: Callable[[], None] = lambda: None,
) -> None:
    """Serve an application until a signal ends the process.

    Each of `running` is held meanwhile. `on_shutdown` is called before open requests are waited
    for.
    """
    BoundedProtocol.most_connections = min(most_connections, _raise_open_files() - _OTHER_FILES)
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config, on_shutdown)
    listener = _listen(host, port)
    listeners = [listener, *(listener.dup() for _ in range(1, _ACCEPTED_A_TURN))]

    async def _serve() -> None:
        async with contextlib.AsyncExitStack() as held:
            for one in running:
                await held.enter_async_context(one)
            await server.serve(sockets=listeners)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())


class _Server(uvicorn.Server):
    """uvicorn's server, which tells of its shutdown before it waits for open requests."""

    def __init__(self, config: uvicorn.Config, on_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_shutdown = on_shutdown

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_shutdown()
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
    """Raise the limit of open files, one a connection, to the most allowed; returns it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return sys.maxsize if most == resource.RLIM_INFINITY else most
