"""The git children that this process started, as /proc shows them."""

import os
from collections.abc import Container
from pathlib import Path

_OURS = b"GIT_CONFIG_GLOBAL=/proc/self/fd/"


def ours() -> dict[int, tuple[bytes, bytes]]:
    """Command line and environment of every running hardened git child on this machine, by pid.

    The forge's own git processes do not count: their environment is another.
    """
    children = {}
    for name in os.listdir("/proc"):  # Each test ends with this: a Path apiece costs twice as much.
        if name.isdecimal():
            try:
                environment = _read(f"/proc/{name}/environ")
                if _OURS in environment:
                    children[int(name)] = (_read(f"/proc/{name}/cmdline"), environment)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    return children


def _read(file: str) -> bytes:
    with open(file, "rb", buffering=0) as opened:
        return opened.read()


def below(pid: int) -> dict[int, tuple[bytes, bytes]]:
    """The processes of `ours` that `pid` or another of them started.

    Not those of a whole control plane that `pid` runs beside its own work.
    """
    children = ours()
    return {child: facts for child, facts in children.items() if _descends(child, pid, children)}


def naming(*words: str) -> dict[int, tuple[bytes, bytes]]:
    """The processes of `ours` with one of `words` in their command line, whatever their parent."""
    wanted = [word.encode() for word in words]
    return {pid: facts for pid, facts in ours().items() if any(w in facts[0] for w in wanted)}


def zombies() -> list[int]:
    """A child of this process that ended and was never waited for, if there is one."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # There is no child at all.
        return []
    return [found.si_pid] if found else []


def _descends(pid: int, ancestor: int, through: Container[int]) -> bool:
    while facts := _stat(pid):
        pid = int(facts[1])
        if pid == ancestor:
            return True
        if pid not in through:
            return False
    return False


def _stat(pid: int) -> list[str]:
    """State, parent and the rest; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
