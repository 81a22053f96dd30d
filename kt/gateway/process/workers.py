"""Several serving processes on one port, and their parent."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType

from kt.gateway.gateway import Gateway
from kt.gateway.process.server import serve

_PR_SET_PDEATHSIG = 1
_LOG = logging.getLogger("kt.gateway")


def supervise(gateway: Gateway, listeners: Sequence[socket.socket]) -> int:
    """Fork a worker for each listener and wait; the exit status.

    The policy is compiled before the fork, so that workers share its pages. SIGTERM and SIGINT
    stop all, SIGHUP reaches all. A worker that dies stops the others, with status 1, so that the
    whole gateway is started again.
    """
    workers = {_fork(gateway, number, listeners) for number in range(len(listeners))}
    for listener in listeners:
        listener.close()
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


def _end_with_parent() -> None:
    """Have this process stopped when its parent is killed, since nobody would pass signals on.

    Linux only; elsewhere a killed parent leaves its workers serving.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _fork(gateway: Gateway, number: int, listeners: Sequence[socket.socket]) -> int:
    parent = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    status = 1
    try:
        _end_with_parent()
        # A copy held here would keep connections that nobody accepts.
        for listener in (*listeners[:number], *listeners[number + 1 :]):
            listener.close()
        gateway.readiness.be(number)
        # A reload of one worker is passed on to all.
        serve(gateway, listeners[number], lambda: os.kill(parent, signal.SIGHUP), leads=number == 0)
        status = 0
    except Exception:  # noqa: BLE001  The last place that can say why.
        _LOG.exception("a worker could not serve")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        logging.shutdown()
        os._exit(status)
