"""The process of a server: its listener, its bounds on connections, and its orderly end."""

import asyncio
import contextlib
import gc
import resource
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
import uvicorn
import uvloop

from keeptrusts.serving.connections.passing import Inlet, Outlet
from keeptrusts.serving.connections.protocol import BoundedProtocol, Exit, refuse

log = structlog.get_logger(__name__)

# A client that acknowledges nothing for so long is given up by the kernel.
_UNACKNOWLEDGED_MS = 30_000
_BACKLOG = 4096
# libuv accepts one connection of a listener in a turn of its loop. A turn may be long, and whoever
# is new waits in the backlog behind those who come again and again.
_ACCEPTED_A_TURN = 16
# The time that answers have is at most as old.
_TICK_SECONDS = 1.0
# Open files that are not connections of clients.
_OTHER_FILES = 64 + _ACCEPTED_A_TURN
# Connections come with hundreds of objects each and leave no cycles behind: to look for these in a
# flood of them had every other request wait.
_COLLECTED_AT = 10_000

Application = Callable[[Any, Any, Any], Awaitable[None]]


def exit_to(path: Path, takes: Callable[[str], Any], *, only_guests: bool = False) -> Exit:
    """The way of requests to the server that takes connections at `path`."""
    return Exit(Outlet(path, refused=refuse), takes, only_guests)


def serve(
    app: Application,
    running: Sequence[AbstractAsyncContextManager[Any]],
    *,
    host: str,
    port: int,
    most_connections: int,
    inlet: Path | None,
    elsewhere: Exit,
    is_shared: bool = False,
    on_shutdown: Callable[[], None] = lambda: None,
) -> None:
    """Serve an application until a signal ends the process.

    Each of `running` is held meanwhile. `on_shutdown` is called before open requests are waited
    for. At `inlet` another server passes on what this one is to answer; what that one is to answer
    goes `elsewhere`. With `is_shared` other processes listen on the same port.
    """
    BoundedProtocol.exit = elsewhere
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
    server = _Server(config, Inlet(inlet) if inlet else None, on_shutdown)
    listener = _listen(host, port, is_shared=is_shared)
    listeners = [listener, *(listener.dup() for _ in range(1, _ACCEPTED_A_TURN))]

    async def _serve() -> None:
        async with contextlib.AsyncExitStack() as held:
            for one in running:
                await held.enter_async_context(one)
            settle()
            await server.serve(sockets=listeners)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())


def settle() -> None:
    """Have cycles of objects looked for seldom, and never among those that are here now.

    They stay; and while a long list is read, a collection looks through it again and again.
    """
    gc.freeze()
    gc.set_threshold(_COLLECTED_AT)


class _Server(uvicorn.Server):
    """uvicorn's server, which tells of its shutdown before it waits for open requests.

    Connections that another server passes on it serves as it does its own.
    """

    def __init__(
        self, config: uvicorn.Config, inlet: Inlet | None, on_shutdown: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._inlet = inlet
        self._on_shutdown = on_shutdown
        self._arriving: set[asyncio.Task[Any]] = set()
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Wait until the server is to end; uvicorn's own looks ten times a second for that."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _TICK_SECONDS)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._inlet is not None:
            self._inlet.open(self._take)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._inlet is not None:
            self._inlet.close()
        self._on_shutdown()
        await super().shutdown(sockets)
        if BoundedProtocol.exit is not None:
            BoundedProtocol.exit.outlet.close()

    def _take(self, client: socket.socket, data: bytes) -> None:
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        arrival = loop.create_task(
            loop.connect_accepted_socket(lambda: self._protocol(data), client)
        )
        self._arriving.add(arrival)
        arrival.add_done_callback(self._note)

    def _protocol(self, data: bytes) -> BoundedProtocol:
        state, kept = self.server_state, self.lifespan.state
        return BoundedProtocol(config=self.config, server_state=state, app_state=kept, came=data)

    def _note(self, arrival: "asyncio.Task[Any]") -> None:
        self._arriving.discard(arrival)
        if not arrival.cancelled() and (exc := arrival.exception()):
            log.warning("a connection that was passed on is lost", error=repr(exc))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not remembered: at its end the server would raise it again, past the orderly end.
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ending.set)


def _listen(host: str, port: int, *, is_shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server(
        (host, port), family=family, backlog=_BACKLOG, reuse_port=is_shared
    )
    # Accepted connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
    return listener


def _raise_open_files() -> int:
    """Raise the limit of open files, one a connection, to the most allowed; returns it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return sys.maxsize if most == resource.RLIM_INFINITY else most
