"""Secrets in clear, for the time of a call to a forge; never shown."""

import base64
from dataclasses import dataclass, field, replace

FORGE_USER = "x-access-token"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate for https: its chain and its private key, in PEM."""

    chain: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation of a GitHub App, and the App's private key, in PEM, that signs for it.

    `api_url` is the only place that sees what the key signed. Tokens have `permissions` alone:
    pairs of a name and `read` or `write`.
    """

    api_url: str
    app_id: str
    installation_id: str
    private_key: str = field(repr=False)
    permissions: tuple[tuple[str, str], ...] = (("contents", "read"),)


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret of one call.

    `authorization` is the value of the header over http and https, where over the latter
    `certificate` is shown besides. Over ssh, `private_key` is in
    OpenSSH's format without a passphrase, `known_hosts` in that of the file. With `installation`
    a token of it is had before the call. No message may hold a text of `hidden`.
    """

    authorization: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    known_hosts: str = ""
    certificate: Certificate | None = None
    installation: Installation | None = None
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


def presenting(secret: Secret, chain: str, key: str) -> Secret:
    """The secret with a client certificate besides."""
    hidden = (*secret.hidden, key)
    return replace(secret, certificate=Certificate(chain, key), hidden=hidden)


def key(private_key: str, *, known_hosts: str) -> Secret:
    """The secret for ssh: a private key, and the keys that the server may show."""
    return Secret(private_key=private_key, known_hosts=known_hosts, hidden=(private_key,))


def installed(installation: Installation) -> Secret:
    """The secret for https of an App's installation, still without a token of it."""
    return Secret(installation=installation, hidden=(installation.private_key,))
