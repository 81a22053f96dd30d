"""Failures of connections, translated into errors: of the forge, or of the proxy before it. Pure.

No message holds words of a server, and of a url only the host and port.
"""

import errno
import os
import ssl

import aiohttp

from gitrepos.errors import (
    AuthFailedError,
    HostNotAllowedError,
    ProxyFailedError,
    RemoteError,
    RequestFailedError,
    UnreachableError,
)
from gitrepos.forge.addresses import RepoURL, not_public
from gitrepos.forge.proxy import Proxy
from gitrepos.forge.wire.pkt_line import malformed

_OF_CLIENT = (
    "ACCESS_DENIED", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REQUIRED",
    "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "UNSUPPORTED_CERTIFICATE",
)  # fmt: skip


class BarredError(OSError):
    """A refused address; an `OSError`, which the connector takes for a failed attempt."""


def translated(exc: aiohttp.ClientError | OSError, url: RepoURL) -> RemoteError:
    """The error for a failed call to `url`."""
    if _is_of_client(exc):
        return AuthFailedError("The server refuses the client certificate, or wants one.")
    match exc:
        case aiohttp.ClientConnectorCertificateError():
            cause = _reason(exc)
        case aiohttp.ClientConnectorError(os_error=BarredError()):
            return HostNotAllowedError(not_public(url.host))
        case aiohttp.ClientConnectorError():
            cause = f"Failed to connect to {url.host} port {url.port}: {_reason(exc)}"
        case aiohttp.ServerDisconnectedError():
            return RequestFailedError("The server cannot be reached: Empty reply from server.")
        case OSError(errno=errno.ECONNRESET | errno.EPIPE):
            return RequestFailedError(f"The server cannot be reached: {_reason(exc)}.")
        case OSError():
            cause = _reason(exc)
        case aiohttp.ClientPayloadError():
            return malformed("it is cut short")
        case _:
            return malformed("it is no HTTP")
    return UnreachableError(f"The server cannot be reached: {cause}.")


def of_proxy(
    exc: aiohttp.ClientError | OSError | RemoteError,
    through: Proxy,
    url: RepoURL,
    *,
    connecting: bool,
) -> ProxyFailedError | None:
    """The error for a call to `url` that failed at the proxy; None if it failed behind it.

    `connecting`: there was no connection yet. By plain http the only one is that to the proxy.
    """
    at = f"{url.host} port {url.port}"
    match exc:
        case aiohttp.ClientHttpProxyError():
            return refusal(through, url, exc.status)
        case aiohttp.ConnectionTimeoutError():
            return _failed(through, f"made no connection to {at} in time")
        case aiohttp.ClientConnectorError() if _is_at(exc, through):
            return _failed(through, f"cannot be reached: {_reason(exc)}")
        case aiohttp.ClientConnectorError():
            return None  # TLS with the forge, in a connection that the proxy made.
        case UnreachableError() if connecting:
            return _failed(through, "cannot be reached: its host name does not resolve")
        case RemoteError():
            return None
        case _ if connecting:
            return _failed(through, f"does not answer as a proxy when asked for {at}")
        case aiohttp.ServerDisconnectedError() | OSError() if url.scheme == "http":
            return _failed(through, f"ended the connection without an answer of {at}")
    return None


def refusal(through: Proxy, url: RepoURL, status: int) -> ProxyFailedError:
    """The error for a status of the proxy itself."""
    at = f"{url.host} port {url.port}"
    if status == 407:
        return _failed(through, "wants a user and password, or other ones (407)")
    if status >= 500:
        return _failed(through, f"could not connect to {at} ({status})")
    return _failed(through, f"refuses to connect to {at} ({status})")


def _failed(through: Proxy, how: str) -> ProxyFailedError:
    return ProxyFailedError(f"The proxy {through.place} {how}.")


def _is_of_client(exc: BaseException | None) -> bool:
    """True when the server ended TLS for what the client showed, or did not show.

    Source: RFC 8446, section 6.2.
    """
    while exc is not None:
        inner = getattr(exc, "os_error", None) or exc
        reason = inner.reason if isinstance(inner, ssl.SSLError) else ""
        if reason and "ALERT" in reason and reason.partition("ALERT_")[2] in _OF_CLIENT:
            return True
        exc = exc.__cause__
    return False


def _is_at(exc: aiohttp.ClientConnectorError, through: Proxy) -> bool:
    return (exc.host, exc.port) == (through.host, through.port)


def _reason(exc: OSError) -> str:
    """The reason of a failed connection, with nothing that the server said."""
    if isinstance(exc, aiohttp.ClientConnectorCertificateError):
        verdict = getattr(exc.certificate_error, "verify_message", "") or "it is not valid"
        return f"TLS certificate verification failed: {verdict}"
    if isinstance(exc, aiohttp.ClientConnectorError):
        return _reason(exc.os_error)
    if isinstance(exc, ssl.SSLError):
        return f"TLS {(exc.reason or 'error').replace('_', ' ').lower()}"
    return os.strerror(exc.errno) if exc.errno else "no connection"
