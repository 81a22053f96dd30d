"""The state of a gateway: every cause, and which of two causes counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateways.drift import judge as rules
from gateways.drift.judge import STATES, Clock, ConfigurationFacts, GatewayFacts, judge

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NEW, OLD = "b" * 64, "a" * 64


def ago(seconds: float) -> datetime:
    """A moment before now."""
    return NOW - timedelta(seconds=seconds)


CLOCK = Clock(NOW, interval_seconds=3, offline_seconds=300)
DESIRED = ConfigurationFacts(NEW, version=2, published_at=ago(1000), git_hash=NEW)
WELL = GatewayFacts(
    registered_at=ago(5000), bound_at=ago(4000), ambiguous=False, last_seen_at=ago(1),
    running_hash=NEW, running_since=ago(900), handed_hash=NEW,
)  # fmt: skip
QUARANTINED = {"quarantined_since": ago(70)}
OVERRIDDEN = {"overridden_since": ago(80), "overridden_why": "by hand"}
ORPHANED = {"orphaned_since": ago(90), "orphaned_why": "its file is gone"}
JUST_NOW = {"published_at": ago(20)}

CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, datetime]] = [
    ("it runs what it should", {}, {}, "in_sync", ago(900)),
    ("it never reported", {"last_seen_at": None}, {}, "offline", ago(5000)),
    ("it stopped", {"stopping": True}, {}, "offline", ago(1)),
    ("it is silent for long", {"last_seen_at": ago(300)}, {}, "offline", ago(300)),
    ("it is silent", {"last_seen_at": ago(10)}, {}, "stale", ago(10)),
    ("it is late once", {"last_seen_at": ago(8)}, {}, "in_sync", ago(900)),
    ("it could not reach the control plane",
     {"problem_code": "control_plane_unreachable", "problem_since": ago(5)}, {}, "stale", ago(5)),
    *((f"it says {code}, whatever it runs", {"problem_code": code, "problem_since": ago(5)}, {},
       "stale", ago(5))
      for code in ("key_not_pinned", "key_retired", "statement_ahead", "policy_expired")),
    ("it cannot take the newest",
     {"running_hash": OLD, "problem_code": "policy_invalid", "problem_since": ago(5)}, JUST_NOW,
     "stale", ago(5)),
    ("its client keys are refused, and say nothing of the policy",
     {"running_hash": OLD, "problem_code": "keys_forged"}, JUST_NOW, "rolling_out", ago(20)),
    ("it refused something and runs the newest", {"problem_code": "statement_forged"}, {},
     "in_sync", ago(900)),
    ("somebody edited what it keeps", {"problem_code": "state_edited", "problem_since": ago(5)},
     {}, "drifted", ago(5)),
    ("it runs what nobody published", {"running_hash": "c" * 64, "known": False}, JUST_NOW,
     "drifted", ago(900)),
    ("it runs something older for too long", {"running_hash": OLD}, {"published_at": ago(61)},
     "drifted", ago(1)),
    ("it runs nothing for too long", {"running_hash": "", "known": False}, {}, "drifted", ago(940)),
    ("it runs something older for now", {"running_hash": OLD}, JUST_NOW, "rolling_out", ago(20)),
    ("it was bound just now", {"running_hash": OLD, "bound_at": ago(5)}, {}, "rolling_out",
     ago(5)),
    ("its file is quarantined", {}, QUARANTINED, "quarantined", ago(70)),
    ("it is overridden", {}, OVERRIDDEN, "overridden", ago(80)),
    ("quarantined before overridden", {}, {**QUARANTINED, **OVERRIDDEN}, "quarantined", ago(70)),
    ("no file feeds it", {}, ORPHANED, "orphaned", ago(90)),
    ("orphaned before quarantined", {}, {**ORPHANED, **QUARANTINED}, "orphaned", ago(90)),
    ("orphaned before overridden", {}, {**ORPHANED, **OVERRIDDEN}, "orphaned", ago(90)),
    ("rolling out before orphaned", {"running_hash": OLD}, {**JUST_NOW, **ORPHANED},
     "rolling_out", ago(20)),
    ("drifted before orphaned", {"running_hash": OLD}, ORPHANED, "drifted", ago(940)),
    ("offline before orphaned", {"stopping": True}, ORPHANED, "offline", ago(1)),
    ("rolling out before quarantined", {"running_hash": OLD}, {**JUST_NOW, **QUARANTINED},
     "rolling_out", ago(20)),
    ("drifted before quarantined", {"running_hash": OLD}, QUARANTINED, "drifted", ago(940)),
    ("silent before drifted", {"running_hash": OLD, "last_seen_at": ago(10)}, {}, "stale",
     ago(10)),
    ("offline before all", {"running_hash": OLD, "last_seen_at": ago(400)}, QUARANTINED, "offline",
     ago(400)),
    ("it was told what the database lost", {"is_ahead": True}, {}, "drifted", ago(900)),
    ("and refuses the rest", {"is_ahead": True, "problem_code": "statement_older"}, {}, "drifted",
     ago(900)),
    ("key_retired before what was lost",
     {"is_ahead": True, "problem_code": "key_retired", "problem_since": ago(5)}, {}, "stale",
     ago(5)),
    ("silent before what was lost", {"is_ahead": True, "last_seen_at": ago(10)}, {}, "stale",
     ago(10)),
    ("the database lost it, whenever it was seen", {"is_lost": True, "last_seen_at": ago(4000)},
     {}, "drifted", ago(5000)),
    ("selectors disagree", {"ambiguous": True}, {}, "in_sync", ago(900)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (QUARANTINED, "the file in git is refused; the last good version is in force"),
        (OVERRIDDEN, "by hand"),
        ({**QUARANTINED, **OVERRIDDEN}, "the file in git is refused; by hand"),
        ({**QUARANTINED, "overridden_why": "by hand"},
         "the file in git is refused; the last good version is in force"),
    ],
)  # fmt: skip
def test_it_says_what_is_in_force(source: dict[str, Any], why: str) -> None:
    """After a rollback that is not the last good version."""
    assert judge(WELL, DESIRED._replace(**source), CLOCK).why == why


@pytest.mark.parametrize(
    ("seen", "source", "state", "since"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_cause_has_its_state(
    seen: dict[str, Any], source: dict[str, Any], state: str, since: datetime
) -> None:
    """With the moment from which it holds."""
    verdict = judge(WELL._replace(**seen), DESIRED._replace(**source), CLOCK)

    assert (verdict.state, verdict.since) == (state, since)


def test_every_state_is_reached() -> None:
    """The table above leaves none out."""
    assert {case[3] for case in CASES} == set(STATES)


def test_every_state_but_one_says_why() -> None:
    """In words, for people."""
    for _, seen, source, state, _ in CASES:
        verdict = judge(WELL._replace(**seen), DESIRED._replace(**source), CLOCK)
        assert bool(verdict.why) == (state != "in_sync" or "ambiguous" in seen)


@pytest.mark.parametrize(
    ("running", "state"), [("", "in_sync"), (OLD, "drifted")], ids=["nothing", "something"]
)
def test_nothing_is_bound(running: str, state: str) -> None:
    """A gateway without a binding is well while it runs nothing."""
    assert judge(WELL._replace(running_hash=running), None, CLOCK).state == state


def test_of_the_well_no_check_has_anything_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that to pass them by is the same as to ask them all, for every cause and any two."""
    silences = [{"last_seen_at": ago(seconds)} for seconds in (9, 9.001, 299, 300, -1)]
    others = [{}, {"is_lost": True}, {"is_ahead": True}, {"known": False}]
    causes = [*others, *silences, *(about for _, about, _, _, _ in CASES)]
    clocks = [CLOCK, Clock(NOW, interval_seconds=100, offline_seconds=5)]
    facts = [WELL._replace(**{**one, **other}) for one in causes for other in causes]
    brief = [judge(seen, DESIRED, clock) for clock in clocks for seen in facts]
    monkeypatch.setattr(rules, "is_well", lambda *_: False)

    assert brief == [judge(seen, DESIRED, clock) for clock in clocks for seen in facts]
    assert {verdict.state for verdict in brief} >= {"in_sync", "stale", "offline", "drifted"}
