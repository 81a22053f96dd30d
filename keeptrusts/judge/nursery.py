"""Nursery: a process with one thread that has read the policy language, and forks judges.

`python -m keeptrusts.judge.nursery FD MODULE…`. A judge forked from here starts in milliseconds,
and has nothing of the process that asks: not its threads, memory, environment or connections. FD
is a socket of packets. A packet with a descriptor asks for a judge that serves it, and is answered
with its process id; one with such an id ends that judge, and is answered with its exit status.

Judges answer for the FUNCTIONS of the modules. The `warm_up` of each is called once, so that
nothing is left that would be read from a file at its first use.
"""

import gc
import importlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from keeptrusts.judge import confined, wire

# With what the kernel does not let a judge be confined by.
READY = b"ready"
_PACKET_BYTES = 64

Functions = Mapping[str, Callable[..., Any]]


def main(control: socket.socket, modules: Sequence[str]) -> None:
    """Fork and end judges as asked, until nobody is left to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # It is for the process that asks.
    functions = _functions(modules)
    gc.collect()
    gc.freeze()  # What judges share with this process is not written to.
    control.send(b" ".join([READY, *confined.enclose()]))
    judges: set[int] = set()
    while True:
        packet, links, _, _ = socket.recv_fds(control, _PACKET_BYTES, 1)
        if not packet:
            return
        if links:
            judge = _forked(links[0], functions)
            judges.add(judge)
            control.send(b"%d" % judge)
        elif (judge := int(packet)) in judges:
            judges.remove(judge)
            control.send(b"%d" % _ended(judge))


def _functions(modules: Sequence[str]) -> Functions:
    found: dict[str, Callable[..., Any]] = {}
    for module in map(importlib.import_module, modules):
        found |= {wire.name(function): function for function in module.FUNCTIONS}
        module.warm_up()
    return found


def _forked(link: int, functions: Functions) -> int:
    """The process id of a new judge that serves `link`."""
    parent, judge = os.getpid(), os.fork()
    if judge:
        os.close(link)
        return judge
    try:
        confined.confine(link, parent)
        sys.stdin = sys.stdout = sys.stderr = None
        _serve(socket.socket(fileno=confined.LINK), functions)
    except ConnectionError:
        os._exit(0)  # Nobody asks any more.
    except Exception:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(1)


def _ended(judge: int) -> int:
    """The exit status of a judge that ended by itself or is ended now, negative for a signal."""
    os.kill(judge, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(judge, 0)[1])


def _serve(link: socket.socket, functions: Functions) -> None:
    while True:
        message = wire.receive(link, most=wire.MAX_QUESTION_BYTES)
        answer = _answered(message, functions)
        # A time that has passed ends the process, wherever it is.
        signal.setitimer(signal.ITIMER_PROF, 0)
        wire.send(link, answer)


def _answered(message: bytes, functions: Functions) -> bytes:
    try:
        question = msgspec.msgpack.decode(message, type=wire.Question)
        signal.setitimer(signal.ITIMER_PROF, question.seconds)
        function = functions[question.function]
        arguments, _ = wire.signature(function)
        value = function(*msgspec.msgpack.decode(question.arguments, type=arguments))
        return wire.encode(wire.Value(msgspec.Raw(wire.encode(value))))
    except MemoryError:
        return wire.encode(wire.NoMemory())
    except Exception:  # noqa: BLE001
        # The outermost caller here: who asks gets the traceback, and logs it.
        return wire.encode(wire.Crash(traceback.format_exc()))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
