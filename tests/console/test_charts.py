"""Charts: every number is seen, and none beside the drawing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from console.charts import HEIGHT, chart
from kt.policy.decision.values import SEVERITY

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_COUNTS = st.fixed_dictionaries(dict.fromkeys(SEVERITY, st.integers(0, 10**9) | st.just(0)))


@given(counts=st.lists(_COUNTS, max_size=40))
def test_every_number_is_seen_within_the_drawing(counts: list[dict[str, int]]) -> None:
    drawn = chart(
        [
            {"minute": (_NOON + timedelta(minutes=number)).isoformat(), "verdicts": one}
            for number, one in enumerate(counts)
        ]
    )

    for bar, one in zip(drawn.bars, counts, strict=True):
        assert {section.name: section.count for section in bar.sections} == {
            name: count for name, count in one.items() if count
        }
        assert all(section.height >= 1 for section in bar.sections)
        edges = [HEIGHT, *(section.y for section in bar.sections)]
        assert all(above < below for below, above in pairwise(edges))
        assert edges[-1] >= -0.02
        assert 0 <= bar.x < bar.x + bar.width <= drawn.width
    assert drawn.totals == {name: sum(one[name] for one in counts) for name in SEVERITY}


@given(counts=st.lists(_COUNTS, min_size=1, max_size=10))
def test_the_most_is_the_tallest(counts: list[dict[str, int]]) -> None:
    """Bars are compared by their heights, so the same verdicts twice as often are taller."""
    twice = {name: 2 * count for name, count in counts[0].items()}
    one, two = chart(
        [{"minute": _NOON.isoformat(), "verdicts": each} for each in (counts[0], twice)]
    ).bars

    heights = [sum(section.height for section in bar.sections) for bar in (one, two)]
    assert heights[1] > heights[0] or not any(counts[0].values())
