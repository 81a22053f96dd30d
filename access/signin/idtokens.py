"""Verification of ID tokens, with the keys and the reading that trusts have.

Source: OpenID Connect Core 1.0, section 3.1.3.7.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from access.signin.refusals import Code, SignInRefusedError
from access.signin.tickets import Ticket
from access.trusts import claims, issuers, jwt, keys
from access.trusts.claims import SKEW_SECONDS
from access.trusts.refusals import JWTRefusedError, Reason

# An ID token with two hundred groups, by their ids, has some 12 KiB.
MOST_CHARACTERS = 32 * 1024
_MOST_OF_SUBJECT = 255
_CODES: Mapping[str, Code] = {
    Reason.EXPIRED: Code.CLOCKS_DIFFER,
    Reason.NOT_YET: Code.CLOCKS_DIFFER,
    Reason.ISSUER_AWAY: Code.PROVIDER_AWAY,
}


def verified(text: str, ticket: Ticket) -> Mapping[str, Any]:
    """The claims of an ID token that is the answer to a ticket's sign-in.

    Raises:
        SignInRefusedError: it is not, or is not of now.
    """
    try:
        return _verified(text, ticket)
    except JWTRefusedError as exc:
        code = _CODES.get(exc.reason, Code.ID_TOKEN_REFUSED)
        raise SignInRefusedError(code, f"{exc.reason}: {exc.detail}") from exc


def _verified(text: str, ticket: Ticket) -> Mapping[str, Any]:
    token = jwt.read(text, most=MOST_CHARACTERS)
    told = token.claims
    if told.get("iss") != ticket.issuer:
        raise JWTRefusedError(Reason.ISSUER, f"its iss is {told.get('iss')!r}")
    keys.verify(token, issuers.key(ticket.issuer, token.kid))
    claims.check_times(told, now=time.time(), wants_nbf=False)
    if told["iat"] < ticket.begun_at - SKEW_SECONDS:
        raise JWTRefusedError(Reason.EXPIRED, "it was issued before this sign-in began")
    # Whoever is named besides could use here what was sent there.
    if told.get("aud") not in (ticket.client_id, [ticket.client_id]):
        raise JWTRefusedError(Reason.AUDIENCE, f"its aud is {told.get('aud')!r}")
    if told.get("azp", ticket.client_id) != ticket.client_id:
        raise JWTRefusedError(Reason.AUDIENCE, f"its azp is {told.get('azp')!r}")
    if not _are_same(told.get("nonce"), ticket.nonce):
        raise JWTRefusedError(Reason.NONCE, "its nonce is not that of this sign-in")
    subject = claims.subject(told)
    if len(subject) > _MOST_OF_SUBJECT or not (subject.isascii() and subject.isprintable()):
        raise JWTRefusedError(Reason.CLAIM, f"its sub is no ASCII of {_MOST_OF_SUBJECT} characters")
    return told


def _are_same(told: Any, nonce: str) -> bool:
    if not isinstance(told, str):
        return False
    return secrets.compare_digest(told.encode("utf-8", "surrogatepass"), nonce.encode())
