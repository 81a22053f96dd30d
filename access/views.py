"""`/v1/tokens`, `/v1/trusts` and `/v1/whoami`."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from access import queries, roles, tokens
from access.authentication import bearer, bearer_text
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

_BELOW = parameters.flag(
    "descendants", "End all that it and they made as well, trusts too.", default=False
)


class Tokens(View):
    """List and make tokens."""

    query = {"GET": queries.TOKENS.parameters}
    actions = {"GET": "tokens.manage", "POST": "tokens.manage"}
    shows_secret = ("POST",)

    def get(self, request: Request) -> Response:
        return answered(request, queries.TOKENS, None)

    def post(self, request: Request) -> Response:
        fields = valid(TokenInput, request.data)
        token, text = tokens.create(fields.pop("name"), maker=_token(request), **fields)
        return _shown(token, text, status=201)


class OneToken(View):
    """Show, edit or revoke a token."""

    query = {"DELETE": (_BELOW,)}
    actions = dict.fromkeys(("GET", "PATCH", "DELETE"), "tokens.manage")
    narrowed = {"DELETE": UNRELATED}

    def action_of(self, request: Request) -> str:
        # Whoever holds a token may end it.
        ends_itself = request.method == "DELETE" and _is_own(self, request)
        return roles.ANY if ends_itself else super().action_of(request)

    def get(self, request: Request, token_id: UUID) -> Response:
        return Response({"data": queries.token(token_id)})

    def patch(self, request: Request, token_id: UUID) -> Response:
        fields = valid(TokenEdit, request.data)
        if not fields:
            raise FieldError("body", "must have at least one field to change")
        token = tokens.edit(token_id, fields, editor=_token(request))
        return Response({"data": queries.token(token.pk)})

    def delete(self, request: Request, token_id: UUID) -> Response:
        # Whatever the role: what a token made is its own.
        below = self.asked(request)[_BELOW]
        token = registry.revoke_line(token_id) if below else tokens.revoke(token_id)
        return Response({"data": queries.token(token.pk)})


class RotateAccessToken(View):
    """Give a token a new text, while the one before stays good for a while."""

    actions = {"POST": "tokens.manage"}
    narrowed = {"POST": UNRELATED}
    shows_secret = ("POST",)

    def action_of(self, request: Request) -> str:
        return roles.ANY if _is_own(self, request) else super().action_of(request)

    def post(self, request: Request, token_id: UUID) -> Response:
        overlap = timedelta(seconds=valid(TokenRotation, request.data)["overlap_seconds"])
        made = tokens.rotate(
            token_id, overlap=overlap, asker=_token(request), asker_text=bearer_text(request)
        )
        return _shown(*made, status=200)


class Trusts(View):
    """List and make trusts."""

    query = {"GET": queries.TRUSTS.parameters}
    actions = {"GET": "trusts.manage", "POST": "trusts.manage"}

    def get(self, request: Request) -> Response:
        return answered(request, queries.TRUSTS, None)

    def post(self, request: Request) -> Response:
        trust = registry.create(valid(TrustInput, request.data), maker=_token(request))
        headers = {"Location": f"/v1/trusts/{trust.id}"}
        return Response({"data": queries.trust(trust.pk)}, 201, headers=headers)


class OneTrust(View):
    """Show, edit or delete a trust."""

    actions = dict.fromkeys(("GET", "PATCH", "DELETE"), "trusts.manage")

    def get(self, request: Request, trust_id: UUID) -> Response:
        return Response({"data": queries.trust(trust_id)})

    def patch(self, request: Request, trust_id: UUID) -> Response:
        fields = valid(TrustInput, request.data, partial=True)
        if not fields:
            raise FieldError("body", "must have at least one field to change")
        trust = registry.edit(trust_id, fields, editor=_token(request))
        return Response({"data": queries.trust(trust.pk)})

    def delete(self, request: Request, trust_id: UUID) -> Response:
        registry.delete(trust_id)
        return Response(status=204)


class WhoAmI(View):
    """The token that asks, or the trust by which a JWT does, and what the role may do."""

    actions = {"GET": roles.ANY}
    narrowed = {"GET": UNRELATED}

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


def _shown(token: Token, text: str, *, status: int) -> Response:
    headers = {"Location": f"/v1/tokens/{token.id}"}
    return Response({"data": {**queries.token(token.pk), "token": text}}, status, headers=headers)
