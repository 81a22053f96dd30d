"""The exchange of a code for an ID token, with the provider. Source: RFC 6749, 7636."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote_plus, urlencode

from django.conf import settings
from django.utils.module_loading import import_string

from access.signin.provider import Endpoints
from access.signin.refusals import Code, SignInRefusedError
from access.signin.tickets import Ticket
from access.trusts import jwt
from access.trusts.issuers import IssuerAwayError
from access.trusts.refusals import JWTRefusedError
from keeptrusts.env.provider import Provider

_OK, _THEIR_FAULT = 200, 500

Post = Callable[[str, bytes, Mapping[str, str]], tuple[int, bytes]]


def id_token(
    code: str, ticket: Ticket, *, provider: Provider, endpoints: Endpoints, redirect_uri: str
) -> str:
    """The ID token that a provider gives for a code.

    Raises:
        SignInRefusedError: it gives none.
    """
    fields = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
        "client_id": provider.client_id, "code_verifier": ticket.verifier,
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if provider.client_secret and endpoints.by_header:
        headers["Authorization"] = _basic(provider)
    elif provider.client_secret:
        fields["client_secret"] = provider.client_secret
    post = cast(Post, import_string(settings.ISSUER_TOKENS))
    try:
        status, body = post(endpoints.token, urlencode(fields).encode(), headers)
    except IssuerAwayError as exc:
        raise SignInRefusedError(Code.PROVIDER_AWAY, f"its token endpoint: {exc}") from exc
    return _read(status, body)


def _read(status: int, body: bytes) -> str:
    where = f"its token endpoint answers {status}"
    try:
        answer: Mapping[str, Any] = jwt.mapping(body)
    except JWTRefusedError as exc:
        raise SignInRefusedError(Code.PROVIDER_AWAY, f"{where}, and no JSON object") from exc
    if status >= _THEIR_FAULT:
        raise SignInRefusedError(Code.PROVIDER_AWAY, where)
    if status != _OK:
        raise SignInRefusedError(Code.PROVIDER_REFUSED, f"{where}: {str(answer.get('error'))[:80]}")
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise SignInRefusedError(Code.PROVIDER_REFUSED, f"{where} without an id_token")
    return token


def _basic(provider: Provider) -> str:
    # Both are encoded as in a form before they are joined. Source: RFC 6749, section 2.3.1.
    pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
    return f"Basic {b64encode(pair.encode()).decode()}"
