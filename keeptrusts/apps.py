"""Django's configuration of the project package."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class KeeptrustsConfig(AppConfig):
    """Loads the Celery application in every process, and bounds connections to the database."""

    name = "keeptrusts"

    def ready(self) -> None:
        from keeptrusts import celery, database  # noqa: F401

        connection_created.connect(database.bound_connection)
