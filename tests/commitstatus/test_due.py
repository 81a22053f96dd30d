"""The status that is due, and when it is told, by tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commitstatus import due
from commitstatus.due import Due, LinkFacts, RefusedFile, Step, Told

A, B, NULL = "a" * 40, "b" * 40, "0" * 40
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BAD = RefusedFile("policies/bot/policy-config.yaml", "quarantined", 3, "unknown-key")


@pytest.mark.parametrize(
    ("facts", "state", "public", "private"),
    [
        (LinkFacts(commit=A), "success", "policy synced", "synced"),
        (LinkFacts(commit=A, gateways=42, enforcing=41), "success", "policy synced",
         "synced, enforced by 41 of 42"),
        (LinkFacts(commit=A, counts={"synced": 3, "pinned": 1, "unlinked": 2, "missing": 1}),
         "success", "policy synced", "synced, 1 pinned, 2 of no configuration, 1 missing"),
        (LinkFacts(commit=A, is_empty=True), "success", "policy synced",
         "synced, no policy files"),
        (LinkFacts(commit=A, refused=(BAD,), gateways=2, enforcing=2), "failure", "policy refused",
         "quarantined at line 3: policies/bot/policy-config.yaml (unknown-key)"),
        (LinkFacts(commit=A, refused=(RefusedFile("a\n\u202e.yaml", "conflict"), BAD, BAD)),
         "failure", "policy refused", "conflict: a??.yaml, and 2 more"),
        (LinkFacts(commit=A, held=(A, "weaker")), "pending", "policy waits for a person",
         "held until a person confirms it: weaker"),
        (LinkFacts(commit=B, error_code="too_large", failed_commit=A), "error",
         "policy not synced", "not synced: too_large"),
        (LinkFacts(commit=B, is_moved=True, error_code="too_large", failed_commit=A), "error",
         "policy not synced", "not synced: too_large"),
        (LinkFacts(commit=A * 2, counts={}), None, "", ""),
        (LinkFacts(commit="a" * 64), "success", "policy synced", "synced"),
        (LinkFacts(), None, "", ""),
        (LinkFacts(commit=NULL), None, "", ""),
        (LinkFacts(commit=A, is_current=False), None, "", ""),
        (LinkFacts(commit=A, is_moved=True), None, "", ""),
        (LinkFacts(commit=A, held=(NULL, "path_not_found")), None, "", ""),
        # What may pass by itself is no verdict on a commit.
        (LinkFacts(commit=B, error_code="unreachable", failed_commit=A), None, "", ""),
        (LinkFacts(commit=B, error_code="internal", failed_commit=A), None, "", ""),
        (LinkFacts(commit=B, error_code="no_such_code", failed_commit=A), None, "", ""),
        # An error that is about no commit leaves what was told of the last one.
        (LinkFacts(commit=A, error_code="auth_failed"), "success", "policy synced", "synced"),
    ],
)  # fmt: skip
def test_a_link_has_its_status(
    facts: LinkFacts, state: str | None, public: str, private: str
) -> None:
    """Of the newest commit, or none."""
    found = due.status(facts)

    if state is None:
        assert found is None
        return
    assert found is not None
    assert (found.state, found.public, found.private) == (state, public, private)
    assert found.text("private") == private
    assert {found.text(""), found.text("public")} == {public}


def test_a_description_is_short() -> None:
    """Whatever the path; its end stays, which has the file's name."""
    long = due.status(LinkFacts(commit=A, refused=(replace(BAD, path="x/" * 500 + "bot.yaml"),)))

    assert long is not None
    assert len(long.private) < 140
    assert "x/bot.yaml (unknown-key)" in long.private


IS = Due(A, "success", "policy synced", "synced, enforced by 2 of 2")
LAST = Told(A, "success", "synced, enforced by 1 of 2", NOW - timedelta(seconds=90), 3, "private")
SOON, LOOK = NOW + timedelta(seconds=20), NOW + due.LOOK


@pytest.mark.parametrize(
    ("what", "changes", "step", "at"),
    [
        (None, {}, Step.NOTHING, LOOK),
        (IS, {}, Step.TELL, LOOK),
        (IS, {"description": IS.private}, Step.NOTHING, LOOK),
        # In a repository that is public, or may be, the counts are not told.
        (IS, {"visibility": "public", "description": IS.public}, Step.NOTHING, LOOK),
        (IS, {"visibility": "", "description": IS.public}, Step.NOTHING, LOOK),
        (IS, {"visibility": "public", "description": "x"}, Step.TELL, LOOK),
        # A count is told once a minute at most; another state or commit at once.
        (IS, {"at": NOW - timedelta(seconds=40)}, Step.LATER, SOON),
        (IS, {"at": NOW, "state": "pending"}, Step.TELL, LOOK),
        (IS, {"at": NOW, "commit": B}, Step.TELL, LOOK),
        (IS, {"at": None, "commit": "", "state": ""}, Step.TELL, LOOK),
        # Of one commit so many statuses, and no more.
        (IS, {"tellings": 199}, Step.TELL, LOOK),
        (IS, {"tellings": 200}, Step.NOTHING, LOOK),
        (IS, {"tellings": 200, "commit": B}, Step.TELL, LOOK),
        # After a failure it waits, and after twelve for another commit.
        (IS, {"failures": 1, "failed_commit": A, "retry_at": SOON}, Step.LATER, SOON),
        (IS, {"failures": 1, "failed_commit": A, "retry_at": NOW}, Step.TELL, LOOK),
        (IS, {"failures": 9, "failed_commit": B, "retry_at": NOW + 9 * due.LOOK}, Step.LATER,
         LOOK),
        (IS, {"failures": 11, "failed_commit": A, "retry_at": NOW}, Step.TELL, LOOK),
        (IS, {"failures": 12, "failed_commit": A, "retry_at": NOW}, Step.NOTHING, LOOK),
        (IS, {"failures": 12, "failed_commit": B, "retry_at": NOW}, Step.TELL, LOOK),
    ],
)  # fmt: skip
def test_when_a_status_is_told(
    what: Due | None, changes: dict[str, Any], step: Step, at: datetime
) -> None:
    """Once, and again when it changed."""
    assert due.step(what, replace(LAST, **changes), NOW) == (step, at)


def test_the_waits_grow() -> None:
    """From half a minute, doubled, up to an hour."""
    waits = [due.wait(failures, 0).total_seconds() for failures in range(1, 13)]

    assert waits[:4] == [30, 60, 120, 240]
    assert waits == sorted(waits)
    assert waits[-1] == 3600 == due.wait(10**9, 0).total_seconds()


@pytest.mark.parametrize(
    ("root", "ref", "name"),
    [
        ("", "", "keeptrusts"),
        ("", "main", "keeptrusts (main)"),
        ("policies/bot", "", "keeptrusts/policies/bot"),
        ("policies", "^1.2", "keeptrusts/policies (^1.2)"),
    ],
)
def test_a_link_has_a_name_of_its_own(root: str, ref: str, name: str) -> None:
    """By path and ref, so that no two links of a repository have one."""
    assert due.status_name("keeptrusts", root, ref) == name


def test_a_long_name_stays_its_own() -> None:
    """And is cut off."""
    names = {due.status_name("k", "x" * 500 + end, "main") for end in "ab"}

    assert {len(name) for name in names} == {120}
    assert len(names) == 2


@pytest.mark.parametrize("failures", [1, 2, 7, 12, 10**9])
def test_what_failed_together_is_not_tried_again_together(failures: int) -> None:
    """The waits of many lie anywhere in a third of the longest of them."""
    longest = due.wait(failures, 0)
    spread = [due.wait(failures, number / 10) for number in range(11)]

    assert spread == sorted(spread, reverse=True) and len(set(spread)) == 11
    assert spread[-1] == 0.7 * longest
