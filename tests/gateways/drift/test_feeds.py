"""Since when no file feeds a configuration that came from git: every cause, and what is none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from configurations.models import Configuration
from gateways.drift.feeds import File, orphaned

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DELETED, ARCHIVED, GONE = (NOW - timedelta(hours=hours) for hours in (1, 2, 3))
PATH = "policies/bot/policy-config.yaml"
LINK = "1f0c7d62-0000-0000-0000-000000000000"
THERE = File(PATH, "a" * 64, "synced", GONE, "c" * 40)
FED: dict[str, Any] = {"source": "git", "status": "active", "owner": LINK, "updated_at": ARCHIVED}
LEFT = {"owner": "", "orphaned_at": DELETED}
Expected = tuple[datetime, str] | None

CASES: list[tuple[str, dict[str, Any], File | None, Expected]] = [
    ("a file feeds it", {}, THERE, None),
    ("its file is quarantined", {}, THERE._replace(outcome="quarantined"), None),
    ("its file is a conflict", {}, THERE._replace(outcome="conflict"), None),
    ("it is pinned", {"pinned_at": NOW}, THERE._replace(outcome="pinned"), None),
    ("it is overridden", {"git_hash": "b" * 64, "content_hash": "d" * 64}, THERE, None),
    ("its file is missing", {}, THERE._replace(outcome="missing"),
     (GONE, f"{PATH} is gone, or names another id")),
    ("its file went, and it with it", {"status": "archived"}, THERE._replace(outcome="archived"),
     (GONE, f"{PATH} is gone, or names another id")),
    ("its file went, and a pin keeps it", {"pinned_at": NOW}, THERE._replace(outcome="missing"),
     (GONE, f"{PATH} is gone, or names another id")),
    ("its policy moved", {},
     THERE._replace(outcome="missing", moved_to="policies/bot2/policy-config.yaml", renamed="bot2"),
     (GONE, f"{PATH} is gone; its policy is bot2 now, in policies/bot2/policy-config.yaml")),
    ("its file has another id", {},
     THERE._replace(outcome="missing", moved_to=PATH, renamed="bot2"),
     (GONE, f"{PATH} names bot2 now")),
    ("its link knows no file", {}, None, (ARCHIVED, "no file of its link names it")),
    ("its link was deleted", LEFT, None, (DELETED, "the link that fed it was deleted")),
    ("its link was deleted, and a pin keeps it", {**LEFT, "pinned_at": NOW}, None,
     (DELETED, "the link that fed it was deleted")),
    ("it was archived by hand", {"status": "archived"}, THERE,
     (ARCHIVED, f"it was archived, and {PATH} did not change since")),
    ("the API made it", {"source": "api", "owner": ""}, None, None),
    ("the API made and archived it", {"source": "api", "owner": "", "status": "archived"}, None,
     None),
    ("the API took it over", {**LEFT, "source": "api"}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "file", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_what_no_file_feeds_is_orphaned(
    fields: dict[str, Any], file: File | None, expected: Expected
) -> None:
    """With the moment from which it is, and why."""
    assert orphaned(Configuration(pk="bot", **{**FED, **fields}), file) == expected
