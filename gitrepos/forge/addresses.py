"""Urls of repositories: their parts, and the addresses that may be called for them."""

import ipaddress
import re
import socket
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from urllib.parse import urlsplit

from gitrepos.errors import HostNotAllowedError, UnreachableError

# The code of a host whose address may not be called.
NOT_ALLOWED = HostNotAllowedError.code

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOKUP_SECONDS = 5

_CLEAR = "http://"
_PORTS = {"https": 443, "http": 80, "ssh": 22}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All of IPv6 that was ever allotted to the public. Outside it lie forms that carry an IPv4
# address, site-local ones, and whatever older Pythons do not know yet.
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")
# Public by number, but answered by the cloud's own host: metadata and its agent.
_CLOUD = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("168.63.129.16/32"))
# Python's own parser of this part ignores what stands around brackets.
_NETLOC = re.compile(r"(\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(:(?P<port>[0-9]{0,5}))?")
_PLAIN = re.compile(r"(?!\.\.?$)[A-Za-z0-9._~-]+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_SCP = re.compile(r"((?P<user>[^/:@]+)@)(?P<host>\[[^\]]*\]|[^/:@]+):(?P<path>.+)")
_SSH_USER = "git"
_MAX_NAME_LENGTH = 253
_MAX_LENGTH = 2000


class BadURLError(ValueError):
    """The url cannot be used; the message, the end of a sentence, says what is wrong."""


@dataclass(frozen=True, slots=True)
class RepoURL:
    """A url in its stored form: lower-case scheme and host, no default port.

    An ssh url has its user; the `text` of others has none.
    """

    text: str
    scheme: str
    host: str
    port: int


def parse(text: str, *, schemes: Collection[str]) -> RepoURL:
    """Check a repository's url and bring it into its stored form.

    git's short form `user@host:path` is stored as `ssh://user@host/path`.

    Raises:
        BadURLError: it has more than scheme, host, port, path and, with ssh, a user; or one of
            them cannot be used.
    """
    if len(text) > _MAX_LENGTH or re.search(r"[^\x21-\x7e]", text):
        raise BadURLError("must be at most 2000 printable ASCII characters without spaces")
    if short := _SCP.fullmatch(text):
        text = f"ssh://{short['user']}@{short['host']}/{short['path'].lstrip('/')}"
    try:
        parts = urlsplit(text)
    except ValueError as exc:
        raise BadURLError(f"is not a url: {exc}") from exc
    _check(text, parts.scheme, schemes)
    if "?" in text or "#" in text:
        raise BadURLError("must end with the repository's path, without ? or #")
    if parts.scheme == "file":
        return _file(parts.netloc, parts.path)
    user, at, netloc = parts.netloc.rpartition("@")
    if parts.scheme == "ssh":
        return _network("ssh", netloc, parts.path, user=_user(user, given=bool(at)))
    if at:
        raise BadURLError("must not carry a user or token; send it as access_token")
    return _network(parts.scheme, netloc, parts.path)


def stored(text: str) -> RepoURL:
    """Parse a url in its stored form, whether or not its scheme is allowed now."""
    return parse(text, schemes=("file", *_PORTS))


def _check(text: str, scheme: str, schemes: Collection[str]) -> None:
    if not scheme or "://" not in text:
        raise BadURLError("must be a full url, such as https://forge.example/org/repo.git")
    if scheme not in schemes:
        allowed = ", ".join(sorted(schemes))
        raise BadURLError(
            f"has the scheme {scheme!r}; KEEPTRUSTS_GIT_SCHEMES allows {allowed} here"
        )


def _user(text: str, *, given: bool) -> str:
    """The user of an ssh url, `git` by default."""
    if given and not _USER.fullmatch(text):
        raise BadURLError("has no usable user name before the @")
    return text or _SSH_USER


def _file(netloc: str, path: str) -> RepoURL:
    if netloc or not path.startswith("/"):
        raise BadURLError("must be file:///ABSOLUTE/PATH")
    return RepoURL(text=f"file://{path}", scheme="file", host="", port=0)


def _network(scheme: str, netloc: str, path: str, *, user: str = "") -> RepoURL:
    host, port = _host(netloc)
    port = port or _PORTS[scheme]
    path = path.rstrip("/")  # git asks for the same with and without.
    if not path:
        raise BadURLError("names a host but no repository on it")
    where = f"[{host}]" if ":" in host else host
    if user:
        where = f"{user}@{where}"
    suffix = "" if port == _PORTS[scheme] else f":{port}"
    return RepoURL(text=f"{scheme}://{where}{suffix}{path}", scheme=scheme, host=host, port=port)


def place(text: str) -> str:
    """Check `HOST` or `HOST:PORT`, with `http://` before it or not; returns its stored form.

    Raises:
        BadURLError: it is neither.
    """
    scheme, bare = _split(text)
    host, port = _host(bare)
    spelling = f"[{host}]" if ":" in host else host
    return f"{scheme}{spelling}:{port}" if port else f"{scheme}{spelling}"


def host_and_port(place: str, *, scheme: str) -> tuple[str, int]:
    """The host and port of a `place`; without a port the default one of the scheme."""
    host, port = _host(_split(place)[1])
    return host, port or _PORTS[scheme]


def api_schemes(schemes: Collection[str]) -> set[str]:
    """The schemes by which APIs and receivers may be called: http only where it is a link's."""
    return {"https"} | {"http"}.intersection(schemes)


def api_base(text: str, *, schemes: Collection[str]) -> str:
    """Check the url of a forge's API, below which its requests go; returns its stored form.

    Raises:
        BadURLError: it has more than scheme, host, port and a plain path, or one of them cannot be
            used.
    """
    url = parse(f"{text.rstrip('/')}/x", schemes=schemes).text.removesuffix("/x")
    path = url.split("/", 3)[3:]
    if path and not all(map(_PLAIN.fullmatch, path[0].split("/"))):
        raise BadURLError("must be such as https://forge.example/api/v3")
    return url


def in_clear(place: str) -> bool:
    """True when a `place` is for plain http alone."""
    return _split(place)[0] != ""


def on_this_machine(place: str) -> bool:
    """True for a loopback address and port: nobody else reads what goes there, by http either."""
    host, port = _host(_split(place)[1])
    try:
        return port is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # A name may lead elsewhere tomorrow.


def _split(place: str) -> tuple[str, str]:
    scheme = place[: len(_CLEAR)].lower()
    return (_CLEAR, place[len(_CLEAR) :]) if scheme == _CLEAR else ("", place)


def origin(url: str) -> str:
    """The scheme, user, host and port of a url in its stored form."""
    return "/".join(url.split("/", 3)[:3])


def _host(text: str) -> tuple[str, int | None]:
    parts = _NETLOC.fullmatch(text.lower())
    if parts is None:
        raise BadURLError("has no usable host name and port")
    host = _ipv6(parts["ipv6"]) if parts["ipv6"] else _name(parts["name"])
    port = int(parts["port"]) if parts["port"] else None
    if port is not None and not 0 < port < 65_536:
        raise BadURLError("has a port outside 1 to 65535")
    return host, port


def _ipv6(text: str) -> str:
    """An IPv6 address in its shortest form."""
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError as exc:
        raise BadURLError(f"has no IPv6 address in its brackets: {exc}") from exc


def _name(text: str) -> str:
    if len(text) > _MAX_NAME_LENGTH or not all(map(_LABEL.fullmatch, text.split("."))):
        raise BadURLError("has no usable host name")
    return text


def resolve(url: RepoURL, *, allowed: Sequence[Network]) -> tuple[str, ...]:
    """The addresses that may be called for `url`; git is pinned to them.

    A name may resolve differently a moment later, so no other address is called afterwards.

    Raises:
        UnreachableError: the name does not resolve, or not within 5 s.
        HostNotAllowedError: none of the addresses is allowed.
    """
    try:
        texts = look_up(url.host, url.port).result(LOOKUP_SECONDS)
    except TimeoutError as exc:
        raise unresolved(url.host) from exc
    return admitted(url.host, texts, allowed=allowed)


def look_up(host: str, port: int) -> Future[tuple[str, ...]]:
    """Look up the addresses of a name in a thread of its own, which no exit waits for.

    The future's error is an `UnreachableError`.
    """
    lookup: Future[tuple[str, ...]] = Future()
    Thread(target=_look_up, args=(lookup, host, port), name=f"dns {host}", daemon=True).start()
    return lookup


def _look_up(lookup: Future[tuple[str, ...]], host: str, port: int) -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        lookup.set_exception(unresolved(host))
    else:
        lookup.set_result(tuple(dict.fromkeys(str(a[4][0]).split("%")[0] for a in answers)))


def unresolved(host: str) -> UnreachableError:
    """The error for a name without an address."""
    return UnreachableError(f"The host name {host!r} does not resolve.")


def admitted(host: str, found: Sequence[str], *, allowed: Sequence[Network]) -> tuple[str, ...]:
    """The addresses of `host` that may be called.

    Raises:
        HostNotAllowedError: there is none.
    """
    good = tuple(text for text in found if is_allowed(ipaddress.ip_address(text), allowed))
    if not good:
        raise HostNotAllowedError(not_public(host))
    return good


def not_public(host: str) -> str:
    """The message for a host that may not be called; not which address its name has, since
    whoever asks may be outside the network in which it is known.
    """
    return (
        f"{host!r} is, or leads to, an address that is not public; an operator allows it with"
        " KEEPTRUSTS_GIT_ALLOWED_NETWORKS."
    )


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """True when `address` is public, or inside one of the operator's networks.

    An IPv6 address that stands for an IPv4 one (mapped, 6to4, NAT64) is judged as that one.
    """
    address = _unwrapped(address)
    if any(address in network for network in allowed):
        return True
    if address.version == 6 and address not in _PUBLIC_IPV6:
        return False
    reserved = any(address in network for network in _CLOUD)
    return address.is_global and not address.is_multicast and not reserved


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def literal_address(host: str) -> Address | None:
    """The address in a url's host, in any form that a C library reads; None for a name."""
    if not host:
        return None
    try:
        answers = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return ipaddress.ip_address(str(answers[0][4][0]).split("%")[0])
