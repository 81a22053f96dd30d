"""Addresses: what is listened on, servers that are used, urls that people reach."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from keeptrusts.env.errors import EnvError
from keeptrusts.env.values import whole, words

DATABASES = ("postgres", "postgresql", "sqlite")
BROKERS = ("redis", "rediss", "unix")
_THIS_MACHINE = ("127.0.0.1", "[::1]", "localhost")


def listen(environ: Mapping[str, str], name: str, default: str) -> tuple[str, int]:
    """The host, without brackets, and the port that a server listens on."""
    value = environ.get(name) or default
    host, _, port = value.rpartition(":")
    number = whole(port, 65_535)
    if number is None or not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host):
        raise EnvError(
            f"{name}={value!r}: write HOST:PORT, such as {default}; the port is a number from 1"
            " to 65535"
        )
    return host.strip("[]"), number


def web_url(host: str, port: int) -> str:
    """The url on this machine of a server that listens on `host`."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"


def server(environ: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    """A server's url or empty. The error does not repeat the value: it may hold a password."""
    value = environ.get(name, "")
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and "://" in value and parts.port != 0
    except ValueError:
        usable = False
    if value and not usable:
        raise EnvError(f"{name}: write a url with a valid port and one of {', '.join(schemes)}")
    return value


def events_url(environ: Mapping[str, str], default: str) -> str:
    """The url of the server of streams, without a slash at its end: paths are appended."""
    value = environ.get("KEEPTRUSTS_EVENTS_URL") or default
    if not re.fullmatch(r"https?://[A-Za-z0-9._\[\]:-]+(/[A-Za-z0-9._~/-]*)?", value):
        raise EnvError(
            f"KEEPTRUSTS_EVENTS_URL={value!r}: write a url such as https://events.example"
        )
    return value.rstrip("/")


def origins(value: str) -> tuple[str, ...]:
    """Origins of consoles elsewhere, as browsers send them."""
    origins = words(value)
    for origin in origins:
        # As a browser sends it: lower case, no path.
        if not re.fullmatch(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", origin):
            raise EnvError(
                f"KEEPTRUSTS_CORS_ORIGINS: {origin!r} is no origin; write https://console.example"
            )
    return origins


def public_url(value: str) -> str:
    """The address of the console in a browser: an origin, without a slash at its end."""
    value = value.rstrip("/")
    if value and not is_safe(value, rest=""):
        raise EnvError(
            f"KEEPTRUSTS_PUBLIC_URL={value!r}: write such as https://keeptrusts.example, without a"
            " path; http is for 127.0.0.1, [::1] and localhost alone"
        )
    return value


def is_safe(url: str, *, rest: str) -> bool:
    """Whether what goes to a url is read by nobody in between; `rest` is the form of its path."""
    host = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])"
    found = re.fullmatch(rf"(https?)://(?P<host>{host})(:[1-9][0-9]{{0,4}})?{rest}", url)
    return found is not None and (found[1] == "https" or found["host"] in _THIS_MACHINE)
