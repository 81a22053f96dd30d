"""Calls to issuers of JWTs, by the operator's terms for calls to forges."""

from collections.abc import Mapping

from django.conf import settings

from access.trusts.issuers import IssuerAwayError
from gitrepos.forge import documents


def fetch(url: str) -> bytes:
    """A document of an issuer; by http only where that is a scheme of links.

    Raises:
        IssuerAwayError: it could not be had.
    """
    try:
        return documents.fetch(url, terms=documents.terms_of(settings.ENV))
    except documents.DocumentError as exc:
        raise IssuerAwayError(str(exc)) from exc


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """The status and body that an endpoint of an issuer answers with.

    Raises:
        IssuerAwayError: it does not answer.
    """
    try:
        return documents.post(url, body, headers, terms=documents.terms_of(settings.ENV))
    except documents.DocumentError as exc:
        raise IssuerAwayError(str(exc)) from exc
