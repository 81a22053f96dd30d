"""The state of the contact with the control plane, as shown and reported."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

from kt.gateway.gateway import timestamp
from kt.gateway.managed import files

_LOG = logging.getLogger("kt.gateway")
# The first that has a problem is shown: those of the policy come first.
AREAS = (
    "statement", "state", "age", "confirmation", "disk", "keys", "key-state", "key-disk", "spool",
    "pull", "report",
)  # fmt: skip
_EDITABLE = ("state", "key-state")
_SHOWN_SECONDS = 10.0
_MOST_BYTES = 64 << 10
_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem. `code` is stable, `message` is a line for people without secrets."""

    code: str
    message: str

    def shown(self) -> dict[str, str]:
        """The problem for reports and pages: shortened, without unprintable characters."""
        line = "".join(c if c.isprintable() else " " for c in self.message)
        return {"code": self.code, "message": line[:_LONGEST_MESSAGE]}


class Contact:
    """The state of the contact, written by the process that talks to the control plane.

    `changed` wakes its reporter, and `answered` a reporter whose reports did not arrive. The other
    processes of the gateway read the state from a file.
    """

    def __init__(self, path: str, *, control_plane: str, gateway: str) -> None:
        self._path = path
        self._control_plane = control_plane
        self._gateway = gateway
        self._problems: dict[str, Problem] = {}
        self._until: dict[str, float] = {}
        self.publish_seq: int | None = None
        self.last_contact_at: str | None = None
        self.confirmed_at: str | None = None
        self.streaming = False
        self.spool_bytes = 0
        self.counters = dict.fromkeys(
            (
                "decisions_sent", "decisions_dropped", "statements_refused", "keys_refused",
                "state_restored",
            ),
            0,
        )  # fmt: skip
        self.changed = asyncio.Event()
        self.answered = asyncio.Event()

    def note(self, area: str, problem: Problem | None) -> None:
        """Set the problem of an area, None when there is none.

        An edited state folder is shown for ten seconds, also when it is mended at once.
        """
        if problem is None and time.monotonic() < self._until.get(area, 0.0):
            return
        if problem == self._problems.get(area):
            return
        before = self.problem()
        if problem is None:
            del self._problems[area]
        else:
            self._problems[area] = problem
            if area in _EDITABLE:
                self._until[area] = time.monotonic() + _SHOWN_SECONDS
        self._log(before)
        self.save()
        self.changed.set()

    def _log(self, before: Problem | None) -> None:
        """Log a change of the first problem, and not each attempt."""
        now = self.problem()
        if now is None and before is not None:
            _LOG.warning("%s: resolved", before.code)
        elif now is not None and (before is None or before.code != now.code):
            fields = now.shown()
            _LOG.warning("%s: %s", fields["code"], fields["message"])

    def problem(self, *areas: str) -> Problem | None:
        """The first problem of the named areas, of all without a name."""
        return next((self._problems[a] for a in areas or AREAS if a in self._problems), None)

    @property
    def is_unbound(self) -> bool:
        """True when the control plane said that nothing is bound to this gateway."""
        problem = self._problems.get("pull")
        return problem is not None and problem.code == "not_bound"

    def reached(self, area: str) -> None:
        """Note that the control plane answered, which ends the area's problem."""
        if area in self._problems:
            self.answered.set()
        self.last_contact_at = timestamp()
        self.note(area, None)
        self.save()

    def shown(self) -> dict[str, Any]:
        """The object under `control_plane` of `/health` and `/keeptrusts/config`."""
        problem = self.problem()
        return {
            "url": self._control_plane,
            "gateway": self._gateway,
            "publish_seq": self.publish_seq,
            "last_contact_at": self.last_contact_at,
            "confirmed_at": self.confirmed_at,
            "streaming": self.streaming,
            "problem": problem and problem.shown(),
            "spool_bytes": self.spool_bytes,
            "counters": dict(self.counters),
        }

    def save(self) -> None:
        """Write the state for the other processes."""
        try:
            files.replace(self._path, json.dumps(self.shown()).encode(), durable=False)
        except OSError as exc:
            # Cleared by the spool's check of the same disk, twice a second.
            self._problems["spool"] = disk_problem(exc)


def disk_problem(exc: OSError) -> Problem:
    """A problem of the state folder, from an error of the system."""
    return Problem("disk", f"the state folder cannot be used: {exc.strerror or exc}")


def read(path: str) -> dict[str, Any]:
    """The state that the agent's process wrote last; empty before its first."""
    data = files.read(path, _MOST_BYTES)
    state: dict[str, Any] = json.loads(data) if data else {}
    return state
