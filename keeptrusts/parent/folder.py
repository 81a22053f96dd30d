"""The lock of a data folder: one control plane at a time works in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InUseError(Exception):
    """A control plane runs on the folder; the message says which process, and what to do."""


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold a folder until the end of the block, or of this process, `kill -9` included.

    Raises:
        InUseError: another process holds it.
    """
    fd = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            pid = os.read(fd, 20).decode().strip() or "unknown"
            raise InUseError(
                f"Keeptrusts already runs on {data_dir} (process {pid}). Stop it first, or choose"
                " another KEEPTRUSTS_DATA_DIR and KEEPTRUSTS_LISTEN."
            ) from exc
        os.truncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)
