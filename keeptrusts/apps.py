"""Django's configuration of the project package."""

import atexit
import gc

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created

# Objects that were made and not freed since the last collection.
_COLLECTED_AT = 5000


class KeeptrustsConfig(AppConfig):
    """Loads the Celery application in every process, and bounds connections to the database."""

    name = "keeptrusts"

    def ready(self) -> None:
        from keeptrusts import celery, database  # noqa: F401

        if settings.ENV.traces is not None:
            from keeptrusts import metrics
            from keeptrusts.observed import traces

            traces.use(settings.ENV.traces, metrics.count_spans)
        connection_created.connect(database.bound_connection)
        # What is here now stays: no collection need look through it again.
        gc.freeze()
        gc.set_threshold(_COLLECTED_AT)
        gc.enable()
        # A process that ends would look once more through all that it holds, for half a second;
        # the kernel takes it back without.
        atexit.register(gc.freeze)
