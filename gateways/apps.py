"""Django's hook into `gateways`."""

from django.apps import AppConfig


class GatewaysConfig(AppConfig):
    """Shows its measures at `/metrics`."""

    name = "gateways"

    def ready(self) -> None:
        from gateways.reports import measures
        from keeptrusts import metrics

        metrics.register(measures.families)
