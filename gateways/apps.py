"""Django's configuration of the package."""

from django.apps import AppConfig


class GatewaysConfig(AppConfig):
    """Registers the package's metrics, and its signing keys for the rotation of secrets."""

    name = "gateways"

    def ready(self) -> None:
        from gateways.reports import measures
        from gateways.signing import keys
        from keeptrusts import metrics, sealing

        metrics.register(measures.families)
        sealing.register(keys.reseal)
