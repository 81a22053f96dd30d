"""Reasons for a sync: which facts of a link give which, without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from gitrepos import refs
from gitrepos.errors import NULL_ID
from gitrepos.models import NO_POLICY_FILES, Link
from gitrepos.sync import needs
from gitrepos.sync.needs import Reason

NOW = datetime(2026, 5, 4, tzinfo=UTC)
SOON, BEFORE = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)
OLD, NEW = "a" * 40, "b" * 40
MAIN = "refs/heads/main"
EDIT = {"generation": 4}
WISH = {"requested_seq": 3}
FAILS = {"error_code": "auth_failed"}
RESTS = {**FAILS, "failed_commit": OLD, "retry_at": SOON}
HELD = {"held": {"reason": "mass_removal", "commit": NEW}, "error_code": "mass_removal"}
GONE = {"held": {"reason": "branch_not_found", "commit": NULL_ID}}
TAG = {"branch": "", "tag": "v1", "last_ref": "refs/tags/v1"}
RANGE = {"branch": "", "semver": "^1", "last_ref": "refs/tags/1.0.0"}
FIXED = {"branch": "", "commit": OLD, "last_ref": "", "settled": True}


def link(**fields: Any) -> Link:
    """One that stands at a commit of main, well."""
    well = {"branch": "main", "last_commit": OLD, "last_ref": MAIN, "tree_id": "t"}
    asked = {"requested_seq": 2, "served_seq": 2}
    seen = {"generation": 3, "observed_generation": 3}
    return Link(pk=UUID(int=1), url="https://git.example/a", **{**well, **asked, **seen, **fields})


@pytest.mark.parametrize(
    ("fields", "head", "pending", "expected"),
    [
        # Where its branch leads.
        ({}, OLD, None, None),
        ({}, NEW, None, Reason.NEW_COMMIT),
        ({"last_commit": "", "last_ref": ""}, NEW, None, Reason.NEW_COMMIT),
        ({"last_ref": "refs/heads/other"}, OLD, None, None),
        ({}, "", None, Reason.NEW_COMMIT),
        ({"branch": "unasked"}, NEW, None, None),
        ({"branch": "unasked", **EDIT, **WISH}, NEW, Reason.RELEASED, None),
        # What people did.
        (EDIT, OLD, None, Reason.EDITED),
        (EDIT, NEW, None, Reason.EDITED),
        (WISH, OLD, None, Reason.ASKED),
        (WISH, NEW, None, Reason.ASKED),
        ({**WISH, **EDIT}, OLD, None, Reason.ASKED),
        ({**WISH, **RESTS}, OLD, None, Reason.ASKED),
        ({**EDIT, **RESTS}, OLD, None, Reason.EDITED),
        ({**EDIT, **HELD}, NEW, None, Reason.EDITED),
        # What failed.
        (FAILS, OLD, None, Reason.FAILED),
        (FAILS, NEW, None, Reason.NEW_COMMIT),
        (RESTS, OLD, None, None),
        (RESTS, OLD, Reason.RELEASED, None),
        (RESTS, NEW, None, Reason.NEW_COMMIT),
        ({**RESTS, "retry_at": BEFORE}, OLD, None, Reason.FAILED),
        ({"error_code": NO_POLICY_FILES}, OLD, None, None),
        # What other files and rules let pass.
        ({}, OLD, Reason.RELEASED, Reason.RELEASED),
        ({}, OLD, Reason.RULES_CHANGED, Reason.RULES_CHANGED),
        ({}, NEW, Reason.RELEASED, Reason.NEW_COMMIT),
        (FAILS, OLD, Reason.RELEASED, Reason.FAILED),
        (WISH, OLD, Reason.RELEASED, Reason.ASKED),
        # What waits for a person.
        (HELD, NEW, None, None),
        (HELD, NEW, Reason.RELEASED, None),
        (HELD, OLD, None, Reason.NEW_COMMIT),
        ({**HELD, **FAILS}, NEW, None, Reason.FAILED),
        (GONE, "", None, None),
        (GONE, OLD, None, Reason.NEW_COMMIT),
        # What does not change any more.
        (FIXED, OLD, None, None),
        (FIXED, OLD, Reason.RULES_CHANGED, None),
        ({**FIXED, **EDIT}, OLD, None, Reason.EDITED),
        ({**FIXED, **WISH}, OLD, None, Reason.ASKED),
    ],
)
def test_a_reason_comes_from_the_row_and_the_check(
    fields: dict[str, Any], head: str, pending: Reason | None, expected: Reason | None
) -> None:
    """Which both are given, with the time."""
    row = link(**fields)
    refused = {row.pk: pending} if pending else {}

    assert needs.why(row, {MAIN: head, OLD: head}, refused, NOW) is expected


@pytest.mark.parametrize(
    ("fields", "tags", "expected"),
    [
        (TAG, {"v1": OLD}, None),
        (TAG, {"v1": NEW}, Reason.NEW_COMMIT),
        (TAG, {"v1": ""}, Reason.NEW_COMMIT),
        (RANGE, {"1.0.0": OLD}, None),
        (RANGE, {"1.0.0": OLD, "2.0.0": NEW}, None),
        (RANGE, {"1.0.0": OLD, "1.1.0": NEW}, Reason.NEW_COMMIT),
        (RANGE, {"1.0.0": OLD, "1.1.0": OLD}, Reason.NEW_COMMIT),
    ],
)
def test_another_tag_is_as_another_commit(
    fields: dict[str, Any], tags: dict[str, str], expected: Reason | None
) -> None:
    """Also at the same one: it is the tag that is shown, and judged."""
    row = link(**fields)
    heads = refs.found([refs.of(row)], {f"refs/tags/{tag}": there for tag, there in tags.items()})

    assert needs.why(row, heads, {}, NOW) is expected


@pytest.mark.parametrize(
    ("reason", "expected_until", "trigger"),
    [
        (Reason.ASKED, None, "manual"),
        (Reason.ASKED, SOON, "webhook"),
        (Reason.NEW_COMMIT, SOON, "webhook"),
        (Reason.NEW_COMMIT, BEFORE, "poll"),
        (Reason.NEW_COMMIT, None, "poll"),
        (Reason.EDITED, None, "poll"),
        (Reason.FAILED, None, "poll"),
        (Reason.RULES_CHANGED, None, "poll"),
        (Reason.RELEASED, None, "poll"),
    ],
)
def test_a_trigger_comes_from_the_reason(
    reason: Reason, expected_until: datetime | None, trigger: str
) -> None:
    """Unless a webhook announced a commit, for as long as it is expected."""
    assert reason.trigger(link(expected_until=expected_until), NOW) == trigger
