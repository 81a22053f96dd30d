"""Listening sockets, opened first, so that nobody is refused while the gateway starts."""

from __future__ import annotations

import socket

_BACKLOG = 2048


def listen(host: str, port: int, *, count: int) -> list[socket.socket]:
    """Listen on one port with `count` sockets, between which the kernel splits connections.

    Raises:
        OSError: the address is taken or not allowed.
    """
    listeners: list[socket.socket] = []
    try:
        for _ in range(count):
            listeners.append(_bound(host, port, shared=count > 1))
        for listener in listeners:
            listener.listen(_BACKLOG)
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
