"""Views of drift, decisions and rollouts."""

from rest_framework.request import Request
from rest_framework.response import Response

from access.sights import FILTERED
from configurations.seen import ConfigurationView, of
from gateways.drift import judge, rollout, survey
from gateways.drift.survey import WHOLE, Part
from gateways.registry import narrowing
from gateways.reports import decisions
from keeptrusts.api.parameters import moment, opaque, text, whole, words
from keeptrusts.api.views import View
from kt.policy.decision.values import SEVERITY

_STATE = words("state", "Rows in these states.", known=judge.STATES, default=judge.STATES)
_GATEWAY = text("gateway", "Those of this gateway.")
_CONFIGURATION = text("configuration", "Those about this configuration.")
_POLICY = text("policy", "Decisions of this policy of the chain.")
_VERDICT = words("verdict", "Decisions with these verdicts.", known=tuple(SEVERITY), default=None)
_SINCE = moment("since", "From this time on, which is included.")
_UNTIL = moment("until", "Before this time, which is not included.")
_LIMIT = whole("limit", "At most so many.", lowest=1, highest=1000, default=100)
_CURSOR = opaque("cursor", "The `next_cursor` of the page before.")
_FILTERS = (_GATEWAY, _CONFIGURATION, _POLICY)


class Drift(View):
    """The drift of every gateway from what it should enforce."""

    query = {"GET": (_STATE, _GATEWAY, _CONFIGURATION)}
    actions = {"GET": "drift.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        asked, seen = self.asked(request), of(request)
        states = asked[_STATE]
        part = Part(seen, narrowing.ambiguous(seen)) if seen.is_narrowed else WHOLE
        rows = survey.rows(gateway=asked[_GATEWAY], configuration=asked[_CONFIGURATION], part=part)
        matches = [row for row in rows if row["state"] in states]
        return Response({"data": matches, "summary": survey.summary(rows)})


class Decisions(View):
    """The decisions of all gateways, the newest first."""

    query = {"GET": (*_FILTERS, _VERDICT, _SINCE, _UNTIL, _LIMIT, _CURSOR)}
    actions = {"GET": "decisions.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request) -> Response:
        asked = self.asked(request)
        filters: dict[str, object] = {**asked.given(_FILTERS)}
        if (verdicts := asked[_VERDICT]) is not None:
            filters["verdict__in"] = verdicts
        rows, more = decisions.page(
            filters,
            since=asked[_SINCE],
            until=asked[_UNTIL],
            after=asked[_CURSOR],
            limit=asked[_LIMIT],
            seen=of(request),
        )
        return Response({"data": rows, "next_cursor": more})


class Rollout(ConfigurationView):
    """The progress of a configuration's current version to its gateways."""

    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}

    def get(self, request: Request, configuration_id: str) -> Response:
        return Response({"data": rollout.show(configuration_id)})
