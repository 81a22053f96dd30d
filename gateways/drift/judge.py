"""States of drift: names and rules, pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

ROLLOUT_SECONDS = 60
_EFFECTS = ("weaker", "stronger", "other")
_MISSED_REPORTS = 3
# Problems of trust and of contact, which count also while what runs is the newest.
_STUCK = (
    "control_plane_unreachable", "key_not_pinned", "key_retired", "statement_ahead",
    "policy_expired",
)  # fmt: skip

IN_SYNC, ROLLING_OUT, DRIFTED, STALE = "in_sync", "rolling_out", "drifted", "stale"
OFFLINE, OVERRIDDEN, QUARANTINED = "offline", "overridden", "quarantined"
ORPHANED = "orphaned"
STATES = (IN_SYNC, ROLLING_OUT, DRIFTED, STALE, OFFLINE, OVERRIDDEN, QUARANTINED, ORPHANED)


@dataclass(frozen=True, slots=True)
class Successor:
    """The id under which a policy goes on, with what that changes in enforcement.

    `changes` are as those of `/diff`; None where the two were not compared.
    """

    configuration: str
    path: str
    changes: Sequence[Mapping[str, str]] | None = None

    @property
    def words(self) -> str:
        """The changes in words, and what to do."""
        if self.changes is None:
            return "compare the two, then bind the gateway to that"
        if not self.changes:
            return "that enforces the same; bind the gateway to that"
        counts = Counter(change["effect"] for change in self.changes)
        told = ", ".join(f"{counts[effect]} {effect}" for effect in _EFFECTS if counts[effect])
        return f"that changes what is enforced ({told}); bind the gateway to that if it is meant"


# Tuples: of each there are as many as there are rows, and they are made in half of the time.
class ConfigurationFacts(NamedTuple):
    """A configuration compared with git.

    `orphaned_since`: it came from git, and no file feeds it. `quarantined_since`: the file at
    git's head is refused. `overridden_since`: content of the API is in force instead of the
    file. `held` is a commit that removes its file and waits for a person: link, commit, reason
    and message. `published_at` is the time of its current version.
    """

    content_hash: str
    version: int
    published_at: datetime
    git_hash: str = ""
    git_commit: str = ""
    orphaned_since: datetime | None = None
    orphaned_why: str = ""
    successor: Successor | None = None
    quarantined_since: datetime | None = None
    overridden_since: datetime | None = None
    overridden_why: str = ""
    held: Mapping[str, str] | None = None


class GatewayFacts(NamedTuple):
    """A gateway as it was last seen. One that never reported has no `last_seen_at`.

    `known`: the content that it runs is a version that was published. `is_ahead`: it was told
    something newer than the database knows. `is_lost`: the database does not know it at all.
    """

    registered_at: datetime
    bound_at: datetime | None
    ambiguous: bool
    last_seen_at: datetime | None = None
    stopping: bool = False
    running_hash: str = ""
    running_since: datetime | None = None
    known: bool = True
    gateway: str = ""
    is_ahead: bool = False
    is_lost: bool = False
    handed_hash: str = ""
    problem_code: str = ""
    problem_message: str = ""
    problem_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """The time, and how long a gateway may be silent."""

    now: datetime
    interval_seconds: int
    offline_seconds: int


class Verdict(NamedTuple):
    """A state of `STATES`, since when, and why in a sentence."""

    state: str
    since: datetime
    why: str


def judge(seen: GatewayFacts, desired: ConfigurationFacts | None, clock: Clock) -> Verdict:
    """The state of a gateway: the first that applies, those that hide most before others."""
    return judged(seen, desired, source_verdict(desired) if desired else None, clock)


def judged(
    seen: GatewayFacts, desired: ConfigurationFacts | None, source: Verdict | None, clock: Clock
) -> Verdict:
    """As `judge`, with the state of the configuration, which is the same for all its gateways."""
    # Most are well, and no check has anything to say of them.
    if desired is None or not is_well(seen, desired, clock):
        for check in _CHECKS:
            if verdict := check(seen, desired, clock):
                return verdict
    if source is not None and source.state != IN_SYNC:
        return source
    since = seen.running_since or seen.registered_at
    if seen.ambiguous:
        why = "ambiguous_binding: selectors disagree; the binding before them stays"
    else:
        why = "" if desired else "nothing binds it to a configuration"
    return Verdict(IN_SYNC, since, why)


def is_well(seen: GatewayFacts, desired: ConfigurationFacts, clock: Clock) -> bool:
    """Whether a gateway reported lately, has no problem and runs what it should, which is known."""
    if seen.running_hash != desired.content_hash or seen.problem_code or not seen.known:
        return False
    if seen.last_seen_at is None or seen.stopping or seen.is_lost or seen.is_ahead:
        return False
    silent = _silent(seen, clock)
    return silent < clock.offline_seconds and silent <= _MISSED_REPORTS * clock.interval_seconds


def source_verdict(source: ConfigurationFacts) -> Verdict:
    """The state of a configuration against git, without regard to gateways."""
    if source.orphaned_since is not None:
        after = f"; {source.successor.words}" if source.successor else ""
        return Verdict(ORPHANED, source.orphaned_since, source.orphaned_why + after)
    if source.quarantined_since is not None:
        in_force = "the last good version is in force"
        if source.overridden_since is not None:
            in_force = source.overridden_why
        why = f"the file in git is refused; {in_force}"
        return Verdict(QUARANTINED, source.quarantined_since, why)
    if source.overridden_since is not None:
        return Verdict(OVERRIDDEN, source.overridden_since, source.overridden_why)
    return Verdict(IN_SYNC, source.published_at, "")


def _offline(
    seen: GatewayFacts, _desired: ConfigurationFacts | None, clock: Clock
) -> Verdict | None:
    if seen.last_seen_at is None:
        return Verdict(OFFLINE, seen.registered_at, "it never reported")
    if seen.stopping:
        return Verdict(OFFLINE, seen.last_seen_at, "it reported that it stops")
    if _silent(seen, clock) >= clock.offline_seconds:
        return Verdict(OFFLINE, seen.last_seen_at, f"silent for {clock.offline_seconds} s or more")
    return None


def _lost(seen: GatewayFacts, _desired: ConfigurationFacts | None, _clock: Clock) -> Verdict | None:
    if not seen.is_lost:
        return None
    why = (
        "this database does not know it, which lost it; register it again by POST /v1/gateways,"
        " and start it with the new token"
    )
    return Verdict(DRIFTED, seen.registered_at, why)


def _stale(seen: GatewayFacts, desired: ConfigurationFacts | None, clock: Clock) -> Verdict | None:
    assert seen.last_seen_at is not None  # It would be offline.
    if _silent(seen, clock) > _MISSED_REPORTS * clock.interval_seconds:
        return Verdict(STALE, seen.last_seen_at, f"its last {_MISSED_REPORTS} reports are missing")
    # Nothing that is newer would be taken either, and somebody may be trying something older.
    return _problem(STALE, seen) if seen.problem_code in _STUCK else None


def _ahead(
    seen: GatewayFacts, _desired: ConfigurationFacts | None, _clock: Clock
) -> Verdict | None:
    if not seen.is_ahead:
        return None
    why = (
        "it was told something newer than this database knows, which lost it; it is told again"
        f" within a minute, or by POST /v1/gateways/{seen.gateway}/reissue"
    )
    return Verdict(DRIFTED, seen.running_since or seen.registered_at, why)


def _refusing(
    seen: GatewayFacts, desired: ConfigurationFacts | None, _clock: Clock
) -> Verdict | None:
    behind = desired is not None and seen.running_hash != desired.content_hash
    # Client keys have a way of their own, and say nothing of the policy.
    is_other = seen.problem_code in ("", "state_edited") or seen.problem_code.startswith("keys_")
    if behind and not is_other:
        return _problem(STALE, seen)
    return None


def _drifted(
    seen: GatewayFacts, desired: ConfigurationFacts | None, clock: Clock
) -> Verdict | None:
    since = seen.running_since or seen.registered_at
    if seen.problem_code == "state_edited":
        return _problem(DRIFTED, seen)
    if seen.running_hash and not seen.known:
        return Verdict(DRIFTED, since, "it runs content that was never published")
    if desired is None:
        why = "it runs a configuration, and nothing binds it to one any more"
        return Verdict(DRIFTED, since, why) if seen.running_hash else None
    late = _wanted_since(seen, desired) + timedelta(seconds=ROLLOUT_SECONDS)
    if seen.running_hash != desired.content_hash and clock.now > late:
        what = "an older version" if seen.running_hash else "nothing"
        return Verdict(
            DRIFTED, late, f"it runs {what}, {ROLLOUT_SECONDS} s after the newest version"
        )
    return None


def _rolling_out(
    seen: GatewayFacts, desired: ConfigurationFacts | None, _clock: Clock
) -> Verdict | None:
    if desired is None or seen.running_hash == desired.content_hash:
        return None
    handed = seen.handed_hash == desired.content_hash
    step = "report" if handed else "receive"
    why = f"it has yet to {step} the newest version"
    return Verdict(ROLLING_OUT, _wanted_since(seen, desired), why)


_CHECKS: tuple[Callable[[GatewayFacts, ConfigurationFacts | None, Clock], Verdict | None], ...] = (
    _lost, _offline, _stale, _ahead, _refusing, _drifted, _rolling_out,
)  # fmt: skip


def _silent(seen: GatewayFacts, clock: Clock) -> float:
    assert seen.last_seen_at is not None
    return (clock.now - seen.last_seen_at).total_seconds()


def _problem(state: str, seen: GatewayFacts) -> Verdict:
    since = seen.problem_since or seen.last_seen_at or seen.registered_at
    return Verdict(state, since, f"{seen.problem_code}: {seen.problem_message}")


def _wanted_since(seen: GatewayFacts, desired: ConfigurationFacts) -> datetime:
    return max(desired.published_at, seen.bound_at or desired.published_at)
