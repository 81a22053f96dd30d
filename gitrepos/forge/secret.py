"""What proves to a forge who asks: plain values for the moment of a call, never shown."""

import base64
from dataclasses import dataclass, field

FORGE_USER = "x-access-token"


@dataclass(frozen=True, slots=True)
class Secret:
    """Of http and https, `authorization` is the header's value; the others are of ssh.

    `private_key` is in OpenSSH's format and without a passphrase, `known_hosts` in that of its
    file. `hidden` are the texts that no message may hold.
    """

    authorization: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    known_hosts: str = ""
    hidden: tuple[str, ...] = field(default=(), repr=False)


NOBODY = Secret()


def basic(password: str, *, user: str = FORGE_USER) -> Secret:
    """Source: RFC 7617. `FORGE_USER` is what forges take beside an access token."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Secret(authorization=f"Basic {encoded}", hidden=(password, encoded))


def bearer(token: str) -> Secret:
    """Source: RFC 6750."""
    return Secret(authorization=f"Bearer {token}", hidden=(token,))


def key(private_key: str, *, known_hosts: str) -> Secret:
    """A key for ssh, and who may be taken for the server."""
    return Secret(private_key=private_key, known_hosts=known_hosts, hidden=(private_key,))
