"""Looks at parts, by which the parent sees whether each is ready to work."""

import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from keeptrusts.env.reading import Env
from keeptrusts.parent.roles import role_of, signing
from keeptrusts.parent.supervisor import Part
from keeptrusts.processes import alive

Looks = Mapping[str, Callable[[], bool]]

_ASK_SECONDS = 2.0


def looks(parts: Sequence[Part], env: Env) -> Looks:
    """Of each part, by name, whether it is ready: a server is asked, of the others it is seen."""
    servers = {
        "web": (env.listen_host, env.listen_port),
        "streams": (env.events_host, env.events_port),
    }
    made: dict[str, Callable[[], bool]] = {}
    for name in signing(parts):
        role = role_of(name)
        if role in servers:
            made[name] = partial(answers, *servers[role], "/readyz")
        else:
            made[name] = partial(alive.is_alive, env.data_dir, name)
    return made


def answers(host: str, port: int, path: str) -> bool:
    """Whether a server says 200. An HTTP client would be half of this process's memory."""
    try:
        with socket.create_connection((host, port), timeout=_ASK_SECONDS) as asked:
            asked.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            return asked.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False
