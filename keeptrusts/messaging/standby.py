"""Work that a process does by itself while no messages come."""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import close_old_connections

from keeptrusts.servers import outages

log = structlog.get_logger(__name__)

# Messages come every second.
_QUIET_SECONDS = 3.0
_LOOK_SECONDS = 1.0


class Standby:
    """Calls some functions every second, each in a thread of its own, while no message came lately.

    The broker may be full, silent or gone; what is to be done stands in the database.
    """

    def __init__(self, *acts: Callable[[], object]) -> None:
        self._acts = acts
        self._heard_at = 0.0
        self._is_alone = False
        self._over = threading.Event()

    def start(self) -> None:
        """Begin to listen; the functions are called until `stop`, or the end of the process."""
        self.heard()
        for act in self._acts:
            threading.Thread(target=self._run, args=(act,), name="standby", daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more."""
        self._over.set()

    def heard(self) -> None:
        """Note that a message came."""
        self._heard_at = time.monotonic()
        if self._is_alone:
            self._is_alone = False
            log.info("messages come again")

    def _run(self, act: Callable[[], object]) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            if time.monotonic() - self._heard_at < _QUIET_SECONDS:
                continue
            if not self._is_alone:
                self._is_alone = True
                log.warning("no messages come; working without them")
            call(act)


def call(act: Callable[[], object]) -> None:
    """Call a function that a message would else call, as a worker's thread does."""
    close_old_connections()
    try:
        act()
    except Exception as exc:
        # The outermost caller of this thread. The next call may do better.
        if outages.met(exc) is None:
            log.exception("work without messages crashed")
    finally:
        close_old_connections()
