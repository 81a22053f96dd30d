"""`/v1/requests`."""

import hashlib
from functools import partial

from django.http import HttpResponse, HttpResponseNotModified
from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import bearer, demand
from configurations.requests import kinds, operations, queries, writer
from configurations.requests.forms import RefusalInput, RequestInput, ShownInput
from keeptrusts.api.etags import is_known
from keeptrusts.api.fields import Input, valid
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View
from keeptrusts.api.writes.resources import Resource, Write
from keeptrusts.api.writes.writing import written

_MAX_NUMBER = 999_999_999


def _row(_request: Request, number: int) -> queries.Shown:
    return queries.whole(writer.found(_within(number)))


def _hold(number: int) -> None:
    writer.hold(_within(number))


REQUEST = Resource("/v1/requests/{}", "requests.read", _row, _hold)


class Requests(View):
    """List requests, or ask for a change."""

    query = {"GET": queries.REQUESTS.parameters}
    actions = {"GET": "requests.read", "POST": "requests.ask"}
    described = {"GET": operations.LIST_REQUESTS, "POST": operations.ASK}

    def get(self, request: Request) -> Response:
        return answered(request, queries.REQUESTS, self.asked(request)[queries.STATE])

    @written()
    def post(self, request: Request) -> Write:
        body, by = valid(RequestInput, request.data), bearer(request)
        breaks = body.pop("break_glass")
        demand(request, kinds.named(body["kind"]).action)
        if breaks:
            demand(request, "requests.break_glass")
        ask = (writer.break_glass if breaks else writer.ask)(**body, by=by)
        return lambda: REQUEST.shown(request, ask(), status=200 if breaks else 202, is_located=True)


class OneRequest(View):
    """Show a request with what it would change."""

    actions = {"GET": "requests.read"}
    described = {"GET": operations.GET_REQUEST}

    def get(self, request: Request, number: int) -> Response:
        return REQUEST.get(request, number)


class RequestedContent(View):
    """The exact bytes that a request would put in force."""

    actions = {"GET": "requests.read"}
    described = {"GET": operations.GET_REQUEST_CONTENT}

    def get(self, request: Request, number: int) -> HttpResponse:
        content = queries.content(writer.found(_within(number)))
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if is_known(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return HttpResponseNotModified(headers=headers)
        return HttpResponse(content, content_type="application/yaml", headers=headers)


class ConfirmRequest(View):
    """Confirm a request as it was shown, which makes its change."""

    actions = {"POST": "requests.confirm"}
    described = {"POST": operations.CONFIRM}

    @written(REQUEST)
    def post(self, request: Request, number: int) -> Write:
        shown = valid(ShownInput, request.data)
        demand(request, kinds.named(writer.found(_within(number)).kind).action)
        confirm = writer.confirm(number, shown, by=bearer(request))
        return REQUEST.showing(request, number, confirm)


class RefuseRequest(View):
    """Refuse a request."""

    actions = {"POST": "requests.confirm"}
    described = {"POST": operations.REFUSE}

    @written(REQUEST)
    def post(self, request: Request, number: int) -> Write:
        reason, by = valid(RefusalInput, request.data)["reason"], bearer(request)
        refuse = partial(writer.refuse, _within(number), reason=reason, by=by)
        return REQUEST.showing(request, number, refuse)


class WithdrawRequest(View):
    """Take back a request of one's own."""

    actions = {"POST": "requests.ask"}
    described = {"POST": operations.WITHDRAW}

    @written(REQUEST)
    def post(self, request: Request, number: int) -> Write:
        valid(Input, request.data)
        withdraw = partial(writer.withdraw, _within(number), by=bearer(request))
        return REQUEST.showing(request, number, withdraw)


def _within(number: int) -> int:
    """A number that a database can look for; a larger one is of no request."""
    return min(number, _MAX_NUMBER + 1)
