"""Persons: whom a bearer stands for, by what they commit with and by who made their token."""

from dataclasses import dataclass
from uuid import UUID

from access.models import Token

TOKEN = "token"  # noqa: S105 - the kind of a bearer


@dataclass(frozen=True, slots=True)
class Person:
    """The holder of a credential.

    `addresses` and `keys` are what the holder commits with. `makers` are the ids of the tokens
    that made the credential, and that made these; `of_makers` has their addresses and keys.
    """

    kind: str
    id: str
    name: str = ""
    addresses: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    makers: frozenset[str] = frozenset()
    of_makers: frozenset[str] = frozenset()


def of(kind: str, identity: str, name: str = "") -> Person:
    """The person behind a bearer as tokens say it now; of other kinds nothing more is known."""
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


def makers(token: Token) -> list[Token]:
    """The tokens that made a token, the nearest first; a query a generation."""
    found: list[Token] = []
    maker: UUID | None = token.made_by_id
    while maker is not None:
        found.append(Token.objects.get(pk=maker))
        maker = found[-1].made_by_id
    return found
