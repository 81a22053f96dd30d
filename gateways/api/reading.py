"""Views of drift, decisions and rollouts."""

from rest_framework.request import Request
from rest_framework.response import Response

from access.sights import FILTERED
from configurations.seen import ConfigurationView, of
from gateways.drift import judge, rollout, survey
from gateways.drift.survey import WHOLE, Part
from gateways.registry import narrowing
from gateways.reports import decisions
from keeptrusts.api.views import View, moment, texts, whole, words
from kt.policy.decision.values import SEVERITY

_FILTERS = ("gateway", "configuration", "policy")
_MAX_LIMIT = 1000


class Drift(View):
    """The drift of every gateway from what it should enforce."""

    query = {"GET": ("state", "gateway", "configuration")}
    actions = {"GET": "drift.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        states = words(request, "state", known=judge.STATES)
        seen = of(request)
        part = Part(seen, narrowing.ambiguous(seen)) if seen.is_narrowed else WHOLE
        rows = survey.rows(**texts(request, ("gateway", "configuration")), part=part)
        matches = [row for row in rows if row["state"] in states]
        return Response({"data": matches, "summary": survey.summary(rows)})


class Decisions(View):
    """The decisions of all gateways, the newest first."""

    query = {"GET": (*_FILTERS, "verdict", "since", "until", "limit", "cursor")}
    actions = {"GET": "decisions.read"}
    narrowed = {"GET": FILTERED}

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
            seen=of(request),
        )
        return Response({"data": rows, "next_cursor": more})


class Rollout(ConfigurationView):
    """The progress of a configuration's current version to its gateways."""

    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, configuration_id: str) -> Response:
        return Response({"data": rollout.show(configuration_id)})
