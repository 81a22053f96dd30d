"""Fork server: a process with one thread that imports what all parts need, and forks them.

`python -m keeptrusts.parent.forkserver FD MODULE…`. FD is a socket of packets. A packet with a
descriptor is a `Start`: it is answered with the process id of a child that runs a function of one
of the modules, and prints to the descriptor. A packet with such an id is answered with the child's
exit status, once it has ended, negative for a signal. The kernel ends all children with this
process.

What was imported before a fork is in memory once, and no child waits for it.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence

import django
import setproctitle
from django.conf import settings

from keeptrusts.env import reading
from keeptrusts.parent.forked import PACKET_BYTES, READY, Start
from keeptrusts.processes.process import die_with_parent


def main(control: socket.socket, modules: Sequence[str]) -> None:
    """Fork children as asked, until nobody is left to ask; runs in each child, too."""
    # A service manager tells all processes at once to end. This one has to outlive its children,
    # which would end with it, and not as they should.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _import(modules)
    control.send(READY)
    start = _forked(control)
    if start is not None:
        _run(start)


def _import(modules: Sequence[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keeptrusts.settings")
    os.environ["NOSETPS"] = "1"  # Celery would give its workers titles of its own.
    # Celery would run Django's checks, and look at no answer.
    os.environ["CELERY_SKIP_CHECKS"] = "1"
    _bar("rich")
    _bar("psutil")
    if not settings.ENV.database_url:
        _bar("psycopg")
    django.setup()
    for name in modules:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # No collection in a child writes to what it shares.


def _bar(name: str) -> None:
    """Keep out what libraries import where they find it, for features of theirs that no part uses.

    That is colours of logs, where something else has them installed, the memory of processes for
    Celery's debugging, and without PostgreSQL its driver.
    """
    sys.modules[name] = None  # type: ignore[assignment]


def _forked(control: socket.socket) -> Start | None:
    """What this process is to run once it is a child; None when nobody asks any more."""
    server = os.getpid()
    children: set[int] = set()
    while True:
        packet, outputs, _, _ = socket.recv_fds(control, PACKET_BYTES, 1)
        if not packet:
            return None
        if outputs:
            start = Start(**json.loads(packet))
            child = os.fork()
            if child == 0:
                control.close()
                _become(start, outputs[0], server)
                return start
            os.close(outputs[0])
            children.add(child)
            control.send(b"%d" % child)
        elif (ended := int(packet)) in children:
            children.remove(ended)
            control.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(ended, 0)[1]))


def _become(start: Start, output: int, server: int) -> None:
    """Make a process of its own of this one, which was just forked."""
    die_with_parent(server)
    os.setsid()  # A part that ends is ended with all that it started.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    setproctitle.setproctitle(f"keeptrusts: {start.name}")
    sys.argv = ["keeptrusts", start.name]
    if start.environment:
        os.environ.update(start.environment)
        settings.ENV = reading.read(os.environ)


def _run(start: Start) -> None:
    module, _, function = start.function.partition(":")
    getattr(importlib.import_module(module), function)(*start.arguments)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
