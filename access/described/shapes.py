"""Shapes of answers about tokens and trusts."""

from typing import Annotated

from access.roles import ACTIONS, ROLES
from access.trusts import forms
from keeptrusts.api.shapes import MISSING, Missing, Shape, Time, about, one_of

_MADE_BY = "The id of the token that made it, null for the command line."
_Networks = Annotated[list[str], about("CIDRs from which alone it is good; empty: any.")]


class SightShape(Shape):
    """The configurations that a credential is narrowed to, by globs of ids and by labels."""

    ids: list[str]
    labels: dict[str, str]


class TokenShape(Shape):
    """A token, never with its text."""

    id: str
    name: str
    role: Annotated[str, one_of(ROLES)]
    note: str
    hint: Annotated[str, about("Its first characters.")]
    networks: _Networks
    sight: SightShape | None
    emails: Annotated[list[str], about("Addresses that its holder commits with.")]
    signers: Annotated[list[str], about("Fingerprints of keys that its holder signs with.")]
    made_by: Annotated[str, about(_MADE_BY)] | None
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Annotated[Time, about("Right to the hour.")] | None
    previous_until: (
        Annotated[Time, about("Until then the text before a rotation is good, too.")] | None
    )


class MadeTokenShape(TokenShape):
    """A token with its text, which is shown here and never again."""

    token: str


class TrustShape(Shape):
    """A trust: JWTs of an issuer that meet its conditions are bearer tokens."""

    id: str
    name: str
    issuer: str
    audience: str
    repository_id: str
    project_id: str
    subject: str
    ref: str
    environment: str
    role: Annotated[str, one_of(forms.ROLES)]
    networks: _Networks
    sight: SightShape | None
    max_seconds: Annotated[int, about("The longest life of a JWT in seconds.")]
    enabled: bool
    made_by: str
    created_at: Time
    expires_at: Time | None


class SignInRuleShape(Shape):
    """A rule of sign-in: whom the provider says all of its claims of is let in to the console."""

    id: str
    name: str
    issuer: str
    claims: Annotated[dict[str, list[str]], about("Of each claim one of the texts is wanted.")]
    position: Annotated[int, about("Of several that are met the lowest counts, then the oldest.")]
    role: Annotated[str, one_of(ROLES)]
    networks: _Networks
    sight: SightShape | None
    enabled: bool
    made_by: str
    created_at: Time
    expires_at: Time | None


class WhoAmIShape(Shape):
    """Who asks: a `token`, or a `trust` and the `subject` of a job; a person by a `rule`."""

    actions: Annotated[list[Annotated[str, one_of(ACTIONS)]], about("What the role may do.")]
    token: TokenShape | Missing = MISSING
    trust: TrustShape | Missing = MISSING
    rule: SignInRuleShape | Missing = MISSING
    subject: str | Missing = MISSING
