"""The view of `/metrics` for Prometheus, which sends a bearer token as any client."""

from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts import metrics
from keeptrusts.api.operations import Operation
from keeptrusts.api.views import View


class Metrics(View):
    """The page of all counters, histograms and gauges."""

    actions = {"GET": "metrics.read"}
    described = {
        "GET": Operation(
            "getMetrics", "Counters and gauges for Prometheus.", data=str, media=("text/plain",)
        )
    }

    def get(self, request: Request) -> Response:
        return Response(metrics.render(), content_type=metrics.CONTENT_TYPE)
