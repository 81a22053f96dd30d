"""Admission of a JWT: from its text to the trust that it is a bearer token of."""

import time
from collections.abc import Sequence

from access import tokens
from access.models import Trust
from access.trusts import claims, issuers, jwt, keys, registry, replays
from access.trusts.jwt import JWT
from access.trusts.refusals import JWTRefusedError, Reason
from keeptrusts.api.printable import printable

_MOST_OF_NAME = 200


def admit(text: str, *, count: int, address: str, changes: bool) -> tuple[Trust, str]:
    """The trust that a JWT meets, the oldest of several, and whom the JWT speaks of, for people.

    `count` is the counter of tokens before the request's first other query. `changes`: the request
    does more than read.

    Raises:
        JWTRefusedError: there is none; where trusts of its issuer want other things, the reason
            is that of the trust whose conditions it met furthest.
    """
    token = jwt.read(text)
    issuer = token.claims.get("iss")
    trusts = registry.of_issuer(issuer, count=count) if isinstance(issuer, str) else ()
    if not isinstance(issuer, str) or not trusts:
        raise JWTRefusedError(Reason.NO_TRUST, f"nobody trusts its issuer {issuer!r}")
    keys.verify(token, issuers.key(issuer, token.kid))
    subject = claims.subject(token.claims)
    until = claims.check_times(token.claims, now=time.time())
    trust = _met(token, trusts, address)
    if changes:
        replays.note(token, issuer=issuer, until=until)
    return trust, printable(subject)[:_MOST_OF_NAME]


def _met(token: JWT, trusts: Sequence[Trust], address: str) -> Trust:
    refusals = []
    for trust in trusts:
        try:
            claims.check(token.claims, registry.conditions(trust))
        except JWTRefusedError as exc:
            refusals.append(JWTRefusedError(exc.reason, f"the trust {trust.name}: {exc.detail}"))
            continue
        if tokens.is_from(trust, address):
            return trust
        detail = f"the trust {trust.name} is not for {address}"
        refusals.append(JWTRefusedError(Reason.NETWORK, detail))
    order = list(Reason)
    raise max(refusals, key=lambda refusal: order.index(refusal.reason))
