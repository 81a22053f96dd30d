"""Views for gateways: enrolment, configuration, client keys, reports and decisions.

Nearly all of it the process of event streams (`gateways.push`) answers; what comes here comes while
that does not run.
"""

import re
from collections.abc import Mapping

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from gateways.api import operations
from gateways.api.authentication import (
    EnrolmentAuthentication,
    GatewayAuthentication,
    Itself,
    MayEnrol,
)
from gateways.api.fleet import introduction
from gateways.api.serializers import EnrolmentInput
from gateways.mirror import contents
from gateways.mirror.mirror import fleet
from gateways.models import EnrolmentToken
from gateways.registry import enrolment, queries
from gateways.reports import decisions, inputs, live, reports
from keeptrusts.api.errors import NotFoundError, body_too_large
from keeptrusts.api.etags import is_known
from keeptrusts.api.fields import valid
from keeptrusts.api.views import View
from keeptrusts.serving.doors import Door

_OWN = "configuration|client-keys|report|decisions"


def _look(_method: str, path: str, headers: Mapping[str, str]) -> None:
    """Refuse a report that is too large, before its body is read."""
    length = headers.get("content-length", "")
    is_long = len(length) > 9 or (length.isdigit() and int(length) > inputs.MAX_REPORT_BYTES)
    if is_long and path.endswith("/report"):
        raise body_too_large(inputs.MAX_REPORT_BYTES)


DOOR = Door("gateways", re.compile(f"/v1/gateways/(enrol|[^/]+/({_OWN}))"), places=8, check=_look)


class Enrol(View):
    """Register a gateway by an enrolment token, which says its labels and its configuration."""

    shows_secret = ("POST",)
    authentication_classes = (EnrolmentAuthentication,)
    permission_classes = (MayEnrol,)
    described = {"POST": operations.ENROL}

    def post(self, request: Request) -> Response:
        token: EnrolmentToken = request.user  # type: ignore[assignment]
        body = valid(EnrolmentInput, request.data)
        name = body.get("name", body["id"])
        row, text = enrolment.enrol(token, body["id"], name=name)
        data = {**queries.gateway(row.pk), **introduction(text)}
        return Response({"data": data}, 201, headers={"Location": f"/v1/gateways/{row.pk}"})


class GatewayView(View):
    """Base of the views that a gateway asks about itself."""

    authentication_classes = (GatewayAuthentication,)
    permission_classes = (Itself,)


class Configuration(GatewayView):
    """The exact bytes that a gateway is to enforce, with their signed statement in headers."""

    described = {"GET": operations.PULL}

    def get(self, request: Request, gateway_id: str) -> HttpResponse | Response:
        signed, news = fleet.handed(gateway_id), fleet.news(gateway_id)
        headers = {**news, **fleet.headers(signed)}
        if is_known(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return Response(status=304, headers={"ETag": headers["ETag"], **news})
        desired = signed.desired
        names = (desired.configuration, desired.version, desired.content_hash)
        try:
            content = contents.content(*names)
        except LookupError:  # Lost since the counters were read.
            raise NotFoundError("such content any more; ask again") from None
        live.note_handed([desired])
        headers |= contents.trace_header(contents.trace_id(*names[:2]).decode())
        return HttpResponse(content, content_type="application/yaml", headers=headers)


class OwnClientKeys(GatewayView):
    """The list of client keys that a gateway is to ask for, with its signed statement."""

    described = {"GET": operations.PULL_CLIENT_KEYS}

    def get(self, request: Request, gateway_id: str) -> HttpResponse | Response:
        signed = fleet.signed_keys(gateway_id)
        if signed is None:
            raise NotFoundError("list of client keys for this gateway", code="no_client_keys")
        headers = fleet.headers(signed)
        if is_known(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return Response(status=304, headers={"ETag": headers["ETag"]})
        try:
            content = contents.key_list(signed.desired.content_hash)
        except LookupError:  # Replaced since the counters were read.
            raise NotFoundError("such list of client keys any more; ask again") from None
        return HttpResponse(content, content_type="application/json", headers=headers)


class Report(GatewayView):
    """Take a report of what a gateway runs, and of its health."""

    described = {"POST": operations.REPORT}

    def post(self, request: Request, gateway_id: str) -> Response:
        reports.take(gateway_id, inputs.report_of(request.data))
        return Response({"data": reports.answer(gateway_id)})


class DecisionIntake(GatewayView):
    """Take a batch of decisions."""

    described = {"POST": operations.SEND_DECISIONS}

    def post(self, request: Request, gateway_id: str) -> Response:
        body = inputs.decisions_of(request.data)
        return Response({"data": {"accepted": decisions.take(gateway_id, **body)}}, status=202)
