"""`/v1/requests`."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer, demand
from configurations.requests import kinds, queries, writer
from keeptrusts.api.fields import Flag, Input, Line, valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View

_MAX_NUMBER = 999_999_999


class RequestInput(Input):
    """`POST /v1/requests`; `change` is the body of the endpoint that would make the change."""

    kind = Line(max_length=40)
    target = Line(max_length=200)
    change = serializers.DictField(default=dict)
    reason = Line(max_length=500)
    break_glass = Flag(default=False)

    def validate_reason(self, value: str) -> str:
        if not value.strip():
            raise serializers.ValidationError("must say why")
        return value


class RefusalInput(Input):
    """`POST /v1/requests/{id}/refuse`."""

    reason = Line(max_length=500)


class ShownInput(Input):
    """`POST /v1/requests/{id}/confirm`: exactly what the request shows."""

    content_hash = Line(max_length=64, required=False)
    commit = Line(max_length=64, required=False)
    digest = Line(max_length=64, required=False)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if not attrs:
            raise serializers.ValidationError("must be what the request has in `shows`")
        return attrs


class Requests(View):
    """List requests, or ask for a change."""

    query = {"GET": queries.REQUESTS.parameters}
    actions = {"GET": "requests.read", "POST": "requests.ask"}

    def get(self, request: Request) -> Response:
        return answered(request, queries.REQUESTS, self.asked(request)[queries.STATE])

    def post(self, request: Request) -> Response:
        body, by = valid(RequestInput, request.data), bearer(request)
        breaks = body.pop("break_glass")
        demand(request, kinds.named(body["kind"]).action)
        if breaks:
            demand(request, "requests.break_glass")
        made = (writer.break_glass if breaks else writer.ask)(**body, by=by)
        headers = {"Location": f"/v1/requests/{made}"}
        return Response(_whole(made), 200 if breaks else 202, headers=headers)


class OneRequest(View):
    """Show a request with what it would change."""

    actions = {"GET": "requests.read"}

    def get(self, request: Request, number: int) -> Response:
        return Response(_whole(number))


class RequestedContent(View):
    """The exact bytes that a request would put in force."""

    actions = {"GET": "requests.read"}

    def get(self, request: Request, number: int) -> HttpResponse:
        content = queries.content(writer.found(_within(number)))
        return HttpResponse(content, content_type="application/yaml")


class ConfirmRequest(View):
    """Confirm a request as it was shown, which makes its change."""

    actions = {"POST": "requests.confirm"}

    def post(self, request: Request, number: int) -> Response:
        shown = valid(ShownInput, request.data)
        demand(request, kinds.named(writer.found(_within(number)).kind).action)
        writer.confirm(number, shown, by=bearer(request))
        return Response(_whole(number))


class RefuseRequest(View):
    """Refuse a request."""

    actions = {"POST": "requests.confirm"}

    def post(self, request: Request, number: int) -> Response:
        reason = valid(RefusalInput, request.data)["reason"]
        writer.refuse(_within(number), reason=reason, by=bearer(request))
        return Response(_whole(number))


class WithdrawRequest(View):
    """Take back a request of one's own."""

    actions = {"POST": "requests.ask"}

    def post(self, request: Request, number: int) -> Response:
        valid(Input, request.data)
        writer.withdraw(_within(number), by=bearer(request))
        return Response(_whole(number))


def _whole(number: int) -> dict[str, Any]:
    return {"data": queries.whole(writer.found(_within(number)))}


def _within(number: int) -> int:
    """A number that a database can look for; a larger one is of no request."""
    return min(number, _MAX_NUMBER + 1)
