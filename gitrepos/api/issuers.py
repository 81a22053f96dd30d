"""Documents of issuers of JWTs, fetched by the operator's terms for calls to forges."""

from django.conf import settings

from access.trusts.issuers import IssuerAwayError
from gitrepos.forge import documents, proxy


def fetch(url: str) -> bytes:
    """A document of an issuer; by http only where that is a scheme of links.

    Raises:
        IssuerAwayError: it could not be had.
    """
    env = settings.ENV
    try:
        return documents.fetch(
            url,
            schemes={"https"} | env.git_schemes & {"http"},
            allowed=env.git_allowed_networks,
            ca_file=env.git_ca_file,
            proxy=proxy.read(env.git_proxy, env.git_no_proxy),
        )
    except documents.DocumentError as exc:
        raise IssuerAwayError(str(exc)) from exc
