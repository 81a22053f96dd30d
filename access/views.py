"""`/v1/tokens`, `/v1/trusts` and `/v1/whoami`."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from access import queries, roles, tokens
from access.authentication import bearer, credential_digest
from access.described import operations
from access.models import Token
from access.serializers import (
    TokenEdit,
    TokenInput,
    TokenRotation,
    TrustInput,
)
from access.sights import UNRELATED
from access.trusts import registry
from keeptrusts.api import parameters
from keeptrusts.api.errors import FieldError
from keeptrusts.api.fields import valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written

_BELOW = parameters.flag(
    "descendants", "End all that it and they made as well, trusts too.", default=False
)


def _token_row(_request: Request, token_id: UUID) -> queries.Row:
    return queries.token(token_id)


def _trust_row(_request: Request, trust_id: UUID) -> queries.Row:
    return queries.trust(trust_id)


TOKEN = Resource(
    "/v1/tokens/{}",
    "tokens.manage",
    _token_row,
    counted_by(tokens.COUNTER),
    volatile=frozenset(("last_used_at",)),
)
TRUST = Resource("/v1/trusts/{}", "trusts.manage", _trust_row, counted_by(tokens.COUNTER))


class Tokens(View):
    """List and make tokens."""

    query = {"GET": queries.TOKENS.parameters}
    actions = {"GET": "tokens.manage", "POST": "tokens.manage"}
    shows_secret = ("POST",)
    described = {"GET": operations.LIST_TOKENS, "POST": operations.CREATE_TOKEN}

    def get(self, request: Request) -> Response:
        return answered(request, queries.TOKENS, None)

    @written()
    def post(self, request: Request) -> Write:
        fields, maker = valid(TokenInput, request.data), _token(request)

        def create() -> Response:
            token, text = tokens.create(maker=maker, **fields)
            return TOKEN.shown(request, token.pk, status=201, also={"token": text})

        return create


class OneToken(View):
    """Show, edit or revoke a token."""

    query = {"DELETE": (_BELOW,)}
    actions = dict.fromkeys(("GET", "PATCH", "DELETE"), "tokens.manage")
    narrowed = {"DELETE": UNRELATED}
    described = {
        "GET": operations.GET_TOKEN,
        "PATCH": operations.EDIT_TOKEN,
        "DELETE": operations.REVOKE_TOKEN,
    }

    def action_of(self, request: Request) -> str:
        # Whoever holds a token may end it.
        ends_itself = request.method == "DELETE" and _is_own(self, request)
        return roles.ANY if ends_itself else super().action_of(request)

    def get(self, request: Request, token_id: UUID) -> Response:
        return TOKEN.get(request, token_id)

    @written(TOKEN)
    def patch(self, request: Request, token_id: UUID) -> Write:
        fields = valid(TokenEdit, request.data)
        if not fields:
            raise FieldError("body", "must have at least one field to change")
        edit = partial(tokens.edit, token_id, fields, editor=_token(request))
        return TOKEN.showing(request, token_id, edit)

    @written(TOKEN)
    def delete(self, request: Request, token_id: UUID) -> Write:
        # Whatever the role: what a token made is its own.
        below = self.asked(request)[_BELOW]
        revoke = partial(registry.revoke_line if below else tokens.revoke, token_id)
        return TOKEN.showing(request, token_id, revoke)


class RotateAccessToken(View):
    """Give a token a new text, while the one before stays good for a while."""

    actions = {"POST": "tokens.manage"}
    narrowed = {"POST": UNRELATED}
    shows_secret = ("POST",)
    described = {"POST": operations.ROTATE_TOKEN}

    def action_of(self, request: Request) -> str:
        return roles.ANY if _is_own(self, request) else super().action_of(request)

    @written(TOKEN)
    def post(self, request: Request, token_id: UUID) -> Write:
        overlap = timedelta(seconds=valid(TokenRotation, request.data)["overlap_seconds"])
        asker, asker_digest = _token(request), credential_digest(request)

        def rotate() -> Response:
            _, text = tokens.rotate(
                token_id, overlap=overlap, asker=asker, asker_digest=asker_digest
            )
            return TOKEN.shown(request, token_id, also={"token": text}, is_located=True)

        return rotate


class Trusts(View):
    """List and make trusts."""

    query = {"GET": queries.TRUSTS.parameters}
    actions = {"GET": "trusts.manage", "POST": "trusts.manage"}
    described = {"GET": operations.LIST_TRUSTS, "POST": operations.CREATE_TRUST}

    def get(self, request: Request) -> Response:
        return answered(request, queries.TRUSTS, None)

    @written()
    def post(self, request: Request) -> Write:
        fields, maker = valid(TrustInput, request.data), _token(request)

        def create() -> Response:
            return TRUST.shown(request, registry.create(fields, maker=maker).pk, status=201)

        return create


class OneTrust(View):
    """Show, edit or delete a trust."""

    actions = dict.fromkeys(("GET", "PATCH", "DELETE"), "trusts.manage")
    described = {
        "GET": operations.GET_TRUST,
        "PATCH": operations.EDIT_TRUST,
        "DELETE": operations.DELETE_TRUST,
    }

    def get(self, request: Request, trust_id: UUID) -> Response:
        return TRUST.get(request, trust_id)

    @written(TRUST)
    def patch(self, request: Request, trust_id: UUID) -> Write:
        fields = valid(TrustInput, request.data, partial=True)
        if not fields:
            raise FieldError("body", "must have at least one field to change")
        edit = partial(registry.edit, trust_id, fields, editor=_token(request))
        return TRUST.showing(request, trust_id, edit)

    @written(TRUST)
    def delete(self, request: Request, trust_id: UUID) -> Write:
        def delete() -> Response:
            registry.delete(trust_id)
            return Response(status=204)

        return delete


class WhoAmI(View):
    """The token that asks, or the trust by which a JWT does, and what the role may do."""

    actions = {"GET": roles.ANY}
    narrowed = {"GET": UNRELATED}
    described = {"GET": operations.WHO_AM_I}

    def get(self, request: Request) -> Response:
        asks = bearer(request)
        row: Any = (
            {"trust": queries.trust(asks.id), "subject": asks.name}
            if asks.kind == "trust"
            else {"token": queries.token(asks.id)}
        )
        return Response({"data": {**row, "actions": sorted(roles.ROLES.get(asks.role, ()))}})


def _is_own(view: View, request: Request) -> bool:
    asks = bearer(request)
    return asks.kind == "token" and str(view.kwargs["token_id"]) == asks.id


def _token(request: Request) -> Token:
    """The token that asks, as it is stored now."""
    return Token.objects.get(pk=bearer(request).id)
