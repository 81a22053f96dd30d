"""Probes of hosts in trouble, and the conclusions from their answers. Pure.

A host rests while none of its remotes answers. A credential pauses at a host that asked for
fewer requests with it. Then one remote after the other is polled as a probe, until one answers.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from gitrepos.errors import (
    AppUnansweredError,
    BusyError,
    ProxyFailedError,
    RateLimitedError,
    RemoteError,
    TimedOutError,
    UnreachableError,
)

PROBE_SECONDS = 2
"""The time between two probes."""
LONGEST_REST_SECONDS = 60
"""The longest time without a probe of a resting host, whatever the back-off of its remotes."""
UNPROBED = timedelta(seconds=LONGEST_REST_SECONDS - PROBE_SECONDS)
"""The time after the end of a rest by which a probe is overdue."""
LONGEST_WAIT_SECONDS = 3600
"""The longest back-off or pause; a longer poll interval stays."""
MOST_DOUBLED = 20
"""The times that a back-off is doubled: more would only make large numbers."""
_PAUSE_SECONDS = 60
_STRIKES = 3
# Longer than a check may take: an answer after it belongs to a later poll.
_IN_FLIGHT = timedelta(seconds=15)
# A repository pauses its credential once in this time, if it was the only one to be refused.
_REMEMBERED = timedelta(days=1)

Scope = tuple[str, str | None]
"""A credential at a host; with None the host itself."""


@dataclass(frozen=True, slots=True)
class Due:
    """A remote that is due. `setbacks` counts its failed polls since it last answered."""

    remote_id: UUID
    host: str
    credential: str
    asked: bool
    setbacks: int
    due_at: datetime

    def scopes(self) -> tuple[Scope, ...]:
        """The credential and host whose trouble delays it; the host only if nobody asked for it."""
        own = (self.host, self.credential)
        return (own,) if self.asked else (own, (self.host, None))


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of a poll, with facts of the remote from before it.

    `well`: the last poll was answered. `told_at`: when the host asked for fewer requests; None if
    it answered since. `refused_at`: when it last paused its credential, whatever it answered since.
    """

    remote_id: UUID
    host: str
    credential: str
    error: RemoteError | None
    asked: bool = False
    well: bool = False
    told_at: datetime | None = None
    refused_at: datetime | None = None

    @property
    def unasked(self) -> bool:
        """True when no request was made."""
        return isinstance(self.error, BusyError)

    @property
    def unreached(self) -> bool:
        """True when the host could not be reached, or not in time."""
        return isinstance(self.error, UnreachableError | TimedOutError) and not self.unasked

    @property
    def limited(self) -> bool:
        """True when the host asked for fewer requests."""
        return isinstance(self.error, RateLimitedError)

    @property
    def cut_off(self) -> bool:
        """True when what stands before it failed: nothing was heard of the host."""
        return isinstance(self.error, ProxyFailedError | AppUnansweredError)

    @property
    def answered(self) -> bool:
        """True when the host answered, with an error perhaps, but no rate limit."""
        return not (self.unasked or self.unreached or self.limited or self.cut_off)


@dataclass(frozen=True, slots=True)
class Rest:
    """A host in trouble: the remotes that had worked and could not reach it since it last answered.

    It rests `until`, which moves on with each probe; None where it does not rest yet.
    """

    unreached: tuple[str, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PauseState:
    """A pause: no call `until`; `probed` once that is over and a remote is polled to test it."""

    until: datetime
    probed: bool = False


@dataclass(slots=True)
class Learnt:
    """The state of hosts and credentials after some polls; healthy ones are left out.

    `put_off` has the remotes whose failure is not their own, with the moment until which they
    wait, or None for their own back-off. `heard` are the hosts that answer again, each with the
    remotes that had not reached it.
    """

    rests: dict[str, Rest]
    pauses: dict[Scope, PauseState]
    put_off: dict[UUID, datetime | None] = field(default_factory=dict)
    heard: dict[str, tuple[str, ...]] = field(default_factory=dict)


def choose(due: Iterable[Due], troubles: Mapping[Scope, datetime], now: datetime) -> list[Due]:
    """The remotes to poll now; those that somebody asked for come first.

    `troubles` has the resting hosts and paused credentials, each with its end; after it one remote
    of each is polled, the one with the fewest setbacks.
    """
    chosen: list[Due] = []
    probed: set[Scope] = set()
    for one in sorted(due, key=lambda one: (one.setbacks, not one.asked, one.due_at)):
        scopes = in_trouble(one, troubles)
        if all(troubles[scope] <= now for scope in scopes) and probed.isdisjoint(scopes):
            probed.update(scopes)
            chosen.append(one)
    return sorted(chosen, key=lambda one: (not one.asked, one.due_at))


def unprobed(troubles: Mapping[Scope, datetime], now: datetime) -> list[str]:
    """The resting hosts that were not probed for long: one remote of each is to be made due."""
    over = now - UNPROBED
    return [host for (host, digest), until in troubles.items() if digest is None and until <= over]


def over(troubles: Mapping[Scope, datetime], now: datetime) -> set[str]:
    """The hosts with a rest or a pause that is over: one remote of each is to be polled."""
    return {host for (host, _), until in troubles.items() if until <= now}


def in_trouble(one: Due, troubles: Mapping[Scope, datetime]) -> list[Scope]:
    """The troubles that keep a remote waiting; a poll of it probes each of them."""
    return [scope for scope in one.scopes() if scope in troubles]


def learn(
    seen: Sequence[Seen],
    rests: Mapping[str, Rest],
    pauses: Mapping[Scope, PauseState],
    *,
    answered: Callable[[Scope, datetime], bool],
    limited: Callable[[Scope, UUID], bool],
    asked_at: datetime,
    now: datetime,
) -> Learnt:
    """The conclusions on hosts and credentials from polls that began at `asked_at` or later.

    `answered` tells whether a healthy remote of one was answered at a moment or later, `limited`
    whether the host asked for fewer requests of another remote than this one, for now.
    """
    learnt = Learnt(dict(rests), dict(pauses))
    by_credential, by_host = defaultdict(list), defaultdict(list)
    for one in seen:
        by_credential[one.host, one.credential].append(one)
        by_host[one.host].append(one)
    for scope, group in by_credential.items():
        _learn_of_credential(learnt, scope, group, answered, limited, now)
    for host, group in by_host.items():
        if any(one.answered or one.limited for one in group):
            if before := learnt.rests.pop(host, None):
                learnt.heard[host] = before.unreached
        elif _counts(host in rests, group) and not answered((host, None), asked_at):
            _learn_of_host(learnt, host, group, now)
    return learnt


def _learn_of_credential(
    learnt: Learnt,
    scope: Scope,
    group: Sequence[Seen],
    answered: Callable[[Scope, datetime], bool],
    limited: Callable[[Scope, UUID], bool],
    now: datetime,
) -> None:
    """Pause the credential, or end its pause.

    A remote that is refused again while others are answered is limited alone: no pause for all.
    So is one that was answered between, unless another is refused with it.
    """
    others = any(one.answered for one in group)
    alone = sum(one.limited for one in group) == 1
    if others and learnt.pauses.get(scope, PauseState(now)).probed:
        del learnt.pauses[scope]
    for one in group:
        if not isinstance(one.error, RateLimitedError):
            continue
        since = one.told_at
        if since is None and alone and not limited(scope, one.remote_id):
            since = _remembered(one, now)
        if since and (others or answered(scope, since + _IN_FLIGHT)):
            continue
        if one.told_at is None:
            learnt.put_off[one.remote_id] = until(one.error, now)
        before = learnt.pauses.get(scope, PauseState(now))
        learnt.pauses[scope] = PauseState(max(before.until, until(one.error, now)))


def _remembered(one: Seen, now: datetime) -> datetime | None:
    """When a remote last paused its credential, as long as that counts."""
    recent = one.refused_at is not None and now - one.refused_at < _REMEMBERED
    return one.refused_at if recent else None


def _counts(is_known: bool, group: Sequence[Seen]) -> bool:
    """True when the failures count against the host: a remote that failed before may fail alone."""
    return any(one.unreached and (one.well or is_known) for one in group)


def _learn_of_host(learnt: Learnt, host: str, group: Sequence[Seen], now: datetime) -> None:
    before = learnt.rests.get(host, Rest())
    failed = [one for one in group if one.unreached]
    strikes = (*before.unreached, *(str(one.remote_id) for one in failed if one.well))
    after = Rest(tuple(dict.fromkeys(strikes))[:_STRIKES], before.until)
    if before.until or len(after.unreached) == _STRIKES:
        after = Rest(after.unreached, now + timedelta(seconds=PROBE_SECONDS))
        learnt.put_off |= {one.remote_id: None for one in failed if not one.asked}
    learnt.rests[host] = after


def until(error: RateLimitedError, now: datetime) -> datetime:
    """The end of a pause: as the host says, an hour at most; a minute where it does not say."""
    asked = error.retry_after_seconds
    seconds = _PAUSE_SECONDS if asked is None else min(max(asked, 1), LONGEST_WAIT_SECONDS)
    return now + timedelta(seconds=seconds)


def wait(interval_seconds: int, setbacks: int, *, silent: bool = False) -> timedelta:
    """The back-off after one or more setbacks: doubled by each, up to an hour.

    Of a `silent` host, that answers nobody, the few remotes that found it so go on asking.
    """
    longest = max(LONGEST_REST_SECONDS if silent else LONGEST_WAIT_SECONDS, interval_seconds)
    doubled = interval_seconds * 2 ** min(setbacks - 1, MOST_DOUBLED)
    return timedelta(seconds=min(doubled, longest))
