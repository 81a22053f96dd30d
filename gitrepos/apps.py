"""Django's hook into `gitrepos`."""

from django.apps import AppConfig


class GitReposConfig(AppConfig):
    """Shows the package's measures at `/metrics` and has its secrets sealed anew."""

    name = "gitrepos"

    def ready(self) -> None:
        from gitrepos.api import overview
        from gitrepos.links import rotation
        from keeptrusts import metrics, sealing

        metrics.register(overview.families)
        sealing.register(rotation.rotate)
