"""Django's hook into `gitrepos`."""

from django.apps import AppConfig


class GitReposConfig(AppConfig):
    """Shows its measures at `/metrics`."""

    name = "gitrepos"

    def ready(self) -> None:
        from gitrepos.polling import measures
        from keeptrusts import metrics

        metrics.register(measures.families)
