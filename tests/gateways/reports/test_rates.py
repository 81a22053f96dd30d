"""Decisions a minute: whichever there are, each is counted once, in its minute."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.test import APIClient

from configurations.seen import ALL
from gateways.models import Decision
from gateways.reports import rates
from keeptrusts.api.parameters import Asked
from kt.policy.decision.values import SEVERITY
from tests.support.api import refusal
from tests.support.syncing import get

NOW = datetime(2026, 3, 1, 12, 30, 20, tzinfo=UTC)
PATH = "/v1/decisions/rates"
_MINUTES = 5

_DECISIONS = st.lists(
    st.tuples(
        st.integers(-120, 60 * (_MINUTES + 2)),
        st.sampled_from([*SEVERITY, "", "odd"]),
        st.sampled_from(["bot", "chat"]),
        st.sampled_from(["g-1", "g-2"]),
    ),
    max_size=30,
)


def _stored(*made: tuple[int, str, str, str]) -> None:
    Decision.objects.bulk_create(
        Decision(
            gateway=gateway, event_id=str(number), at=NOW - timedelta(seconds=ago), event={},
            verdict=verdict, configuration=configuration, received_at=NOW,
        )
        for number, (ago, verdict, configuration, gateway) in enumerate(made)
    )  # fmt: skip


def _rates(query: str) -> list[Any]:
    return list(rates.rates(Asked(QueryDict(query)), ALL, now=NOW))


class TestRates(TestCase):
    """Of whatever is stored."""

    @given(made=_DECISIONS, configuration=st.sampled_from(["", "bot"]),
           gateway=st.sampled_from(["", "g-1"]))  # fmt: skip
    def test_each_is_counted_once_in_its_minute(
        self, made: list[tuple[int, str, str, str]], configuration: str, gateway: str
    ) -> None:
        """Also those of gateways whose clocks are ahead, and those of no verdict in none."""
        _stored(*made)
        query = f"minutes={_MINUTES}"
        query += f"&configuration={configuration}" if configuration else ""
        query += f"&gateway={gateway}" if gateway else ""
        last = NOW.replace(second=0)
        expected: Counter[tuple[datetime, str]] = Counter()
        for ago, verdict, about, by in made:
            if configuration in ("", about) and gateway in ("", by):
                expected[(NOW - timedelta(seconds=ago)).replace(second=0), verdict] += 1

        found = _rates(query)

        assert [row["minute"] for row in found] == [
            last - timedelta(minutes=number) for number in reversed(range(_MINUTES))
        ]
        for row in found:
            assert row["verdicts"] == {one: expected[row["minute"], one] for one in SEVERITY}


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["minutes=0", "minutes=181", "minutes=x", "gateway="])
def test_a_query_that_cannot_be_says_what_to_change(admin: APIClient, query: str) -> None:
    assert refusal(admin.get(f"{PATH}?{query}")) == (400, [query.partition("=")[0]])


@pytest.mark.django_db
def test_nothing_is_nought_in_each_minute(admin: APIClient) -> None:
    rows = get(admin, PATH)["minutes"]

    assert len(rows) == 30
    assert all(row["verdicts"] == dict.fromkeys(SEVERITY, 0) for row in rows)
