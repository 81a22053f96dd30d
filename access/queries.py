"""Reading tokens, trusts and rules of sign-in: rows as plain dicts, what lists may be asked."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from access import roles, tokens
from access.models import SignInRule, Token, Trust
from access.trusts import forms
from keeptrusts.api import parameters
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.lists.listing import Filter
from keeptrusts.api.lists.table import Table

Row = Mapping[str, Any]

# Of a token never its text, never its digest.
_TOKEN = (
    "id", "name", "role", "note", "hint", "networks", "sight", "emails", "signers", "made_by",
    "created_at", "expires_at", "revoked_at", "last_used_at", "previous_until",
)  # fmt: skip
_TRUST = (
    "id", "name", "issuer", "audience", "repository_id", "project_id", "subject", "ref",
    "environment", "role", "networks", "sight", "max_seconds", "enabled", "made_by", "created_at",
    "expires_at",
)  # fmt: skip
_RULE = (
    "id", "name", "issuer", "claims", "position", "role", "networks", "sight", "enabled",
    "made_by", "created_at", "expires_at",
)  # fmt: skip
_ABOVE = parameters.identifier(
    "descendants_of", "Those that this token made, and those that these made.", of="a token"
)


def token(token_id: UUID | str) -> Row:
    """One token.

    Raises:
        NotFoundError: there is none with this id.
    """
    return _one(Token.objects.filter(pk=token_id), _TOKEN, "token")


def trust(trust_id: UUID | str) -> Row:
    """One trust.

    Raises:
        NotFoundError: there is none with this id.
    """
    return _one(Trust.objects.filter(pk=trust_id), _TRUST, "trust")


def sign_in_rule(rule_id: UUID | str) -> Row:
    """One rule of sign-in.

    Raises:
        NotFoundError: there is none with this id.
    """
    return _one(SignInRule.objects.filter(pk=rule_id), _RULE, "sign-in rule")


def _one(rows: QuerySet[Any], members: tuple[str, ...], what: str) -> Row:
    found: Row | None = rows.values(*members).first()
    if found is None:
        raise NotFoundError(f"{what} with this id")
    return found


def _below(token_id: UUID) -> list[UUID]:
    return [row.pk for row in tokens.descendants(token_id)]


def _role(known: tuple[str, ...]) -> Filter[None]:
    words = parameters.words("role", "Those of these roles.", known=known, default=None)
    return Filter(words, lambda value, _: Q(role__in=value))


TOKENS: Table[None] = Table(
    name="tokens",
    members=_TOKEN,
    rows=lambda _: Token.objects.all(),
    values=lambda rows: rows.values(*_TOKEN),
    sorts={
        "created_at": "created_at", "name": "name", "expires_at": "expires_at",
        "last_used_at": "last_used_at",
    },
    nullable=("expires_at", "last_used_at"),
    sort="created_at",
    searched=("id", "name"),
    filters=(
        Filter(_ABOVE, lambda value, _: Q(pk__in=_below(value))),
        _role(tuple(roles.ROLES)),
        Filter(
            parameters.flag("revoked", "Those that are revoked, or the others.", default=None),
            lambda value, _: Q(revoked_at__isnull=not value),
        ),
    ),
)  # fmt: skip

TRUSTS: Table[None] = Table(
    name="trusts",
    members=_TRUST,
    rows=lambda _: Trust.objects.all(),
    values=lambda rows: rows.values(*_TRUST),
    sorts={"created_at": "created_at", "name": "name", "expires_at": "expires_at"},
    nullable=("expires_at",),
    sort="created_at",
    searched=("id", "name", "issuer", "repository_id", "project_id", "subject"),
    filters=(
        Filter(_ABOVE, lambda value, _: Q(made_by__in=[value, *_below(value)])),
        _role(tuple(forms.ROLES)),
    ),
)

SIGN_IN_RULES: Table[None] = Table(
    name="sign-in-rules",
    members=_RULE,
    rows=lambda _: SignInRule.objects.all(),
    values=lambda rows: rows.values(*_RULE),
    sorts={
        "position": "position", "created_at": "created_at", "name": "name",
        "expires_at": "expires_at",
    },
    nullable=("expires_at",),
    sort="position",
    searched=("id", "name", "issuer"),
    filters=(
        Filter(_ABOVE, lambda value, _: Q(made_by__in=[value, *_below(value)])),
        _role(tuple(roles.ROLES)),
    ),
)  # fmt: skip
