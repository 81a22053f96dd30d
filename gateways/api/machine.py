"""Views for gateways: enrolment, configuration, client keys, reports and decisions."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from gateways import mirror
from gateways.api.authentication import (
    EnrolmentAuthentication,
    GatewayAuthentication,
    Itself,
    MayEnrol,
)
from gateways.api.fleet import registered, valid
from gateways.api.serializers import DecisionsInput, EnrolmentInput, ReportInput
from gateways.mirror import fleet
from gateways.models import EnrolmentToken
from gateways.reports import decisions, live, reports
from gateways.signing.encoding import b64u
from gateways.signing.statements import Signed
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.rendering import encode
from keeptrusts.api.views import View, is_known


class Enrol(View):
    """Register a gateway by an enrolment token, whose labels win over those that are sent."""

    shows_secret = ("POST",)
    authentication_classes = (EnrolmentAuthentication,)
    permission_classes = (MayEnrol,)

    def post(self, request: Request) -> Response:
        token: EnrolmentToken = request.user  # type: ignore[assignment]
        body = valid(EnrolmentInput, request)
        labels = {**body["labels"], **token.labels}
        return registered({**body, "labels": labels, "configuration_id": token.configuration_id})


class GatewayView(View):
    """Base of the views that a gateway asks about itself."""

    authentication_classes = (GatewayAuthentication,)
    permission_classes = (Itself,)


class Configuration(GatewayView):
    """The exact bytes that a gateway is to enforce, with their signed statement in headers."""

    def get(self, request: Request, gateway_id: str) -> HttpResponse | Response:
        signed = fleet.signed(gateway_id)
        if signed is None:
            raise NotFoundError("configuration bound to this gateway", code="not_bound")
        etag = f'"{signed.etag}"'
        news = {"Keeptrusts-Events": settings.ENV.events_url, **_keys_news(gateway_id)}
        if is_known(request, etag):
            return Response(status=304, headers={"ETag": etag, **news})
        desired = signed.desired
        content = mirror.content(desired.configuration, desired.version, desired.content_hash)
        live.note_handed([desired])
        headers = {"ETag": etag, **news, **_headers(signed)}
        return HttpResponse(content, content_type="application/yaml", headers=headers)


class OwnClientKeys(GatewayView):
    """The list of client keys that a gateway is to ask for, with its signed statement."""

    def get(self, request: Request, gateway_id: str) -> HttpResponse | Response:
        signed = fleet.signed_keys(gateway_id)
        if signed is None:
            raise NotFoundError("list of client keys for this gateway", code="no_client_keys")
        etag = f'"{signed.etag}"'
        if is_known(request, etag):
            return Response(status=304, headers={"ETag": etag})
        try:
            content = mirror.key_list(signed.desired.content_hash)
        except LookupError:  # Replaced since the counters were read.
            raise NotFoundError("such list of client keys any more; ask again") from None
        headers = {"ETag": etag, **_headers(signed)}
        return HttpResponse(content, content_type="application/json", headers=headers)


class Report(GatewayView):
    """Take a report of what a gateway runs, and of its health."""

    def post(self, request: Request, gateway_id: str) -> Response:
        reports.take(gateway_id, valid(ReportInput, request))
        signed, keys = fleet.signed(gateway_id), fleet.signed_keys(gateway_id)
        data = {
            "report_interval_seconds": reports.interval_seconds(fleet.size),
            "etag": signed.etag if signed else None,
            # Its presence says that a report may tell of client keys.
            "client_keys": keys.etag if keys else None,
        }
        return Response({"data": data})


class DecisionIntake(GatewayView):
    """Take a batch of decisions."""

    def post(self, request: Request, gateway_id: str) -> Response:
        body = valid(DecisionsInput, request)
        return Response({"data": {"accepted": decisions.take(gateway_id, **body)}}, status=202)


def _keys_news(gateway_id: str) -> dict[str, str]:
    """The header by which a gateway that polls hears of other client keys; none without any."""
    signed = fleet.signed_keys(gateway_id)
    return {"Keeptrusts-Client-Keys": signed.etag} if signed else {}


def _headers(signed: Signed[Any]) -> dict[str, str]:
    signer = fleet.signer
    assert signer is not None  # It made the signature.
    return {
        "Keeptrusts-Statement": signed.statement,
        "Keeptrusts-Signature": signed.signature,
        "Keeptrusts-Key": signer.public_key,
        "Keeptrusts-Key-Chain": b64u(encode(list(signer.chain))),
    }
