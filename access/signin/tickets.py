"""Tickets: what a browser keeps from the start of a sign-in to its end, sealed.

The state, the nonce and PKCE's verifier are bound to the browser by it; nobody reads or makes one
but the control plane. Nothing is stored here until a sign-in ends, so whoever begins many costs
nothing.
"""

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, field

from access.signin.refusals import Code, SignInRefusedError
from access.trusts.claims import SKEW_SECONDS
from keeptrusts import sealing
from keeptrusts.sealing import SealError

LASTS_SECONDS = 600
_ROW = "sign-in"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A sign-in that was begun. `next` is the path to go on to, `begun_at` in seconds since 1970.

    `issuer` and `client_id` are those of the provider that was asked.
    """

    issuer: str
    client_id: str
    next: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    begun_at: float = field(default_factory=time.time)

    @property
    def challenge(self) -> str:
        """PKCE's challenge, by S256. Source: RFC 7636."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def ends_at(self) -> float:
        """When it is over by anybody's clock, in seconds since 1970."""
        return self.begun_at + LASTS_SECONDS + SKEW_SECONDS

    def sealed(self) -> str:
        """The value of its cookie."""
        return sealing.seal(json.dumps(asdict(self)), row=_ROW)


def opened(value: str, *, state: str) -> Ticket:
    """The ticket of a cookie's value, if it is of a state.

    Raises:
        SignInRefusedError: it is none of ours, of another sign-in, or over.
    """
    try:
        ticket = Ticket(**json.loads(sealing.unseal(value, row=_ROW)))
    except (SealError, ValueError, TypeError) as exc:
        raise SignInRefusedError(Code.NOT_BEGUN, "no ticket of ours") from exc
    if not secrets.compare_digest(ticket.state.encode(), state.encode("utf-8", "surrogatepass")):
        raise SignInRefusedError(Code.NOT_BEGUN, "the ticket is of another sign-in")
    # Another machine of ours may have begun it, by its own clock.
    if not -SKEW_SECONDS <= time.time() - ticket.begun_at < LASTS_SECONDS:
        raise SignInRefusedError(Code.NOT_BEGUN, "the ticket is over")
    return ticket


def name_of(state: str) -> str:
    """The end of the name of a ticket's cookie, so that each tab has one of its own."""
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:8]
