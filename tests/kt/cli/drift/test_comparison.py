"""A commit, what is in force and what gateways run, compared."""

from __future__ import annotations

from typing import Any

import pytest

from kt.cli.drift.comparison import Scope, compare, drifts
from tests.kt.cli.drift.rows import HELD, HERE, LINK, POLICY, THERE


def states(
    configuration: dict[str, Any] | None, *gateways: dict[str, Any]
) -> list[tuple[str, str]]:
    """Gateway and state of each row."""
    known = [] if configuration is None else [{"id": "support-bot", **configuration}]
    seen = [{"configuration": "support-bot", **row} for row in gateways]
    return [(row.gateway, row.state) for row in compare([POLICY], known, seen, scope=Scope())]


def test_equal_hashes_are_in_sync() -> None:
    """Whatever else a row says."""
    assert states({"content_hash": HERE, "overridden": True}) == [("", "in_sync")]


def test_another_hash_is_drift_with_its_cause() -> None:
    """An override, a file that was refused, or something newer or older."""
    refused = {"gateway": None, "git_hash": HERE, "state": "quarantined"}
    assert states({"content_hash": THERE, "overridden": True}) == [("", "overridden")]
    assert states({"content_hash": THERE}, refused) == [("", "quarantined")]
    assert states({"content_hash": THERE}) == [("", "drifted")]
    assert states(None) == [("", "drifted")]


def test_a_gateway_has_the_state_that_the_control_plane_gives_it() -> None:
    """One that this version does not know is none that is clean."""
    rows = [{"gateway": "edge-1", "state": "stale"}, {"gateway": "edge-2", "state": "melted"}]
    found = states({"content_hash": HERE}, *rows)
    assert found == [("", "in_sync"), ("edge-1", "stale"), ("edge-2", "drifted")]


def test_a_configuration_without_a_file_is_told_and_no_drift() -> None:
    """Another repository may feed it; an id without the prefix certainly comes from elsewhere."""
    known = [{"id": "a-one", "content_hash": HERE}, {"id": "b-two", "content_hash": HERE}]
    rows = compare([], known, [], scope=Scope("a-"))
    assert [(row.configuration, row.state) for row in rows] == [("a-one", "no_file")]
    assert not drifts(rows, [])


def test_a_removal_that_a_link_holds_is_drift() -> None:
    """Git has it removed, and it is in force until somebody confirms; `--ignore held` allows it."""
    known = [{"id": name, "content_hash": HERE} for name in ("gone", "elsewhere")]
    seen = [{"configuration": "gone", "gateway": None, "held": HELD},
            {"configuration": "elsewhere", "gateway": None, "held": None}]  # fmt: skip
    rows = compare([], known, seen, scope=Scope())

    assert [(row.configuration, row.state) for row in rows] == [
        ("gone", "held"),
        ("elsewhere", "no_file"),
    ]
    assert "4 of 6 configurations" in rows[0].why
    assert HELD["git_repo"] in rows[0].why
    assert drifts(rows, [])
    assert not drifts(rows, ["held"])


def test_a_checkout_from_before_a_held_removal_is_in_sync() -> None:
    """The row says all the same what is to come."""
    known = [{"id": "support-bot", "content_hash": HERE}]
    seen = [{"configuration": "support-bot", "gateway": "edge-1", "state": "in_sync", "held": HELD}]
    [row, _] = compare([POLICY], known, seen, scope=Scope())

    assert (row.state, "holds that" in row.why) == ("in_sync", True)


@pytest.mark.parametrize(
    ("state", "of_configuration", "told"),
    [
        ("orphaned", "orphaned", True),
        ("offline", "orphaned", True),
        ("offline", "in_sync", False),
        ("in_sync", None, False),
    ],
)
def test_a_gateway_of_what_no_repository_feeds_is_drift(
    state: str, of_configuration: str | None, told: bool
) -> None:
    """One of what another repository feeds is not this checkout's to tell."""
    seen = {"configuration": "gone", "gateway": "edge-1", "state": state}
    if of_configuration:
        seen["configuration_state"] = of_configuration

    rows = compare([], [{"id": "gone", "content_hash": HERE}], [seen], scope=Scope())

    expected = [("", "orphaned"), ("edge-1", state)] if told else [("", "no_file")]
    assert [(row.gateway, row.state) for row in rows] == expected
    assert drifts(rows, []) == told


def test_what_lost_its_file_is_orphaned_without_a_gateway_too() -> None:
    """With what helps; what was made by the API, and never came from git, is not."""
    known = [{"id": "gone", "git_repo": "link-1"}, {"id": "left"}, {"id": "made"}]
    seen = [{"configuration": name, "gateway": None, "state": state, "configuration_state": state,
             "why": why}
            for name, state, why in (("gone", "orphaned", "p/x is gone"),
                                     ("left", "orphaned", "its link was deleted"),
                                     ("made", "in_sync", ""))]  # fmt: skip

    rows = compare([], known, seen, scope=Scope(links=[LINK]))

    assert [(row.state, row.why) for row in rows] == [
        (
            "orphaned",
            "p/x is gone; bring its file back, archive the configuration, or set `prune`",
        ),
        (
            "orphaned",
            "its link was deleted; link its repository again, or archive the configuration",
        ),
        ("no_file", "this checkout has no file for it"),
    ]
    assert drifts(rows, [])
    assert not drifts(rows[2:], [])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({}, True),
        ({"path": "policies/support-bot"}, True),
        ({"path": "other/"}, False),
        ({"id_prefix": "rel-"}, False),
        ({"branch": "", "tag": "v1"}, False),
        ({"url": "https://forge.example/q.git"}, False),
    ],
)
@pytest.mark.parametrize("state", ["held", "orphaned"])
def test_what_this_checkout_cannot_feed_is_not_its_to_tell(
    other: dict[str, str], told: bool, state: str
) -> None:
    """Another link's, by its prefix, path, ref or repository."""
    known = [
        {"id": "support-bot", "content_hash": HERE, "git_repo": "link-1"},
        {"id": "rel-bot", "content_hash": HERE, "git_repo": "link-2"},
    ]
    seen = {"configuration": "rel-bot", "gateway": "edge-1", "state": "in_sync"}
    seen |= {"configuration_state": "orphaned"} if state == "orphaned" else {"held": HELD}
    links = [LINK, {**LINK, "id": "link-2", **other}]

    rows = compare([POLICY], known, [seen], scope=Scope("", "policies", links))

    assert [row.state for row in rows if not row.gateway] == [
        "in_sync",
        state if told else "no_file",
    ]
    assert drifts(rows, []) == told


def test_a_state_can_be_ignored() -> None:
    """That one and no other."""
    known = [{"id": "support-bot", "content_hash": THERE, "overridden": True}]
    rows = compare([POLICY], known, [], scope=Scope())
    assert (drifts(rows, []), drifts(rows, ["overridden"]), drifts(rows, ["stale"])) == (
        True, False, True,
    )  # fmt: skip
