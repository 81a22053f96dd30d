"""Django's hook into `gateways`."""

from django.apps import AppConfig


class GatewaysConfig(AppConfig):
    """Shows the package's measures at `/metrics` and has its signing keys sealed anew."""

    name = "gateways"

    def ready(self) -> None:
        from gateways.reports import measures
        from gateways.signing import keys
        from keeptrusts import metrics, sealing

        metrics.register(measures.families)
        sealing.register(keys.reseal)
