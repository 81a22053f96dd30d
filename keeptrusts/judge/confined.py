"""Confinement of judges: what was read, on a connection, is all that they have.

Sources: capabilities(7), getrlimit(2), prctl(2), unshare(2).
"""

import ctypes
import os
import resource
import signal
from pathlib import Path

# Over twice what the costliest policy within the limits of its length takes.
MEMORY_BYTES = 1024 * 1024 * 1024
# A judge's only descriptor; below it are those that libraries write complaints to.
LINK = 3

_NOBODY = 65_534
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITY_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def enclose() -> list[bytes]:
    """Give up, for this process and all that it forks, root, every capability and the network.

    Returns what the kernel does not allow here, as it may be in a container: `network`, no
    namespace of one's own; `user`, root remains, without its capabilities; `oom`, no word with
    the kernel about whom it ends first. What limits hold is held all the same.
    """
    missing = []
    is_root = os.geteuid() == 0
    if _libc.unshare(_CLONE_NEWNET if is_root else _CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        missing.append(b"network")
    try:
        # Of all processes, these are ended first when the machine has no memory left.
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        missing.append(b"oom")
    try:
        if is_root:  # Root could raise its limits again, and forks whatever they are.
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError:
        missing.append(b"user")
    _call(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    # A user namespace of one's own brings capabilities in it.
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _call(_libc.capset(header, none))
    return missing


def confine(link: int, parent: int) -> None:
    """Confine this process, a child of `parent` that was just forked, to the descriptor `link`.

    It becomes `LINK`, and the only one. No file or socket can be opened, no process started, and
    the kernel ends this one with its parent.
    """
    _call(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(0)  # It went before the kernel knew.
    os.setsid()  # Linux shares processors out among sessions: one judge takes no other's part.
    os.dup2(link, LINK)
    os.closerange(LINK + 1, os.sysconf("SC_OPEN_MAX"))
    for limit in ("NOFILE", "NPROC", "FSIZE", "CORE"):
        resource.setrlimit(getattr(resource, f"RLIMIT_{limit}"), (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.closerange(0, LINK)  # At last: what fails above is told there.


def _call(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
