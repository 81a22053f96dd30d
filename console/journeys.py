"""Journeys: a version on its way from the commit to the last gateway, as steps and a bar. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Of the bar, in hundredths: no step is so short that nobody sees it.
_MARKS = ("way1", "way2", "way3", "way4", "way5")
_LEAST = 4.0
_WHOLE = 100.0


@dataclass(frozen=True, slots=True)
class Step:
    """A step: what happened and when, None where it has not happened, and the seconds it took.

    `mark` is the class of its piece of the bar, empty where there is none.
    """

    name: str
    at: datetime | None
    seconds: float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the bar, for the step that it leads to; `x` and `width` are in hundredths."""

    mark: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Journey:
    """The steps of a rollout in their order, and the share of gateways that enforce it."""

    steps: tuple[Step, ...]
    pieces: tuple[Piece, ...]
    gateways: int
    enforcing: int

    @property
    def share(self) -> int:
        """Hundredths of the gateways that enforce it."""
        return 100 * self.enforcing // self.gateways if self.gateways else 0


def journey(rollout: Mapping[str, Any]) -> Journey:
    """The journey of a rollout, as `…/rollout` tells it, or with fewer steps `/v1/rollouts`."""
    steps = tuple(_steps(rollout))
    return Journey(steps, tuple(_pieces(steps)), rollout["gateways"], rollout["enforcing"])


def _steps(rollout: Mapping[str, Any]) -> Iterator[Step]:
    before: datetime | None = None
    marks = iter(_MARKS)
    for name, member in (
        ("committed", "committed_at"),
        ("polled", "polled_at"),
        ("published", "published_at"),
        ("first gateway", "first_enforced_at"),
        ("half of those bound then", "half_enforced_at"),
        ("all of those bound then", "all_enforced_at"),
    ):
        if member not in rollout:
            continue
        told = rollout[member]
        at = datetime.fromisoformat(told) if told else None
        if at is None and name in ("committed", "polled"):
            continue  # Of the API, which neither commits nor polls.
        if at is None and rollout["enforcing"] == rollout["gateways"] > 0:
            continue  # All were bound later, and began with it.
        seconds = None if at is None or before is None else (at - before).total_seconds()
        yield Step(name, at, seconds, "" if seconds is None else next(marks))
        before = at or before


def _pieces(steps: tuple[Step, ...]) -> Iterator[Piece]:
    taken = [(one.mark, max(one.seconds, 0.0)) for one in steps if one.seconds is not None]
    whole = sum(seconds for _, seconds in taken)
    free, x = _WHOLE - _LEAST * len(taken), 0.0
    for mark, seconds in taken:
        width = _LEAST + free * (seconds / whole if whole else 1 / len(taken))
        yield Piece(mark, round(x, 2), round(width, 2))
        x += width
