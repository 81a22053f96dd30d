"""Django's hook into the project package."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class KeeptrustsConfig(AppConfig):
    """Binds the tasks to the Celery application in every process, the web's too.

    And bounds what a connection to the database may hold.
    """

    name = "keeptrusts"

    def ready(self) -> None:
        from keeptrusts import celery, database  # noqa: F401

        connection_created.connect(database.bound_connection)
