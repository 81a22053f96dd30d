"""One serving process: its event loop, signals and shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvloop
from uvicorn.config import Config
from uvicorn.server import Server

from kt.gateway.call.app import App
from kt.gateway.gateway import Gateway
from kt.gateway.policy.loading import prime, warm
from kt.gateway.process.protocol import BoundedProtocol
from kt.gateway.reload import Reloader

if TYPE_CHECKING:
    from kt.gateway.managed.agent import Agent

DRAIN_SECONDS = 30
KEEP_ALIVE_SECONDS = 60
# Objects that were made and not freed since the last collection; a call makes some hundred.
_COLLECTED_AT = 5000


def serve(
    gateway: Gateway, listener: socket.socket, reloaded: Callable[[], None], *, leads: bool = True
) -> None:
    """Serve until a signal says to stop and all requests in flight are done.

    `reloaded` is called when this process has a policy that its siblings may not have yet.
    The leading process talks to the control plane of a managed gateway.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(gateway, listener, reloaded, leads=leads))


async def _serve(
    gateway: Gateway, listener: socket.socket, reloaded: Callable[[], None], *, leads: bool
) -> None:
    reloader = Reloader(gateway)
    gateway.readiness.note(has_policy=gateway.loaded.is_configured)
    agent = _agent(gateway, reloader, reloaded) if leads else None

    async def reload() -> bool:
        taken = await reloader.reload()
        reloaded()
        return taken

    server = _Server(gateway, App(gateway, reload))
    loop = asyncio.get_running_loop()
    asked: set[asyncio.Task[bool]] = set()
    loop.add_signal_handler(signal.SIGHUP, lambda: asked.add(loop.create_task(reloader.reload())))
    tasks: list[asyncio.Task[Any]] = [
        loop.create_task(reloader.watch()),
        loop.create_task(reloader.remind()),
        loop.create_task(gateway.limits.watch()),
    ]
    if gateway.loaded.snapshot.asks:
        gateway.models.prepare(*gateway.loaded.model)
    if agent is not None:
        tasks.append(loop.create_task(agent.run()))
    gateway.journal.start()
    if gateway.spool is not None:
        gateway.spool.start()
    # While it already serves: a request needs only a part of it.
    warming = loop.run_in_executor(None, _prepare, gateway)
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in (*tasks, *asked):
            task.cancel()
        await warming
        await gateway.models.close()
        await gateway.upstream.close()
        await gateway.limits.close()
        gateway.journal.close()
        if gateway.spool is not None:
            gateway.spool.close()
        if gateway.spans is not None:
            await asyncio.to_thread(gateway.spans.finish)
        if agent is not None:
            await asyncio.wait(tasks)
            await agent.close()


def _agent(gateway: Gateway, reloader: Reloader, taken: Callable[[], None]) -> Agent | None:
    if gateway.options.managed is None:
        return None
    from kt.gateway.managed.agent import Agent
    from kt.gateway.managed.stored import Stored

    assert isinstance(gateway.source, Stored)
    return Agent(gateway, gateway.source, reloader, taken)


def _prepare(gateway: Gateway) -> None:
    """Import and compile what the first request would otherwise wait for."""
    warm(gateway.loaded)
    if any(target.base_url.startswith("https:") for target in gateway.loaded.targets):
        gateway.upstream.prepare_tls()
    if gateway.options.managed is not None:
        prime()
    # What is here now stays: no collection need look through it again.
    gc.freeze()
    # Calls leave few cycles behind: to look for them every other call costs more than they hold.
    gc.set_threshold(_COLLECTED_AT)


class _Server(Server):
    """uvicorn's server, with exit status 0 when a signal stops it."""

    def __init__(self, gateway: Gateway, app: App) -> None:
        config = Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        super().__init__(config)
        self._gateway = gateway

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again at its end, which would become the exit status.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down, after accepting connections that closing the listener would reset."""
        loop = asyncio.get_running_loop()
        spare = [listener.dup() for listener in sockets or ()]
        for server in self.servers:
            server.close()
        # One turn of the event loop, in which it lets the listener go.
        await asyncio.sleep(0)
        for connection in [one for listener in spare for one in _connected(listener)]:
            await loop.connect_accepted_socket(self._protocol, connection)
        await super().shutdown(sockets)

    def _protocol(self) -> BoundedProtocol:
        return BoundedProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _stop(self) -> None:
        self._gateway.draining = True
        self.should_exit = True


def _connected(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait to be accepted; closes the listener after the last."""
    with listener, contextlib.suppress(BlockingIOError):
        while True:
            yield listener.accept()[0]
