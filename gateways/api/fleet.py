"""Views of gateways, bindings and enrolment tokens, for people."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import NARROWED, bearer, demand
from access.sights import FILTERED
from configurations.seen import ALL, Seen, of
from gateways.api.serializers import (
    BindingInput,
    BindingRow,
    EnrolmentTokenInput,
    EnrolmentTokenRow,
    GatewayEdit,
    GatewayInput,
    GatewayRow,
)
from gateways.models import Binding, EnrolmentToken, Gateway
from gateways.registry import bindings, enrolment, gateways, narrowing, reissues
from gateways.signing import keys
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.fields import Input
from keeptrusts.api.parameters import flag, identifier
from keeptrusts.api.views import View

_ENROLLED_BY = identifier(
    "enrolled_by", "Gateways that this enrolment token enrolled.", of="an enrolment token"
)
_DESCENDANTS = flag("descendants", "Delete the gateways that it enrolled.", default=False)


class Gateways(View):
    """List and register gateways."""

    query = {"GET": (_ENROLLED_BY,)}
    actions = {"GET": "gateways.read", "POST": "gateways.edit"}
    narrowed = {"GET": FILTERED}
    shows_secret = ("POST",)

    def get(self, request: Request) -> Response:
        seen = of(request)
        rows = Gateway.objects.filter(seen.where("bound__pk"), deleted_at=None).order_by("pk")
        if (token_id := self.asked(request)[_ENROLLED_BY]) is not None:
            rows = rows.filter(enrolled_by=token_id)
        return Response({"data": GatewayRow(narrowing.trim(rows, seen), many=True).data})

    def post(self, request: Request) -> Response:
        fields = valid(GatewayInput, request)
        gateway_id = fields.pop("id")
        fields.setdefault("name", gateway_id)
        return registered(gateways.register(gateway_id, fields=fields))


class OneGateway(View):
    """Show, edit or delete a gateway."""

    actions = {"GET": "gateways.read", "PATCH": "gateways.bind", "DELETE": "gateways.edit"}
    narrowed = {"GET": FILTERED, "PATCH": FILTERED}

    def get(self, request: Request, gateway_id: str) -> Response:
        return Response({"data": GatewayRow(found_gateway(gateway_id, of(request))).data})

    def patch(self, request: Request, gateway_id: str) -> Response:
        seen = of(request)
        if seen.is_narrowed:
            found_gateway(gateway_id, seen)
        fields, actor = valid(GatewayEdit, request, seen), bearer(request).name
        if set(fields) != {"configuration_id"}:
            demand(request, "gateways.edit")
        if seen.is_narrowed and fields["configuration_id"] is None:
            # Left to selectors, it might be bound to what is not seen.
            raise PermissionDenied(NARROWED, code="narrowed")
        row = gateways.edit(gateway_id, fields=fields, actor=actor)
        return Response({"data": GatewayRow(row).data})

    def delete(self, request: Request, gateway_id: str) -> Response:
        return Response({"data": GatewayRow(gateways.delete(gateway_id)).data})


class ReleaseId(View):
    """Let the id of a deleted gateway be registered again."""

    actions = {"POST": "gateways.edit"}

    def post(self, request: Request, gateway_id: str) -> Response:
        valid(Input, request)
        gateways.release(gateway_id)
        return Response({"data": {"id": gateway_id}})


class Reissue(View):
    """Say a gateway's policy and client keys again, above what it has from before a restore."""

    actions = {"POST": "gateways.bind"}
    narrowed = {"POST": FILTERED}

    def post(self, request: Request, gateway_id: str) -> Response:
        if (seen := of(request)).is_narrowed:
            found_gateway(gateway_id, seen)
        valid(Input, request)
        reissues.reissue_asked(gateway_id)
        return Response({"data": {"id": gateway_id}})


class RotateToken(View):
    """Give a gateway a new token."""

    actions = {"POST": "gateways.edit"}
    shows_secret = ("POST",)

    def post(self, request: Request, gateway_id: str) -> Response:
        valid(Input, request)
        return Response({"data": _introduced(*gateways.rotate_token(gateway_id))})


class EnrolmentTokens(View):
    """List and make enrolment tokens."""

    actions = {"GET": "enrolment.manage", "POST": "enrolment.manage"}
    shows_secret = ("POST",)

    def get(self, request: Request) -> Response:
        rows = EnrolmentToken.objects.order_by("created_at", "pk")
        return Response({"data": EnrolmentTokenRow(rows, many=True).data})

    def post(self, request: Request) -> Response:
        row, text = enrolment.create(valid(EnrolmentTokenInput, request))
        data = {**EnrolmentTokenRow(row).data, "token": text}
        return Response(
            {"data": data}, status=201, headers={"Location": f"/v1/enrolment-tokens/{row.pk}"}
        )


class OneEnrolmentToken(View):
    """Show or revoke an enrolment token, and with it the gateways that it enrolled."""

    query = {"DELETE": (_DESCENDANTS,)}

    actions = {"GET": "enrolment.manage", "DELETE": "enrolment.manage"}

    def get(self, request: Request, token_id: UUID) -> Response:
        row = EnrolmentToken.objects.filter(pk=token_id).first()
        if row is None:
            raise NotFoundError("enrolment token with this id")
        return Response({"data": EnrolmentTokenRow(row).data})

    def delete(self, request: Request, token_id: UUID) -> Response:
        descendants = self.asked(request)[_DESCENDANTS]
        row, deleted = enrolment.revoke(token_id, descendants=descendants)
        return Response({"data": {**EnrolmentTokenRow(row).data, "gateways_deleted": deleted}})


class Bindings(View):
    """List and make selectors."""

    actions = {"GET": "gateways.read", "POST": "gateways.bind"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        rows = _bindings(of(request)).order_by("created_at", "pk")
        return Response({"data": BindingRow(rows, many=True).data})

    def post(self, request: Request) -> Response:
        body = valid(BindingInput, request)
        row = bindings.create(body["configuration_id"], selector=body["selector"])
        return Response(
            {"data": BindingRow(row).data},
            status=201,
            headers={"Location": f"/v1/gateway-bindings/{row.pk}"},
        )


class OneBinding(View):
    """Show or remove a selector."""

    actions = {"GET": "gateways.read", "DELETE": "gateways.bind"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, binding_id: UUID) -> Response:
        row = _bindings(of(request)).filter(pk=binding_id).first()
        if row is None:
            raise NotFoundError("gateway binding with this id")
        return Response({"data": BindingRow(row).data})

    def delete(self, request: Request, binding_id: UUID) -> Response:
        return Response({"data": BindingRow(bindings.delete(binding_id)).data})


def registered(made: tuple[Gateway, str]) -> Response:
    """The answer to a registration, with the gateway's token."""
    headers = {"Location": f"/v1/gateways/{made[0].pk}"}
    return Response({"data": _introduced(*made)}, status=201, headers=headers)


def valid(serializer: type[Input], request: Request, seen: Seen = ALL) -> dict[str, Any]:
    """The checked body of a request, which may name configurations that are seen."""
    body = serializer(data=request.data, context={"seen": seen})
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def found_gateway(gateway_id: str, seen: Seen) -> Gateway:
    """The gateway with this id.

    Raises:
        NotFoundError: there is none that is seen.
    """
    rows = Gateway.objects.filter(seen.where("bound__pk"), pk=gateway_id, deleted_at=None)
    if not (found := narrowing.trim(rows, seen)):
        raise NotFoundError(f"gateway {gateway_id!r}")
    return found[0]


def _bindings(seen: Seen) -> QuerySet[Binding]:
    return Binding.objects.filter(seen.where("configuration__pk"))


def _introduced(row: Gateway, token: str) -> dict[str, Any]:
    """A gateway's row with what it needs to start: token, signing key and address of events."""
    return {
        **GatewayRow(row).data,
        "token": token,
        "signing_key_fingerprint": keys.ensure(),
        "events_url": settings.ENV.events_url,
    }
