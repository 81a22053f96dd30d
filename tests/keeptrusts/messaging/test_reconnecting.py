"""How soon a broker that is back is found."""

import socket
from collections.abc import Callable

import pytest
from kombu import Connection

from keeptrusts.celery import app

_ATTEMPTS = 30


class _EnoughError(Exception):
    """Raised after some attempts."""


@pytest.mark.parametrize("made", [app.connection_for_read, app.connection_for_write])
def test_a_broker_that_was_away_for_long_is_tried_as_often_as_before(
    made: Callable[[str], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause that grew would keep ticks and syncs waiting when all is well again."""
    monkeypatch.setattr("kombu.utils.functional.sleep", lambda _: None)
    pauses: list[float] = []

    def failed(_: Exception, pause: float) -> None:
        pauses.append(pause)
        if len(pauses) == _ATTEMPTS:
            raise _EnoughError

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with made(f"redis://127.0.0.1:{port}/0") as connection, pytest.raises(_EnoughError):
        connection.ensure_connection(failed)

    assert max(pauses) == pauses[-1] == 2
    assert min(pauses) > 0
