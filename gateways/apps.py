"""Django's configuration of the package."""

from django.apps import AppConfig


class GatewaysConfig(AppConfig):
    """Registers its metrics, its signing keys, and bindings that follow renames."""

    name = "gateways"

    def ready(self) -> None:
        from configurations import successors
        from gateways.registry import bindings
        from gateways.reports import measures
        from gateways.signing import keys
        from keeptrusts import metrics, sealing
        from keeptrusts.api import health

        metrics.register(measures.families)
        sealing.register(keys.reseal)
        health.register("signing_key", keys.problem)
        successors.register(bindings.follow)
