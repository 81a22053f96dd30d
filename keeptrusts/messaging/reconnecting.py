"""Connections of Celery to the broker, which are tried again soon however long it is away."""

from typing import Any

from celery.app.amqp import AMQP
from kombu import Connection

# kombu's own pauses grow from two seconds by two: after half a minute without a broker its return
# is noticed ten seconds late, and later after longer ones.
_PAUSES = {"interval_start": 1, "interval_step": 1, "interval_max": 2}


class Returning(Connection):
    """kombu's connection, whose attempts are never more than two seconds apart."""

    def ensure_connection(self, *args: Any, **named: Any) -> "Returning":
        """Connect, if it takes many attempts; worker and beat do it so."""
        return super().ensure_connection(*args, **{**_PAUSES, **named})


class Messaging(AMQP):
    """Celery's part that makes connections."""

    Connection = Returning
