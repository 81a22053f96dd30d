"""Functions that a judge may be asked for in tests: what it should not do, and what ends it."""

import contextlib
import os
import resource
import signal
import socket
import time

from keeptrusts.judge import confined


def tried() -> dict[str, str]:
    """The errors of what no judge can do, by name; empty for one that it can."""
    attempts = {
        "read a file": lambda: os.open("/etc/hostname", os.O_RDONLY),
        "write a file": lambda: os.open("/tmp/judge", os.O_CREAT | os.O_WRONLY),
        "open a folder": lambda: os.open("/", os.O_RDONLY),
        "make a socket": socket.socket,
        "make a pair of sockets": socket.socketpair,
        "dial by its descriptor": _dialled,
        "make a pipe": os.pipe,
        "have a file in memory": lambda: os.memfd_create("judge"),
        "copy a descriptor": lambda: os.dup(confined.LINK),
        "fork": os.fork,
        "start a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "open more files": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        "start more processes": lambda: resource.setrlimit(resource.RLIMIT_NPROC, (64, 64)),
        "take more memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40)),
        "become root": lambda: os.setuid(0),
        "end another process": lambda: os.kill(1, 0),
    }
    return {name: _error(attempt) for name, attempt in attempts.items()}


def _error(attempt) -> str:  # type: ignore[no-untyped-def]
    try:
        attempt()
    except (OSError, ValueError) as exc:
        return type(exc).__name__
    return ""


def _dialled() -> None:
    link = socket.socket(fileno=confined.LINK)
    try:
        link.connect("/run/docker.sock")
    finally:
        link.detach()


def seen() -> dict[str, list[str]]:
    """What a judge has of the process that asks: descriptors, and names of the environment."""
    descriptors = []
    for number in range(1024):
        with contextlib.suppress(OSError):
            os.fstat(number)
            descriptors.append(str(number))
    return {"descriptors": descriptors, "environment": sorted(os.environ)}


def process() -> int:
    """The judge's process id."""
    return os.getpid()


def computed(seconds: float) -> int:
    """The judge's process id, after so many seconds of processor time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return os.getpid()


def slept(seconds: float) -> int:
    """The judge's process id, after a time in which it computes nothing."""
    time.sleep(seconds)
    return os.getpid()


def taken(mebibytes: int) -> int:
    """The length of a text that takes so much memory."""
    return len(b"x" * (mebibytes << 20))


_kept: list[bytes] = []


def kept(mebibytes: int) -> int:
    """As `taken`, in memory that is not given back."""
    _kept.append(b"x" * (mebibytes << 20))
    return len(_kept[-1])


def died(number: int) -> int:
    """Nothing: a signal ends the judge, as one that C code raises does."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    return number


def raised(message: str) -> str:
    """Nothing: it raises what a bug does."""
    raise ZeroDivisionError(message)


def echoed(data: bytes, text: str | None) -> tuple[bytes, str | None]:
    """The arguments."""
    return data, text


def interrupted(data: bytes) -> int:
    """Nothing: it answers with these bytes instead of a message, and ends."""
    os.write(confined.LINK, data)
    os._exit(0)


FUNCTIONS = (
    tried, seen, process, computed, slept, taken, kept, died, raised, echoed, interrupted,
)  # fmt: skip


def warm_up() -> None:
    """Nothing is left for later here."""
