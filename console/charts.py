"""Charts: numbers of each minute as bars in sections. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Of a bar, in units of the drawing; the room beside it is a gap.
WIDTH, HEIGHT = 10, 60
_GAP = 2
# From the ground up: what is worst lies on top, where the eye is.
_ORDER = ("allow", "redact", "escalate", "block")
# A number that is not nought is seen, however tall the bars beside it are.
_LEAST = 1.5


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a bar: the name of what it counts, its number, and where it is drawn."""

    name: str
    count: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A minute."""

    minute: datetime
    x: int
    sections: tuple[Section, ...]

    @property
    def width(self) -> int:
        """Without the gap beside it."""
        return WIDTH - _GAP


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of the same height for the same number. `totals` are of all of them, by name."""

    bars: tuple[Bar, ...]
    totals: Mapping[str, int]
    most: int

    @property
    def width(self) -> int:
        """Of the whole drawing."""
        return WIDTH * len(self.bars)

    @property
    def height(self) -> int:
        """Of the whole drawing."""
        return HEIGHT


def chart(rates: Sequence[Mapping[str, Any]]) -> Chart:
    """The chart of the minutes of `/v1/decisions/rates`."""
    most = max((sum(row["verdicts"].values()) for row in rates), default=0)
    bars = (
        Bar(
            datetime.fromisoformat(str(row["minute"])), number * WIDTH,
            tuple(_sections(row["verdicts"], most)),
        )
        for number, row in enumerate(rates)
    )  # fmt: skip
    totals = {name: sum(row["verdicts"].get(name, 0) for row in rates) for name in _ORDER}
    return Chart(tuple(bars), totals, most)


def _sections(counts: Mapping[str, int], most: int) -> Iterator[Section]:
    present = [(name, counts[name]) for name in _ORDER if counts.get(name)]
    free = HEIGHT - _LEAST * len(_ORDER)
    y = float(HEIGHT)
    for name, count in present:
        height = _LEAST + free * count / most
        y -= height
        yield Section(name, count, round(y, 2), round(height, 2))
