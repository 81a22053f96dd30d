"""The port, taken before anything else: who connects while the gateway starts is not refused."""

from __future__ import annotations

import socket

_BACKLOG = 2048


def listen(host: str, port: int, *, count: int) -> list[socket.socket]:
    """Listen on one port with `count` sockets, between which the kernel splits connections.

    Raises:
        OSError: the address cannot be had.
    """
    found: list[socket.socket] = []
    try:
        for _ in range(count):
            found.append(_bound(host, port, shared=count > 1))
        for listener in found:
            listener.listen(_BACKLOG)
    except OSError:
        for listener in found:
            listener.close()
        raise
    return found


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setblocking(False)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    return found
