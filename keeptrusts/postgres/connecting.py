"""Connections of which nothing stays open when they cannot be made."""

import traceback
from typing import Any, Self

import psycopg


class Connecting(psycopg.Connection[Any]):
    """A connection whose socket is closed at once when the server does not answer in time."""

    @classmethod
    def connect(cls, conninfo: str = "", **named: Any) -> Self:
        """Connect.

        Raises:
            psycopg.OperationalError: it cannot be reached.
        """
        try:
            return super().connect(conninfo, **named)
        except psycopg.Error as exc:
            # psycopg leaves the socket in a frame that also has the error, and so the error itself:
            # a cycle, and our processes look for these seldom.
            traceback.clear_frames(exc.__traceback__)
            raise
