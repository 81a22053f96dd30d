"""What `kt gateway run` says of an address that it cannot listen on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]


def test_a_port_that_is_taken_is_told_with_what_to_give(files: Path, kt: Run) -> None:
    """The exit is that of a start that failed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        done = kt("gateway", "run", "--policy-config", "gone.yaml", "--listen", place)

    expected = f"kt: {place}: Address already in use; end what uses it, or give another --listen\n"
    assert done == (2, "", expected)
