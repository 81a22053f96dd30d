"""Views of gateways, bindings and enrolment tokens, for people."""

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import NARROWED, bearer, demand
from access.sights import FILTERED
from configurations.publish import COUNTER
from configurations.seen import of
from gateways.api import operations
from gateways.api.serializers import (
    BindingInput,
    EnrolmentTokenInput,
    GatewayEdit,
    GatewayInput,
)
from gateways.models import Gateway
from gateways.registry import bindings, enrolment, gateways, queries, reissues
from gateways.signing import keys
from keeptrusts.api.fields import Input, valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.parameters import flag
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write, counted_by
from keeptrusts.api.writes.writing import written

_DESCENDANTS = flag("descendants", "Delete the gateways that it enrolled.", default=False)


def _gateway_row(request: Request, gateway_id: str) -> queries.Row:
    return queries.gateway(gateway_id, of(request))


def _enrolment_row(_request: Request, token_id: UUID) -> queries.Row:
    return queries.enrolment_token(token_id)


def _binding_row(request: Request, binding_id: UUID) -> queries.Row:
    return queries.binding(binding_id, of(request))


GATEWAY = Resource(
    "/v1/gateways/{}", "gateways.read", _gateway_row, counted_by(COUNTER, Gateway.COUNTER)
)
ENROLMENT = Resource(
    "/v1/enrolment-tokens/{}",
    "enrolment.manage",
    _enrolment_row,
    counted_by(COUNTER),
    volatile=frozenset(("uses",)),
)
BINDING = Resource("/v1/gateway-bindings/{}", "gateways.read", _binding_row, counted_by(COUNTER))


class Gateways(View):
    """List and register gateways."""

    query = {"GET": queries.GATEWAYS.parameters}
    actions = {"GET": "gateways.read", "POST": "gateways.edit"}
    narrowed = {"GET": FILTERED}
    shows_secret = ("POST",)
    described = {"GET": operations.LIST_GATEWAYS, "POST": operations.REGISTER_GATEWAY}

    def get(self, request: Request) -> Response:
        seen = of(request)
        return answered(request, queries.GATEWAYS, seen, is_part=seen.is_narrowed)

    @written()
    def post(self, request: Request) -> Write:
        fields = valid(GatewayInput, request.data)
        gateway_id = fields.pop("id")
        fields.setdefault("name", gateway_id)

        def register() -> Response:
            _, token = gateways.register(gateway_id, fields=fields)
            return GATEWAY.shown(request, gateway_id, status=201, also=introduction(token))

        return register


class OneGateway(View):
    """Show, edit or delete a gateway."""

    actions = {"GET": "gateways.read", "PATCH": "gateways.bind", "DELETE": "gateways.edit"}
    narrowed = {"GET": FILTERED, "PATCH": FILTERED}
    described = {
        "GET": operations.GET_GATEWAY,
        "PATCH": operations.EDIT_GATEWAY,
        "DELETE": operations.DELETE_GATEWAY,
    }

    def get(self, request: Request, gateway_id: str) -> Response:
        return GATEWAY.get(request, gateway_id)

    @written(GATEWAY)
    def patch(self, request: Request, gateway_id: str) -> Write:
        seen = of(request)
        if seen.is_narrowed:
            queries.gateway(gateway_id, seen)
        fields = valid(GatewayEdit, request.data, context={"seen": seen})
        actor = bearer(request).name
        if set(fields) != {"configuration_id"}:
            demand(request, "gateways.edit")
        if seen.is_narrowed and fields["configuration_id"] is None:
            # Left to selectors, it might be bound to what is not seen.
            raise PermissionDenied(NARROWED, code="narrowed")
        edit = partial(gateways.edit, gateway_id, fields=fields, actor=actor)
        return GATEWAY.showing(request, gateway_id, edit)

    @written(GATEWAY)
    def delete(self, request: Request, gateway_id: str) -> Write:
        def delete() -> Response:
            gateways.delete(gateway_id)
            return Response({"data": queries.gateway(gateway_id, is_deleted=True)})

        return delete


class ReleaseId(View):
    """Let the id of a deleted gateway be registered again."""

    actions = {"POST": "gateways.edit"}
    described = {"POST": operations.RELEASE_GATEWAY_ID}

    @written()
    def post(self, request: Request, gateway_id: str) -> Write:
        valid(Input, request.data)

        def release() -> Response:
            gateways.release(gateway_id)
            return Response({"data": {"id": gateway_id}})

        return release


class Reissue(View):
    """Say a gateway's policy and client keys again, above what it has from before a restore."""

    actions = {"POST": "gateways.bind"}
    narrowed = {"POST": FILTERED}
    described = {"POST": operations.REISSUE}

    @written(GATEWAY)
    def post(self, request: Request, gateway_id: str) -> Write:
        if (seen := of(request)).is_narrowed:
            queries.gateway(gateway_id, seen)
        valid(Input, request.data)

        def reissue() -> Response:
            reissues.reissue_asked(gateway_id)
            return Response({"data": {"id": gateway_id}})

        return reissue


class RotateToken(View):
    """Give a gateway a new token."""

    actions = {"POST": "gateways.edit"}
    shows_secret = ("POST",)
    described = {"POST": operations.ROTATE_GATEWAY_TOKEN}

    @written(replace(GATEWAY, hold=counted_by(Gateway.COUNTER)))
    def post(self, request: Request, gateway_id: str) -> Write:
        valid(Input, request.data)

        def rotate() -> Response:
            also = introduction(gateways.rotate_token(gateway_id)[1])
            return GATEWAY.shown(request, gateway_id, also=also, is_located=True)

        return rotate


class EnrolmentTokens(View):
    """List and make enrolment tokens."""

    query = {"GET": queries.ENROLMENT_TOKENS.parameters}
    actions = {"GET": "enrolment.manage", "POST": "enrolment.manage"}
    shows_secret = ("POST",)
    described = {
        "GET": operations.LIST_ENROLMENT_TOKENS,
        "POST": operations.CREATE_ENROLMENT_TOKEN,
    }

    def get(self, request: Request) -> Response:
        return answered(request, queries.ENROLMENT_TOKENS, None)

    @written()
    def post(self, request: Request) -> Write:
        fields = valid(EnrolmentTokenInput, request.data)

        def create() -> Response:
            row, text = enrolment.create(fields)
            return ENROLMENT.shown(request, row.pk, status=201, also={"token": text})

        return create


class OneEnrolmentToken(View):
    """Show or revoke an enrolment token, and with it the gateways that it enrolled."""

    query = {"DELETE": (_DESCENDANTS,)}

    actions = {"GET": "enrolment.manage", "DELETE": "enrolment.manage"}
    described = {
        "GET": operations.GET_ENROLMENT_TOKEN,
        "DELETE": operations.REVOKE_ENROLMENT_TOKEN,
    }

    def get(self, request: Request, token_id: UUID) -> Response:
        return ENROLMENT.get(request, token_id)

    @written(ENROLMENT)
    def delete(self, request: Request, token_id: UUID) -> Write:
        descendants = self.asked(request)[_DESCENDANTS]

        def revoke() -> Response:
            _, deleted = enrolment.revoke(token_id, descendants=descendants)
            return ENROLMENT.shown(request, token_id, also={"gateways_deleted": deleted})

        return revoke


class Bindings(View):
    """List and make selectors."""

    query = {"GET": queries.BINDINGS.parameters}
    actions = {"GET": "gateways.read", "POST": "gateways.bind"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_BINDINGS, "POST": operations.CREATE_BINDING}

    def get(self, request: Request) -> Response:
        seen = of(request)
        return answered(request, queries.BINDINGS, seen, is_part=seen.is_narrowed)

    @written()
    def post(self, request: Request) -> Write:
        body = valid(BindingInput, request.data)

        def create() -> Response:
            row = bindings.create(body["configuration_id"], selector=body["selector"])
            return BINDING.shown(request, row.pk, status=201)

        return create


class OneBinding(View):
    """Show or remove a selector."""

    actions = {"GET": "gateways.read", "DELETE": "gateways.bind"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.GET_BINDING, "DELETE": operations.DELETE_BINDING}

    def get(self, request: Request, binding_id: UUID) -> Response:
        return BINDING.get(request, binding_id)

    @written(BINDING)
    def delete(self, request: Request, binding_id: UUID) -> Write:
        def delete() -> Response:
            row = queries.binding(binding_id)
            bindings.delete(binding_id)
            return Response({"data": row})

        return delete


def introduction(token: str) -> dict[str, Any]:
    """What a gateway needs to start: token, signing key and address of events."""
    return {
        "token": token,
        "signing_key_fingerprint": keys.ensure(),
        "events_url": settings.ENV.events_url,
    }
