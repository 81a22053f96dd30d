"""`/v1/tokens`, `/v1/trusts`, `/v1/sign-in-rules` and `/v1/whoami`."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from access import people, queries, roles, tokens
from access.authentication import bearer, credential_digest
from access.described import operations
from access.models import Token
from access.serializers import (
    SignInRuleInput,
    TokenEdit,
    TokenInput,
    TokenRotation,
    TrustInput,
)
from access.sights import UNRELATED
from access.signin import registry as rules
from access.trusts import registry
from keeptrusts.api import parameters
from keeptrusts.api.errors import FieldError, RefusedError
from keeptrusts.api.fields import valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written

_BELOW = parameters.flag(
    "descendants", "End all that it and they made as well, trusts and rules too.", default=False
)


def _token_row(_request: Request, token_id: UUID) -> queries.Row:
    return queries.token(token_id)


def _rule_row(_request: Request, rule_id: UUID) -> queries.Row:
    return queries.sign_in_rule(rule_id)


def _trust_row(_request: Request, trust_id: UUID) -> queries.Row:
    return queries.trust(trust_id)


TOKEN = Resource(
    "/v1/tokens/{}",
    "tokens.manage",
    _token_row,
    counted_by(tokens.COUNTER),
    volatile=frozenset(("last_used_at",)),
)
RULE = Resource(
    "/v1/sign-in-rules/{}", "sign_in_rules.manage", _rule_row, counted_by(tokens.COUNTER)
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
        revoke = partial(rules.revoke_line if below else tokens.revoke, token_id)
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


class SignInRules(View):
    """List and make rules of sign-in."""

    query = {"GET": queries.SIGN_IN_RULES.parameters}
    actions = {"GET": "sign_in_rules.manage", "POST": "sign_in_rules.manage"}
    described = {"GET": operations.LIST_SIGN_IN_RULES, "POST": operations.CREATE_SIGN_IN_RULE}

    def get(self, request: Request) -> Response:
        return answered(request, queries.SIGN_IN_RULES, None)

    @written()
    def post(self, request: Request) -> Write:
        fields, maker = valid(SignInRuleInput, request.data), _token(request)

        def create() -> Response:
            return RULE.shown(request, rules.create(fields, maker=maker).pk, status=201)

        return create


class OneSignInRule(View):
    """Show, edit or delete a rule of sign-in."""

    actions = dict.fromkeys(("GET", "PATCH", "DELETE"), "sign_in_rules.manage")
    described = {
        "GET": operations.GET_SIGN_IN_RULE,
        "PATCH": operations.EDIT_SIGN_IN_RULE,
        "DELETE": operations.DELETE_SIGN_IN_RULE,
    }

    def get(self, request: Request, rule_id: UUID) -> Response:
        return RULE.get(request, rule_id)

    @written(RULE)
    def patch(self, request: Request, rule_id: UUID) -> Write:
        fields = valid(SignInRuleInput, request.data, partial=True)
        if not fields:
            raise FieldError("body", "must have at least one field to change")
        edit = partial(rules.edit, rule_id, fields, editor=_token(request))
        return RULE.showing(request, rule_id, edit)

    @written(RULE)
    def delete(self, request: Request, rule_id: UUID) -> Write:
        def delete() -> Response:
            rules.delete(rule_id)
            return Response(status=204)

        return delete


class WhoAmI(View):
    """The token, trust or person that asks, and what the role may do."""

    actions = {"GET": roles.ANY}
    narrowed = {"GET": UNRELATED}
    described = {"GET": operations.WHO_AM_I}

    def get(self, request: Request) -> Response:
        asks = bearer(request)
        row: Any
        match asks.kind:
            case "trust":
                row = {"trust": queries.trust(asks.id), "subject": asks.name}
            case people.PERSON:
                row = {"rule": queries.sign_in_rule(asks.rule), "subject": asks.name}
            case _:
                row = {"token": queries.token(asks.id)}
        return Response({"data": {**row, "actions": sorted(roles.ROLES.get(asks.role, ()))}})


def _is_own(view: View, request: Request) -> bool:
    asks = bearer(request)
    return asks.kind == "token" and str(view.kwargs["token_id"]) == asks.id


def _token(request: Request) -> Token:
    """The token that asks, as it is stored now.

    Raises:
        RefusedError: somebody asks who has none: whatever is made is bounded by its maker's end,
            and nobody is there for long who signed in.
    """
    asks = bearer(request)
    if asks.kind == people.PERSON:
        message = "Whoever makes or changes a credential or a rule has a token; sign in with one."
        raise RefusedError(403, "token_needed", message)
    return Token.objects.get(pk=asks.id)
