"""`/v1/drift`, `/v1/decisions`, `/v1/configurations/{id}/rollout`: what became of it all."""

from rest_framework.request import Request
from rest_framework.response import Response

from gateways.drift import judge, rollout, survey
from gateways.reports import decisions
from keeptrusts.api.views import View, moment, texts, whole, words
from kt.policy.decision.values import SEVERITY

_FILTERS = ("gateway", "configuration", "policy")
_MAX_LIMIT = 1000


class Drift(View):
    """Where every gateway stands against what it should enforce."""

    query = {"GET": ("state", "gateway", "configuration")}

    def get(self, request: Request) -> Response:
        states = words(request, "state", known=judge.STATES)
        found = survey.rows(**texts(request, ("gateway", "configuration")))
        shown = [row for row in found if row["state"] in states]
        return Response({"data": shown, "summary": survey.summary(found)})


class Decisions(View):
    """The decisions of all gateways, the newest first."""

    query = {"GET": (*_FILTERS, "verdict", "since", "until", "limit", "cursor")}

    def get(self, request: Request) -> Response:
        filters: dict[str, object] = {**texts(request, _FILTERS)}
        if "verdict" in request.query_params:
            filters["verdict__in"] = words(request, "verdict", known=tuple(SEVERITY))
        rows, more = decisions.page(
            filters,
            since=moment(request, "since"),
            until=moment(request, "until"),
            after=request.query_params.get("cursor", ""),
            limit=whole(request, "limit", lowest=1, highest=_MAX_LIMIT) or 100,
        )
        return Response({"data": rows, "next_cursor": more})


class Rollout(View):
    """How the current version reached its gateways."""

    def get(self, request: Request, configuration_id: str) -> Response:
        return Response({"data": rollout.show(configuration_id)})
