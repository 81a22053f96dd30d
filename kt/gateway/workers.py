"""Several serving processes on one port, under a parent that keeps them together."""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType

from kt.gateway.gateway import Gateway
from kt.gateway.server import bind, serve

_LOG = logging.getLogger("kt.gateway")


def supervise(gateway: Gateway) -> int:
    """Fork the workers and wait; the exit status.

    The policy is compiled before the fork, so they share its pages. SIGTERM and SIGINT stop
    all, SIGHUP reaches all. A worker that dies stops the others: whoever started the gateway
    learns of it by status 1 and starts it again whole.
    """
    # Bound here first, so that a port in use is an error now and not one for each worker.
    options = gateway.options
    bind(options.host, options.port, shared=True).close()
    workers = {_fork(gateway) for _ in range(options.workers)}
    stopping = False

    def tell(number: int, _: FrameType | None) -> None:
        nonlocal stopping
        stopping = stopping or number != signal.SIGHUP
        for worker in workers:
            os.kill(worker, number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, tell)
    failed = False
    while workers:
        worker, status = os.wait()
        workers.discard(worker)
        failed = failed or status != 0
        if not stopping:
            _LOG.error("worker %d ended; stopping the others", worker)
            failed = True
            tell(signal.SIGTERM, None)
    return int(failed)


def _fork(gateway: Gateway) -> int:
    parent = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    status = 1
    try:
        listener = bind(gateway.options.host, gateway.options.port, shared=True)
        # A reload asked of one is passed on to all.
        serve(gateway, listener, lambda: os.kill(parent, signal.SIGHUP))
        status = 0
    except Exception:  # noqa: BLE001  The last place that can say why.
        _LOG.exception("a worker could not serve")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
