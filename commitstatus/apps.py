"""Django's configuration of the package."""

from django.apps import AppConfig


class CommitStatusConfig(AppConfig):
    """Statuses of commits on forges."""

    name = "commitstatus"
