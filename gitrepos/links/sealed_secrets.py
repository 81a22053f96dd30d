"""Secrets at rest, each bound to its row, and what becomes of them for a call."""

from gitrepos.errors import HostNotAllowedError, SecretLostError
from gitrepos.forge import secret
from gitrepos.forge.addresses import RepoURL, host_and_port, stored
from gitrepos.forge.secret import NOBODY, Secret
from gitrepos.models import CredentialKind, GitCredential, Link, Remote
from keeptrusts.sealing import SealError, seal, unseal

BEARER = "bearer"
_NAMES = {Remote: "remote", GitCredential: "git-credential", Link: "git-repo"}
_SCHEMES = {"token": ("https", "http"), "basic": ("https", "http"), "ssh": ("ssh",)}


def sealed(text: str, row: Remote | GitCredential) -> str:
    """What `row` keeps of `text`; empty for none."""
    return seal(text, row=binding(row)) if text else ""


def binding(row: Remote | GitCredential | Link) -> str:
    """The name of a row under which its secret is sealed."""
    return f"{_NAMES[type(row)]}:{row.pk}"


def token_of(remote: Remote) -> str:
    """The token of a remote's own, or empty.

    Raises: `SecretLostError` when no configured key opens it.
    """
    return _opened(remote.credential, remote, "access_token") if remote.credential else ""


def secret_of(remote: Remote) -> Secret:
    """What to prove to the server of a remote.

    Raises: `SecretLostError`; `HostNotAllowedError` when the shared credential may not go there.
    """
    row = remote.shared
    if row is None:
        token = token_of(remote)
        return secret.basic(token) if token else NOBODY
    if reason := refused(row, stored(remote.url)):
        raise HostNotAllowedError(f"The credential {row.name!r} {reason}.")
    text = _opened(row.secret, row, f"credential {row.name!r}")
    if row.kind == CredentialKind.SSH:
        return secret.key(text, known_hosts=row.known_hosts)
    if row.authorization == BEARER:
        return secret.bearer(text)
    return secret.basic(text, user=row.username or secret.FORGE_USER)


def refused(row: GitCredential, url: RepoURL) -> str:
    """Why a credential does not go to `url`, as the end of a sentence; empty when it may."""
    if url.scheme not in _SCHEMES[row.kind]:
        return f"is of kind {row.kind}, which is not for a url of scheme {url.scheme}"
    if (url.host, url.port) not in {host_and_port(h, scheme=url.scheme) for h in row.hosts}:
        return f"may go to {', '.join(row.hosts)} alone, and the url leads to {_place(url)}"
    return ""


def _place(url: RepoURL) -> str:
    return f"{url.host}, port {url.port}"


def _opened(text: str, row: Remote | GitCredential, what: str) -> str:
    try:
        return unseal(text, row=binding(row))
    except SealError as exc:
        raise SecretLostError(f"The {what} cannot be opened: {exc}. Send it again.") from exc


def sealed_webhook_secret(secret: str, link: Link) -> str:
    """What a link keeps of its `webhook_secret`; empty for none."""
    return seal(secret, row=binding(link)) if secret else ""


def webhook_secret_of(link: Link) -> str:
    """Raises: `SealError` when no configured key opens it."""
    return unseal(link.webhook_secret, row=binding(link))
