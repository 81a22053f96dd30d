"""Settings of calls to git forges."""

import ipaddress
import re
from pathlib import Path

from keeptrusts.env import outbound
from keeptrusts.env.errors import EnvError
from keeptrusts.env.values import words

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_READERS = ("own", "git")
_SCHEMES = ("https", "ssh", "http", "file")


def schemes(value: str) -> frozenset[str]:
    """The schemes that links may have."""
    schemes = frozenset(words(value))
    if unknown := sorted(schemes.difference(_SCHEMES)):
        raise EnvError(
            f"KEEPTRUSTS_GIT_SCHEMES: {unknown[0]!r} is not one of {', '.join(_SCHEMES)}"
        )
    if not schemes:
        raise EnvError(f"KEEPTRUSTS_GIT_SCHEMES: name some of {', '.join(_SCHEMES)}")
    return schemes


def networks(value: str) -> tuple[Network, ...]:
    """Networks that are called though they are not public."""
    try:
        return tuple(ipaddress.ip_network(word) for word in words(value))
    except ValueError as exc:
        raise EnvError(
            f"KEEPTRUSTS_GIT_ALLOWED_NETWORKS: {exc}; write CIDRs such as 10.0.0.0/8"
        ) from exc


def ca_file(value: str) -> str:
    """The file's absolute path, since git runs in other folders; empty when none is set."""
    if not value:
        return ""
    # Where there is one: the parent of all processes imports this module, and makes no TLS.
    import ssl

    path = str(Path(value).absolute())
    try:
        ssl.create_default_context(cafile=path)
    except OSError as exc:
        reason = "it holds no certificate in PEM" if isinstance(exc, ssl.SSLError) else exc.strerror
        raise EnvError(f"KEEPTRUSTS_GIT_CA_FILE={value!r}: {reason}") from exc
    return path


def refs(value: str) -> tuple[str, ...]:
    """Patterns of refs that links may follow besides branches and tags."""
    patterns = tuple(words(value))
    for pattern in patterns:
        if not re.fullmatch(r"refs/(?!heads/|tags/)[A-Za-z0-9._-]+/([A-Za-z0-9._-]+/)*\*", pattern):
            raise EnvError(
                f"KEEPTRUSTS_GIT_ALLOWED_REFS: {pattern!r} is no pattern of refs that are neither"
                " branches nor tags; write such as refs/pull/*"
            )
    return patterns


def reader(value: str) -> str:
    """Who reads what forges send: `own` or `git`."""
    if value not in _READERS:
        raise EnvError(f"KEEPTRUSTS_GIT_READER={value!r}: write {' or '.join(_READERS)}")
    return value


def proxy(value: str) -> str:
    """A proxy's url or empty. The error does not repeat the value: it may hold a password."""
    if value and not outbound.is_proxy(value):
        raise EnvError(
            "KEEPTRUSTS_GIT_PROXY: write http://HOST:PORT or https://HOST:PORT, with"
            " USER:PASSWORD@ before the host if it wants them; percent-encode their signs other"
            " than letters, digits and -._~"
        )
    return value.rstrip("/")


def no_proxy(value: str) -> tuple[str, ...]:
    """Hosts that are called past the proxy."""
    exceptions = tuple(word.lower() for word in words(value))
    for exception in exceptions:
        if not outbound.is_exception(exception):
            raise EnvError(
                f"KEEPTRUSTS_GIT_NO_PROXY: {exception!r} is no host; write names such as"
                " git.example or .example, addresses, CIDRs, each with :PORT if you want, or *"
            )
    return exceptions
