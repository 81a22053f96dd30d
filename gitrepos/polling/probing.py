"""Whom to ask next at a host that is in trouble, and what its answers say of the others. Pure.

A host rests while nobody of it answers. A credential pauses at a host that asked it for fewer
calls. Then one remote after the other is asked as a probe, until one is answered.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from gitrepos.errors import (
    BusyError,
    RateLimitedError,
    RemoteError,
    TimedOutError,
    UnreachableError,
)

PROBE_SECONDS = 2
"""From one probe to the next."""
LONGEST_WAIT_SECONDS = 3600
"""Of back-offs and pauses; a longer interval stays."""
_PAUSE_SECONDS = 60
_STRIKES = 3
# Longer than a check may take: who is answered later was asked later.
_IN_FLIGHT = timedelta(seconds=15)

Scope = tuple[str, str | None]
"""A credential at a host; with None the host itself."""


@dataclass(frozen=True, slots=True)
class Due:
    """A remote that is due. `setbacks` counts how often it was asked in vain since it was well."""

    remote_id: UUID
    host: str
    credential: str
    asked: bool
    setbacks: int
    due_at: datetime

    def scopes(self) -> tuple[Scope, ...]:
        """Whose trouble keeps it waiting; its host's does not while somebody asks for it."""
        own = (self.host, self.credential)
        return (own,) if self.asked else (own, (self.host, None))


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of asking a remote that had stood as these facts say.

    `well`: it was answered the last time. `told_at`: when the host asked it for fewer calls; None
    if it was answered since.
    """

    remote_id: UUID
    host: str
    credential: str
    error: RemoteError | None
    asked: bool = False
    well: bool = False
    told_at: datetime | None = None

    @property
    def unasked(self) -> bool:
        return isinstance(self.error, BusyError)

    @property
    def unreached(self) -> bool:
        return isinstance(self.error, UnreachableError | TimedOutError) and not self.unasked

    @property
    def limited(self) -> bool:
        return isinstance(self.error, RateLimitedError)

    @property
    def answered(self) -> bool:
        return not (self.unasked or self.unreached or self.limited)


@dataclass(frozen=True, slots=True)
class Rest:
    """A host in trouble: which remotes, well until then, it failed since it last answered.

    It rests `until`, which moves on with each probe; it does not rest yet where that is None.
    """

    unreached: tuple[str, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PauseState:
    """No call `until`; `probed` when that is over, and a remote is asked whether it is."""

    until: datetime
    probed: bool = False


@dataclass(slots=True)
class Learnt:
    """How hosts and credentials stand; those that are well are not among them.

    `put_off` are the remotes whose failure is not their own, until when they were told to wait,
    or None for their own back-off. `rested` are the hosts that answer again.
    """

    rests: dict[str, Rest]
    pauses: dict[Scope, PauseState]
    put_off: dict[UUID, datetime | None] = field(default_factory=dict)
    rested: list[str] = field(default_factory=list)


def choose(due: Iterable[Due], troubles: Mapping[Scope, datetime], now: datetime) -> list[Due]:
    """Whom to ask now, those first that somebody asked for.

    `troubles` are the hosts that rest and the credentials that pause, each until when; after that
    one remote of it is asked, the one with the fewest setbacks.
    """
    chosen: list[Due] = []
    probed: set[Scope] = set()
    for one in sorted(due, key=lambda one: (one.setbacks, not one.asked, one.due_at)):
        scopes = in_trouble(one, troubles)
        if all(troubles[scope] <= now for scope in scopes) and probed.isdisjoint(scopes):
            probed.update(scopes)
            chosen.append(one)
    return sorted(chosen, key=lambda one: (not one.asked, one.due_at))


def in_trouble(one: Due, troubles: Mapping[Scope, datetime]) -> list[Scope]:
    """Of what may keep a remote waiting, what is in trouble; asked, it is a probe of each."""
    return [scope for scope in one.scopes() if scope in troubles]


def learn(
    seen: Sequence[Seen],
    rests: Mapping[str, Rest],
    pauses: Mapping[Scope, PauseState],
    *,
    answered: Callable[[Scope, datetime], bool],
    asked_at: datetime,
    now: datetime,
) -> Learnt:
    """What the answers to questions of `asked_at` or later say of hosts and credentials.

    `answered` says whether a remote of one, that is well, was answered at a moment or later.
    """
    learnt = Learnt(dict(rests), dict(pauses))
    by_credential, by_host = defaultdict(list), defaultdict(list)
    for one in seen:
        by_credential[one.host, one.credential].append(one)
        by_host[one.host].append(one)
    for scope, group in by_credential.items():
        _learn_of_credential(learnt, scope, group, answered, now)
    for host, group in by_host.items():
        if any(one.answered or one.limited for one in group):
            before = learnt.rests.pop(host, Rest())
            learnt.rested += [host] if before.until else []
        elif _counts(host in rests, group) and not answered((host, None), asked_at):
            _learn_of_host(learnt, host, group, now)
    return learnt


def _learn_of_credential(
    learnt: Learnt,
    scope: Scope,
    group: Sequence[Seen],
    answered: Callable[[Scope, datetime], bool],
    now: datetime,
) -> None:
    """Who is refused again while others are answered is limited by itself, and holds up none."""
    others = any(one.answered for one in group)
    if others and learnt.pauses.get(scope, PauseState(now)).probed:
        del learnt.pauses[scope]
    for one in group:
        if not isinstance(one.error, RateLimitedError):
            continue
        if one.told_at is None:
            learnt.put_off[one.remote_id] = until(one.error, now)
        elif others or answered(scope, one.told_at + _IN_FLIGHT):
            continue
        before = learnt.pauses.get(scope, PauseState(now))
        learnt.pauses[scope] = PauseState(max(before.until, until(one.error, now)))


def _counts(is_known: bool, group: Sequence[Seen]) -> bool:
    """Whether failures say something of their host: who failed before may fail by itself."""
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
    """The end of a pause: what the host says, an hour at most; a minute where it says nothing."""
    said = error.retry_after_seconds
    seconds = _PAUSE_SECONDS if said is None else min(max(said, 1), LONGEST_WAIT_SECONDS)
    return now + timedelta(seconds=seconds)


def wait(interval_seconds: int, setbacks: int) -> timedelta:
    """The back-off after so many setbacks, one at least: doubled by each, up to an hour."""
    longest = max(LONGEST_WAIT_SECONDS, interval_seconds)
    return timedelta(seconds=min(interval_seconds * 2 ** min(setbacks - 1, 20), longest))
