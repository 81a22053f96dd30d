"""`/v1/drift`, `/v1/decisions`, `/v1/configurations/{id}/rollout`: what became of it all."""

from datetime import datetime

from django.utils.dateparse import parse_datetime
from rest_framework.request import Request
from rest_framework.response import Response

from gateways import decisions, drift, rollout, survey
from keeptrusts.errors import FieldError
from keeptrusts.views import View, whole

_FILTERS = ("gateway", "configuration", "verdict", "policy")
_MAX_LIMIT = 1000


class Drift(View):
    """Where every gateway stands against what it should enforce."""

    query = {"GET": ("state", "gateway", "configuration")}

    def get(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name) for name in self.query["GET"]}
        state = asked.pop("state")
        if state is not None and state not in drift.STATES:
            raise FieldError("state", f"must be one of {', '.join(drift.STATES)}")
        wanted = {name: value for name, value in asked.items() if value is not None}
        found = [row for row in survey.rows() if wanted.items() <= row.items()]
        shown = [row for row in found if state in (None, row["state"])]
        return Response({"data": shown, "summary": survey.summary(found)})


class Decisions(View):
    """The decisions of all gateways, the newest first."""

    query = {"GET": (*_FILTERS, "since", "until", "limit", "cursor")}

    def get(self, request: Request) -> Response:
        params = request.query_params
        rows, more = decisions.page(
            {name: params[name] for name in _FILTERS if name in params},
            since=_moment(request, "since"),
            until=_moment(request, "until"),
            after=params.get("cursor", ""),
            limit=whole(request, "limit", lowest=1, highest=_MAX_LIMIT) or 100,
        )
        return Response({"data": rows, "next_cursor": more})


class Rollout(View):
    """How the current version reached its gateways."""

    def get(self, request: Request, configuration_id: str) -> Response:
        return Response({"data": rollout.show(configuration_id)})


def _moment(request: Request, name: str) -> datetime | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        # A plus sign in a query is a space to those who forgot to encode it.
        found = parse_datetime(value.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise FieldError(name, "must be a time such as 2026-01-31T12:00:00Z")
    return found
