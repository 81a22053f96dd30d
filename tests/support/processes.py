"""What /proc says of the git children that this process started."""

import os
from pathlib import Path

_OURS = b"GIT_CONFIG_GLOBAL=/proc/self/fd/"


def ours() -> dict[int, tuple[bytes, bytes]]:
    """Command line and environment of every hardened git child on this machine that runs, by pid.

    The forge's own git processes do not count: their environment is another.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                environment = (entry / "environ").read_bytes()
                if _OURS in environment:
                    found[int(entry.name)] = ((entry / "cmdline").read_bytes(), environment)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    return found


def below(pid: int) -> dict[int, tuple[bytes, bytes]]:
    """Those of `ours` that descend from `pid`, itself left out."""
    return {child: facts for child, facts in ours().items() if pid in _ancestors(child)}


def naming(*words: str) -> dict[int, tuple[bytes, bytes]]:
    """Those of `ours` with one of `words` in their command line, whoever their parent is by now."""
    wanted = [word.encode() for word in words]
    return {pid: facts for pid, facts in ours().items() if any(w in facts[0] for w in wanted)}


def zombies() -> list[int]:
    """Children of this process that ended and were never waited for."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and _stat(int(entry.name))[:2] == ["Z", str(os.getpid())]
    ]


def _ancestors(pid: int) -> list[int]:
    found = []
    while pid > 1 and (facts := _stat(pid)):
        pid = int(facts[1])
        found.append(pid)
    return found


def _stat(pid: int) -> list[str]:
    """State, parent and the rest; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
