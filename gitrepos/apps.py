"""The Django app `gitrepos`."""

from django.apps import AppConfig


class GitReposConfig(AppConfig):
    """Registers the package's metrics and its part of the rotation of secrets."""

    name = "gitrepos"

    def ready(self) -> None:
        from gitrepos.api import overview
        from gitrepos.links import rotation
        from keeptrusts import metrics, sealing

        metrics.register(overview.families)
        sealing.register(rotation.rotate)
