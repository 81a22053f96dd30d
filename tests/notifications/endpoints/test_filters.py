"""Who hears of what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notifications.endpoints.filters import Subject, Wish, hears

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ALL = Wish("e", NOW)
FAILED = Subject("failed", NOW, git_repo="l")


@pytest.mark.parametrize(
    ("wish", "subject", "heard"),
    [
        ({}, {}, True),
        ({}, {"at": NOW - timedelta(microseconds=1)}, False),
        ({}, {"endpoint": "e"}, False),
        ({}, {"endpoint": "other"}, True),
        ({"kinds": ["held", "failed"]}, {}, True),
        ({"kinds": ["held"]}, {}, False),
        ({"git_repos": ["l"]}, {}, True),
        ({"git_repos": ["m"]}, {}, False),
        ({"git_repos": ["l"]}, {"git_repo": ""}, False),
        ({"labels": {"team": "a"}}, {}, False),
        ({"labels": {"team": "a"}}, {"labels": [{"team": "a", "x": "y"}]}, True),
        ({"labels": {"team": "a"}}, {"labels": [{"team": "b"}, {"team": "a"}]}, True),
        ({"labels": {"team": "a", "x": "y"}}, {"labels": [{"team": "a"}, {"x": "y"}]}, False),
        ({"labels": {}}, {"labels": []}, True),
        ({"kinds": ["failed"], "git_repos": ["m"]}, {}, False),
    ],
)
def test_an_endpoint_hears(wish: Any, subject: Any, heard: bool) -> None:
    """What it wishes in all respects, and nothing about itself or from before it."""
    assert hears(replace(ALL, **wish), replace(FAILED, **subject)) is heard
