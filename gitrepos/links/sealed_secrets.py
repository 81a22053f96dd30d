"""Sealed secrets, each bound to its row and to where it may go, and their use."""

import json

from django.conf import settings

from gitrepos.errors import HostNotAllowedError, SecretLostError
from gitrepos.forge import secret
from gitrepos.forge.addresses import (
    BadURLError,
    RepoURL,
    api_base,
    api_schemes,
    host_and_port,
    in_clear,
    on_this_machine,
    origin,
    stored,
)
from gitrepos.forge.secret import NOBODY, Installation, Secret
from gitrepos.models import CredentialKind, GitCredential, Link, Remote
from keeptrusts.sealing import SealError, seal, unseal

BEARER = "bearer"
CLIENT_KEY = "client_key"
INSTALLED = ("api_url", "app_id", "installation_id")
"""The columns that say what the key of an App signs, and who sees that."""
_NAMES = {Remote: "remote", GitCredential: "git-credential", Link: "git-repo"}
# The first is the scheme of a host; over http, a secret goes only where its owner says so.
_SCHEMES = {
    "token": ("https", "http"),
    "basic": ("https", "http"),
    "ssh": ("ssh",),
    "tls": ("https",),
    "app": ("https", "http"),
}

# Scheme, host and port.
Place = tuple[str, str, int]


def sealed(text: str, row: Remote | GitCredential, column: str = "") -> str:
    """The sealed form of `text` for `row` as its other columns are now; empty for an empty text."""
    return seal(text, row=binding(row, column)) if text else ""


def name(row: Remote | GitCredential | Link) -> str:
    """The name of a row with a secret, as rotation reports it."""
    return f"{_NAMES[type(row)]}:{row.pk}"


def binding(row: Remote | GitCredential | Link, column: str = "") -> str:
    """The text to which a row's secret is bound: the row, and everything that says where it may go.

    Of a credential's two secrets, the one in `client_key` is bound to that column besides: a key
    must not be sent as a password. So nobody who changes the database or a message can have the
    secret sent elsewhere.
    """
    if isinstance(row, Remote):
        return f"{name(row)} {origin(row.url)}"
    if isinstance(row, GitCredential):
        use = f" {column}" if column == CLIENT_KEY else ""
        facts = [row.kind, sorted(row.hosts), row.known_hosts]
        if row.kind == CredentialKind.APP:
            facts += [getattr(row, name) for name in INSTALLED]
        return f"{name(row)} {json.dumps(facts)}{use}"
    return name(row)


def places(row: GitCredential) -> set[Place]:
    """The places to which a credential may be sent."""
    return {
        (scheme, *host_and_port(host, scheme=scheme))
        for host in row.hosts
        for scheme in _schemes(row.kind, host)
    }


def _schemes(kind: str, host: str) -> tuple[str, ...]:
    first, *others = _SCHEMES[kind]
    if in_clear(host):
        return tuple(others)
    return (first, *(others if on_this_machine(host) else ()))


def token_of(remote: Remote) -> str:
    """The access token of a remote itself, or empty.

    Raises:
        SecretLostError: no configured key decrypts it.
    """
    return _opened(remote.credential, remote, "access_token") if remote.credential else ""


def secret_of(remote: Remote) -> Secret:
    """The secret for calls to a remote.

    Raises:
        SecretLostError: no configured key decrypts it.
        HostNotAllowedError: the shared credential may not go to the remote's url.
    """
    row = remote.shared
    if row is None:
        token = token_of(remote)
        return secret.basic(token) if token else NOBODY
    if reason := refused(row, stored(remote.url)):
        raise HostNotAllowedError(f"The credential {row.name!r} {reason}.")
    shared = _shared(row)
    if not row.client_certificate:
        return shared
    return secret.presenting(shared, row.client_certificate, text_of(row, CLIENT_KEY))


def _shared(row: GitCredential) -> Secret:
    if row.kind == CredentialKind.TLS:
        return NOBODY
    text = text_of(row)
    if row.kind == CredentialKind.APP:
        check_api(row.api_url)
        return secret.installed(Installation(row.api_url, row.app_id, row.installation_id, text))
    if row.kind == CredentialKind.SSH:
        return secret.key(text, known_hosts=row.known_hosts)
    if row.authorization == BEARER:
        return secret.bearer(text)
    return secret.basic(text, user=row.username or secret.FORGE_USER)


def check_api(url: str) -> None:
    """Check that the API of a forge may be called by the schemes that an operator allows now.

    Raises:
        HostNotAllowedError: it may not.
    """
    try:
        api_base(url, schemes=api_schemes(settings.ENV.git_schemes))
    except BadURLError as exc:
        raise HostNotAllowedError(f"The api_url {exc}.") from exc


def text_of(row: GitCredential, column: str = "secret") -> str:
    """A secret of a shared credential.

    Raises:
        SecretLostError: no configured key decrypts it, or the row was changed by hand.
    """
    return _opened(getattr(row, column), row, f"credential {row.name!r}", column)


def refused(row: GitCredential, url: RepoURL) -> str:
    """The reason why a credential may not go to `url`, to end a sentence; empty if it may."""
    if url.scheme not in _SCHEMES[row.kind]:
        return f"is of kind {row.kind}, which is not for a url of scheme {url.scheme}"
    if (url.scheme, url.host, url.port) not in places(row):
        allowed, place = ", ".join(row.hosts), f"{url.host}, port {url.port}"
        hint = "; plain http wants http://HOST:PORT in its hosts" if url.scheme == "http" else ""
        return f"may go to {allowed} alone, and the url leads to {place}, by {url.scheme}{hint}"
    return ""


def _opened(text: str, row: Remote | GitCredential, what: str, column: str = "") -> str:
    try:
        return unseal(text, row=binding(row, column))
    except SealError as exc:
        raise SecretLostError(f"The {what} cannot be opened: {exc}. Send it again.") from exc


def sealed_webhook_secret(text: str, link: Link) -> str:
    """The sealed form of a link's `webhook_secret`; empty for none."""
    return seal(text, row=binding(link)) if text else ""


def webhook_secret_of(link: Link) -> str:
    """The `webhook_secret` of a link.

    Raises:
        SealError: no configured key decrypts it.
    """
    return unseal(link.webhook_secret, row=binding(link))
