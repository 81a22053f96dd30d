"""Django's configuration of the package."""

from django.apps import AppConfig


class GatewaysConfig(AppConfig):
    """Registers bindings, which follow renames."""

    name = "gateways"

    def ready(self) -> None:
        from configurations import successors
        from gateways.registry import bindings

        successors.register(bindings.follow)
