"""Death of child processes with their parent, and what no process of ours may do."""

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent ends, `kill -9` included.

    `parent` is its id as it was before this process began, where that is known.
    """
    parent = os.getppid() if parent is None else parent
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # It went before the kernel knew.


def restrict() -> None:
    """Keep this process and all that it starts from what they never need.

    None leaves a core on disk, with the secrets that it held; none gets rights by what it runs
    (setuid); what they write is for their user alone.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
