"""Access tokens at rest, bound to the remote that they were given for."""

from gitrepos.errors import SecretLostError
from gitrepos.models import GitRepo, Remote
from keeptrusts.sealing import SealError, seal, unseal


def sealed(token: str, remote: Remote) -> str:
    """What the row keeps of `token`; empty for none."""
    return seal(token, row=_row(remote)) if token else ""


def token_of(remote: Remote) -> str:
    """The token of a remote, or empty.

    Raises: `SecretLostError` when no configured key opens it.
    """
    try:
        return unseal(remote.credential, row=_row(remote)) if remote.credential else ""
    except SealError as exc:
        raise SecretLostError(f"The access_token cannot be opened: {exc}. Send it again.") from exc


def _row(remote: Remote) -> str:
    return f"remote:{remote.pk}"


def sealed_webhook_secret(secret: str, link: GitRepo) -> str:
    """What a link keeps of its `webhook_secret`; empty for none."""
    return seal(secret, row=f"git-repo:{link.pk}") if secret else ""


def webhook_secret_of(link: GitRepo) -> str:
    """Raises: `SealError` when no configured key opens it."""
    return unseal(link.webhook_secret, row=f"git-repo:{link.pk}")
