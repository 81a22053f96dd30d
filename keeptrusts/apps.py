"""Django's hook into the project package."""

from django.apps import AppConfig


class KeeptrustsConfig(AppConfig):
    """Binds the tasks to the Celery application in every process, the web's too."""

    name = "keeptrusts"

    def ready(self) -> None:
        from keeptrusts import celery  # noqa: F401
