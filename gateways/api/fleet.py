"""Views of gateways, bindings and enrolment tokens, for people."""

from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import NARROWED, bearer, demand
from access.sights import FILTERED
from configurations.seen import of
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

_DESCENDANTS = flag("descendants", "Delete the gateways that it enrolled.", default=False)


class Gateways(View):
    """List and register gateways."""

    query = {"GET": queries.GATEWAYS.parameters}
    actions = {"GET": "gateways.read", "POST": "gateways.edit"}
    narrowed = {"GET": FILTERED}
    shows_secret = ("POST",)

    def get(self, request: Request) -> Response:
        seen = of(request)
        return answered(request, queries.GATEWAYS, seen, is_part=seen.is_narrowed)

    def post(self, request: Request) -> Response:
        fields = valid(GatewayInput, request.data)
        gateway_id = fields.pop("id")
        fields.setdefault("name", gateway_id)
        return registered(gateways.register(gateway_id, fields=fields))


class OneGateway(View):
    """Show, edit or delete a gateway."""

    actions = {"GET": "gateways.read", "PATCH": "gateways.bind", "DELETE": "gateways.edit"}
    narrowed = {"GET": FILTERED, "PATCH": FILTERED}

    def get(self, request: Request, gateway_id: str) -> Response:
        return Response({"data": queries.gateway(gateway_id, of(request))})

    def patch(self, request: Request, gateway_id: str) -> Response:
        seen = of(request)
        if seen.is_narrowed:
            queries.gateway(gateway_id, seen)
        fields, actor = (
            valid(GatewayEdit, request.data, context={"seen": seen}),
            bearer(request).name,
        )
        if set(fields) != {"configuration_id"}:
            demand(request, "gateways.edit")
        if seen.is_narrowed and fields["configuration_id"] is None:
            # Left to selectors, it might be bound to what is not seen.
            raise PermissionDenied(NARROWED, code="narrowed")
        gateways.edit(gateway_id, fields=fields, actor=actor)
        return Response({"data": queries.gateway(gateway_id, is_deleted=True)})

    def delete(self, request: Request, gateway_id: str) -> Response:
        gateways.delete(gateway_id)
        return Response({"data": queries.gateway(gateway_id, is_deleted=True)})


class ReleaseId(View):
    """Let the id of a deleted gateway be registered again."""

    actions = {"POST": "gateways.edit"}

    def post(self, request: Request, gateway_id: str) -> Response:
        valid(Input, request.data)
        gateways.release(gateway_id)
        return Response({"data": {"id": gateway_id}})


class Reissue(View):
    """Say a gateway's policy and client keys again, above what it has from before a restore."""

    actions = {"POST": "gateways.bind"}
    narrowed = {"POST": FILTERED}

    def post(self, request: Request, gateway_id: str) -> Response:
        if (seen := of(request)).is_narrowed:
            queries.gateway(gateway_id, seen)
        valid(Input, request.data)
        reissues.reissue_asked(gateway_id)
        return Response({"data": {"id": gateway_id}})


class RotateToken(View):
    """Give a gateway a new token."""

    actions = {"POST": "gateways.edit"}
    shows_secret = ("POST",)

    def post(self, request: Request, gateway_id: str) -> Response:
        valid(Input, request.data)
        return Response({"data": _introduced(*gateways.rotate_token(gateway_id))})


class EnrolmentTokens(View):
    """List and make enrolment tokens."""

    query = {"GET": queries.ENROLMENT_TOKENS.parameters}
    actions = {"GET": "enrolment.manage", "POST": "enrolment.manage"}
    shows_secret = ("POST",)

    def get(self, request: Request) -> Response:
        return answered(request, queries.ENROLMENT_TOKENS, None)

    def post(self, request: Request) -> Response:
        row, text = enrolment.create(valid(EnrolmentTokenInput, request.data))
        data = {**queries.enrolment_token(row.pk), "token": text}
        return Response(
            {"data": data}, status=201, headers={"Location": f"/v1/enrolment-tokens/{row.pk}"}
        )


class OneEnrolmentToken(View):
    """Show or revoke an enrolment token, and with it the gateways that it enrolled."""

    query = {"DELETE": (_DESCENDANTS,)}

    actions = {"GET": "enrolment.manage", "DELETE": "enrolment.manage"}

    def get(self, request: Request, token_id: UUID) -> Response:
        return Response({"data": queries.enrolment_token(token_id)})

    def delete(self, request: Request, token_id: UUID) -> Response:
        descendants = self.asked(request)[_DESCENDANTS]
        row, deleted = enrolment.revoke(token_id, descendants=descendants)
        return Response({"data": {**queries.enrolment_token(row.pk), "gateways_deleted": deleted}})


class Bindings(View):
    """List and make selectors."""

    query = {"GET": queries.BINDINGS.parameters}
    actions = {"GET": "gateways.read", "POST": "gateways.bind"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        seen = of(request)
        return answered(request, queries.BINDINGS, seen, is_part=seen.is_narrowed)

    def post(self, request: Request) -> Response:
        body = valid(BindingInput, request.data)
        row = bindings.create(body["configuration_id"], selector=body["selector"])
        return Response(
            {"data": queries.binding(row.pk)},
            status=201,
            headers={"Location": f"/v1/gateway-bindings/{row.pk}"},
        )


class OneBinding(View):
    """Show or remove a selector."""

    actions = {"GET": "gateways.read", "DELETE": "gateways.bind"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, binding_id: UUID) -> Response:
        return Response({"data": queries.binding(binding_id, of(request))})

    def delete(self, request: Request, binding_id: UUID) -> Response:
        shown = queries.binding(binding_id)
        bindings.delete(binding_id)
        return Response({"data": shown})


def registered(made: tuple[Gateway, str]) -> Response:
    """The answer to a registration, with the gateway's token."""
    headers = {"Location": f"/v1/gateways/{made[0].pk}"}
    return Response({"data": _introduced(*made)}, status=201, headers=headers)


def _introduced(row: Gateway, token: str) -> dict[str, Any]:
    """A gateway's row with what it needs to start: token, signing key and address of events."""
    return {
        **queries.gateway(row.pk, is_deleted=True),
        "token": token,
        "signing_key_fingerprint": keys.ensure(),
        "events_url": settings.ENV.events_url,
    }
