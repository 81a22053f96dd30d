"""Sealed secrets of forges' APIs, each bound to its row and to the only place that gets it."""

import json
from dataclasses import dataclass, field

from commitstatus.models import ForgeCredential, ProofKind
from gitrepos.errors import SecretLostError
from gitrepos.forge.addresses import host_and_port, in_clear, stored
from gitrepos.forge.secret import Installation
from gitrepos.links.sealed_secrets import check_api
from keeptrusts.sealing import Rotation, SealError, seal, unseal

BOUND = ("forge", "kind", "api_url", "app_id", "installation_id")
"""The columns that say where a secret goes and as what; a new one needs the secret again."""

# Of an App's token no more is asked for than a status wants.
_PERMISSIONS = (("metadata", "read"), ("statuses", "write"))


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves requests to an API: a token and its user, or an installation of an App."""

    token: str = field(default="", repr=False)
    username: str = ""
    installation: Installation | None = None


def name(row: ForgeCredential) -> str:
    """The name of a row with a secret, as rotation reports it."""
    return f"forge-credential:{row.pk}"


def binding(row: ForgeCredential) -> str:
    """The text to which a row's secret is bound."""
    return f"{name(row)} {json.dumps([getattr(row, column) for column in BOUND])}"


def sealed(text: str, row: ForgeCredential) -> str:
    """The sealed form of a secret for `row` as its other columns are now."""
    return seal(text, row=binding(row))


def of(row: ForgeCredential) -> Proof:
    """The proof of a credential.

    Raises:
        SecretLostError: no configured key opens it, or the row was changed by hand.
        HostNotAllowedError: its API may not be called any more.
    """
    check_api(row.api_url)
    try:
        secret = unseal(row.secret, row=binding(row))
    except SealError as exc:
        raise SecretLostError(
            f"The secret of {row.name!r} cannot be opened: {exc}. Send it again."
        ) from exc
    if row.kind == ProofKind.APP:
        ids = (row.api_url, row.app_id, row.installation_id)
        return Proof(installation=Installation(*ids, secret, _PERMISSIONS))
    return Proof(secret, row.username)


def is_for(row: ForgeCredential, url: str) -> bool:
    """True when a credential tells of repositories where a link's url leads."""
    there = stored(url)
    if there.scheme == "file":
        return False
    for host in row.hosts:
        if in_clear(host) and there.scheme != "http":
            continue
        if (there.host, there.port) == host_and_port(host, scheme=there.scheme):
            return True
    return False


def reseal(done: Rotation) -> None:
    """Seal every secret under the first key; a second run finds nothing to do."""
    for row in ForgeCredential.objects.order_by("pk"):
        old, new = row.secret, done.renew(row.secret, row=binding(row))
        if old != new:  # Unless somebody sent another meanwhile.
            ForgeCredential.objects.filter(pk=row.pk, secret=old).update(secret=new)
