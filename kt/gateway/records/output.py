"""Writing to standard output and standard error, whose reader may stand still."""

from __future__ import annotations

import os
from typing import TextIO

# What is left at the end is waited for no longer.
LAST_SECONDS = 3.0


def write(stream: TextIO | None, data: bytes) -> None:
    """Write to a standard stream, for as long as that takes; to nowhere when it was closed.

    Not by the stream, whose lock a thread that waits for its reader would hold at the end: the
    interpreter waits for it, or aborts.

    Raises:
        OSError: the reader went away, or a disk is full.
    """
    while stream is not None and data:
        data = data[os.write(stream.fileno(), data) :]
