"""Secrets in clear, for the time of a call to a forge; never shown."""

import base64
from dataclasses import dataclass, field

FORGE_USER = "x-access-token"


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret of one call.

    `authorization` is the value of the header over http and https. Over ssh, `private_key` is in
    OpenSSH's format without a passphrase, `known_hosts` in that of the file. No message may hold
    a text of `hidden`.
    """

    authorization: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    known_hosts: str = ""
    hidden: tuple[str, ...] = field(default=(), repr=False)


NOBODY = Secret()


def basic(password: str, *, user: str = FORGE_USER) -> Secret:
    """The secret for basic authentication; forges take `FORGE_USER` with an access token.

    Source: RFC 7617.
    """
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Secret(authorization=f"Basic {encoded}", hidden=(password, encoded))


def bearer(token: str) -> Secret:
    """The secret for a bearer token. Source: RFC 6750."""
    return Secret(authorization=f"Bearer {token}", hidden=(token,))


def key(private_key: str, *, known_hosts: str) -> Secret:
    """The secret for ssh: a private key, and the keys that the server may show."""
    return Secret(private_key=private_key, known_hosts=known_hosts, hidden=(private_key,))
