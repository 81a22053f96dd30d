"""Views of drift, decisions and rollouts."""

from rest_framework.request import Request
from rest_framework.response import Response

from access.authentication import counts
from access.sights import FILTERED
from configurations.seen import ConfigurationView, of
from gateways.api import operations
from gateways.drift import listing as drift
from gateways.drift import rollout, rollouts
from gateways.drift.survey import WHOLE, Part
from gateways.registry import narrowing
from gateways.reports import decisions, rates
from keeptrusts.api.lists.answers import answered
from keeptrusts.api.views import View


class Drift(View):
    """The drift of every gateway from what it should enforce."""

    query = {"GET": drift.DRIFT.parameters}
    actions = {"GET": "drift.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_DRIFT}

    def get(self, request: Request) -> Response:
        seen = of(request)
        part = Part(seen, narrowing.ambiguous(seen)) if seen.is_narrowed else WHOLE
        found = drift.surveyed(self.asked(request), part, counts(request))
        beside = {"summary": found.summary, "gateways": found.gateways}
        return answered(request, drift.DRIFT, found.rows, beside=beside, upon=found.upon)


class Rollouts(View):
    """How far the version in force of each configuration has come."""

    query = {"GET": rollouts.ROLLOUTS.parameters}
    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_ROLLOUTS}

    def get(self, request: Request) -> Response:
        return answered(request, rollouts.ROLLOUTS, of(request))


class Decisions(View):
    """The decisions of all gateways, the newest first."""

    query = {"GET": decisions.DECISIONS.parameters}
    actions = {"GET": "decisions.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.LIST_DECISIONS}

    def get(self, request: Request) -> Response:
        return answered(request, decisions.DECISIONS, of(request))


class DecisionRates(View):
    """Decisions a minute, by verdict."""

    query = {"GET": rates.PARAMETERS}
    actions = {"GET": "drift.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.GET_DECISION_RATES}

    def get(self, request: Request) -> Response:
        return Response({"data": {"minutes": rates.rates(self.asked(request), of(request))}})


class Rollout(ConfigurationView):
    """The progress of a configuration's current version to its gateways."""

    actions = {"GET": "configurations.read"}
    narrowed = {"GET": FILTERED}
    described = {"GET": operations.GET_ROLLOUT}

    def get(self, request: Request, configuration_id: str) -> Response:
        return Response({"data": rollout.show(configuration_id)})
