"""Persons: whom a bearer stands for, by what they commit with and by who had their token."""

from dataclasses import dataclass
from uuid import UUID

from access.models import KnownPerson, Token

TOKEN = "token"  # noqa: S105 - the kind of a bearer
PERSON = "person"
# The kinds of bearers behind whom somebody is who may confirm.
HUMAN = (TOKEN, PERSON)


@dataclass(frozen=True, slots=True)
class Person:
    """The holder of a credential.

    `addresses` and `keys` are what the holder commits with. `makers` are the ids of the tokens
    that made the credential or rotated it, and that did so with these; `of_makers` has their
    addresses and keys.
    """

    kind: str
    id: str
    name: str = ""
    addresses: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    makers: frozenset[str] = frozenset()
    of_makers: frozenset[str] = frozenset()


def of(kind: str, identity: str, name: str = "") -> Person:
    """The person behind a bearer, as tokens or their provider say it now; of other kinds nothing
    more is known.
    """
    if kind == PERSON:
        known = KnownPerson.objects.filter(pk=identity).first()
        addresses = frozenset({known.email} if known and known.email else ())
        return Person(kind, identity, name, addresses)
    token = Token.objects.filter(pk=identity).first() if kind == TOKEN else None
    if token is None:
        return Person(kind, identity, name)
    above = makers(token)
    return Person(
        kind,
        identity,
        name,
        frozenset(token.emails),
        frozenset(token.signers),
        frozenset(str(one.pk) for one in above),
        frozenset(mark for one in above for mark in (*one.emails, *one.signers)),
    )


def called(person: KnownPerson) -> str:
    """What people call somebody who signed in by a provider: what that vouches for."""
    says = f" (says {person.says})" if person.says and not person.email else ""
    return f"{person.email or person.subject}{says} via {person.issuer}"


def makers(token: Token) -> list[Token]:
    """The tokens that made a token, or were given its text, and so on; a query a generation."""
    found: dict[UUID, Token] = {}
    above = _above(token)
    while above:
        rows = Token.objects.filter(pk__in=above)
        found |= {one.pk: one for one in rows}
        above = {pk for one in rows for pk in _above(one)} - found.keys() - {token.pk}
    return list(found.values())


def _above(token: Token) -> set[UUID]:
    made_by = {token.made_by_id} if token.made_by_id else set()
    return made_by | {UUID(pk) for pk in token.given_to}
