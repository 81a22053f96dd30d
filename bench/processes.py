"""CPU and memory of process trees, as the kernel counts them."""

import contextlib
import os
from pathlib import Path


def tree(pid: int) -> list[int]:
    """The ids of a process and all below it."""
    pids = [pid]
    for one in pids:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
    return pids


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a tree, with the children that it has waited for."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """Memory of a tree in MiB; shared pages are divided among the sharers."""
    return sum(map(own_mib, tree(pid)))


def own_mib(pid: int) -> float:
    """A process's part of that."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return 0.0


def own_seconds(pid: int) -> float:
    """CPU seconds of one process without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
