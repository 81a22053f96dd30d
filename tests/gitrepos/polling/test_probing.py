"""Fifty links of one host, some of which never answer: the others do not wait for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitrepos.errors import (
    AuthFailedError,
    ProxyFailedError,
    RateLimitedError,
    RemoteError,
    TimedOutError,
    UnreachableError,
)
from gitrepos.polling import probing
from gitrepos.polling.probing import Due, PauseState, Rest, Scope, Seen, choose, learn

HOST = "forge.example"
START = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HANG_SECONDS = 10


@dataclass(eq=False)
class Link:
    """A remote as its row has it, what its repository answers, and when it was asked for it."""

    number: int
    interval: int
    fails: Callable[[datetime], RemoteError | None] = lambda _now: None
    credential: str = ""
    due_at: datetime = START
    asked: bool = True
    failures: int = 0
    put_off: int = 0
    polled_at: datetime | None = None
    limited_until: datetime | None = None
    refused_at: datetime | None = None
    asking_until: datetime | None = None
    calls: list[datetime] = field(default_factory=list)
    answers: list[datetime] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        return UUID(int=self.number)

    @property
    def setbacks(self) -> int:
        return self.failures + self.put_off

    def due(self) -> Due:
        return Due(self.id, HOST, self.credential, self.asked, self.setbacks, self.due_at)

    def seen(self, error: RemoteError | None) -> Seen:
        well = self.polled_at is not None and not self.setbacks
        told_at = self.polled_at if self.limited_until else None
        return Seen(
            self.id, HOST, self.credential, error, self.asked, well, told_at, self.refused_at
        )  # fmt: skip


@dataclass
class World:
    """The rows and the clock. Each second is a tick; a repository that hangs answers ten later."""

    links: Sequence[Link]
    now: datetime = START
    rests: dict[str, Rest] = field(default_factory=dict)
    pauses: dict[Scope, PauseState] = field(default_factory=dict)

    def tick(self) -> None:
        answers = [link for link in self.links if link.asking_until == self.now]
        if answers:
            self._note(answers)
        for link in self._chosen():
            link.calls.append(self.now)
            hangs = isinstance(link.fails(self.now), TimedOutError)
            link.asking_until = self.now + SECOND * (HANG_SECONDS if hangs else 1)
        self.now += SECOND

    def _hurry(self) -> None:
        """Make a remote of a host due that was not probed for long."""
        ends = {host: rest.until for host, rest in self.rests.items() if rest.until}
        rests: dict[Scope, datetime] = {(host, None): end for host, end in ends.items()}
        if not probing.unprobed(rests, self.now) or any(
            link.due_at <= self.now for link in self.links
        ):
            return
        able = [link for link in self.links if not (link.failures or link.limited_until)]
        if able:
            first = min(able, key=lambda link: (link.setbacks, link.polled_at or START))
            first.due_at = self.now

    def _chosen(self) -> list[Link]:
        self._hurry()
        due = [
            link
            for link in self.links
            if not link.asking_until
            and link.due_at <= self.now
            and not (link.limited_until and link.limited_until > self.now)
        ]
        rests = {(host, None): rest.until for host, rest in self.rests.items() if rest.until}
        troubles = rests | {scope: pause.until for scope, pause in self.pauses.items()}
        chosen = choose([link.due() for link in due], troubles, self.now)
        until = self.now + timedelta(seconds=probing.PROBE_SECONDS)
        for one in chosen:
            for scope in probing.in_trouble(one, troubles):
                if scope in self.pauses:
                    self.pauses[scope] = PauseState(until, probed=True)
                else:
                    self.rests[HOST] = Rest(self.rests[HOST].unreached, until)
        by_id = {link.id: link for link in due}
        return [by_id[one.remote_id] for one in chosen]

    def _note(self, answers: Sequence[Link]) -> None:
        seen = [link.seen(link.fails(self.now)) for link in answers]
        asked_at = min(link.calls[-1] for link in answers)
        learnt = learn(
            seen, self.rests, self.pauses,
            answered=self._answered, limited=self._limited, asked_at=asked_at, now=self.now,
        )  # fmt: skip
        self.rests, self.pauses = learnt.rests, learnt.pauses
        for link, one in zip(answers, seen, strict=True):
            self._settle(link, one.error, learnt)
        for link in self.links if learnt.heard else ():
            first = link.failures and str(link.id) in learnt.heard[HOST]
            if (first or (link.put_off and not link.failures)) and not link.limited_until:
                link.due_at = min(link.due_at, self.now)

    def _settle(self, link: Link, error: RemoteError | None, learnt: probing.Learnt) -> None:
        link.asking_until, link.polled_at = None, self.now
        if link.id in learnt.put_off:
            link.put_off += 1
            link.limited_until = learnt.put_off[link.id]
            link.refused_at = self.now if link.limited_until else link.refused_at
            later = self.now + probing.wait(link.interval, link.setbacks)
            link.due_at = link.limited_until or later
            return
        link.asked = False
        if error is None:
            link.failures = link.put_off = 0
            link.limited_until = None
            link.answers.append(self.now)
            link.due_at = self.now + timedelta(seconds=link.interval)
            return
        link.failures += 1
        if isinstance(error, RateLimitedError):
            link.limited_until = probing.until(error, self.now)
        silent = HOST in self.rests and str(link.id) in self.rests[HOST].unreached
        later = self.now + probing.wait(link.interval, link.setbacks, silent=silent)
        link.due_at = max(later, link.limited_until or later)

    def _answered(self, scope: Scope, since: datetime) -> bool:
        return any(
            link.polled_at and link.polled_at >= since and not link.setbacks
            for link in self.links
            if scope[1] in (None, link.credential)
        )

    def _limited(self, scope: Scope, remote_id: UUID) -> bool:
        return any(
            link.limited_until and link.limited_until > self.now
            for link in self.links
            if link.id != remote_id and link.credential == scope[1]
        )

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.tick()


ANSWERS: dict[str, Callable[[], RemoteError]] = {
    "503": lambda: UnreachableError("503"),
    "hang": lambda: TimedOutError("late"),
    "401": lambda: AuthFailedError("401"),
    "429": lambda: RateLimitedError("429", retry_after_seconds=5),
    "429 for a minute": lambda: RateLimitedError("429"),
}
PAUSES = {"429": 5, "429 for a minute": 60}
TICKS = 4  # From due to asked, from asked to answered, and the same for the probe before it.


def dead(kind: str, since: int, until: int = 10_000) -> Callable[[datetime], RemoteError | None]:
    """What a repository answers that is well before `since` and after `until`, in seconds."""
    begins, ends = START + since * SECOND, START + until * SECOND
    return lambda now: ANSWERS[kind]() if begins <= now < ends else None


def lateness(link: Link, ends: datetime) -> list[float]:
    """By how many seconds a link was answered later than its interval says; the worst first."""
    gaps = [after - before for before, after in pairwise([START, *link.answers, ends])]
    return sorted((gap.total_seconds() - link.interval for gap in gaps), reverse=True)


def late(link: Link, ends: datetime) -> float:
    """At the worst."""
    return lateness(link, ends)[0]


def allowed(link: Link, since: int, seconds: int) -> int:
    """How often a link may be asked in vain: by its back-off, and twice for others' sake.

    Once to find out that its trouble is its own, once because its host answers again.
    """
    waits = 0
    while link.interval * (2**waits - 1) < seconds - since:
        waits += 1
    return waits + 2


@pytest.mark.parametrize("since", [0, 61])
@pytest.mark.parametrize("count", [1, 3, 25])
@pytest.mark.parametrize("kind", ANSWERS)
def test_no_link_waits_for_those_that_never_heal(kind: str, count: int, since: int) -> None:
    """Dead from the start, or all at the same moment; and they are not asked for nothing."""
    sick = [Link(n, 10, dead(kind, since)) for n in range(count)]
    well = [Link(n, (10, 100)[n % 2] + n % 20) for n in range(count, 50)]
    world = World([*sick, *well])

    world.run(300)

    slack = TICKS + PAUSES.get(kind, 0) + probing.PROBE_SECONDS * count
    assert max(late(link, world.now) for link in well) <= slack
    vain = [sum(at >= START + since * SECOND for at in link.calls) for link in sick]
    assert max(vain) <= allowed(sick[0], since, 300)


def test_a_repository_that_is_limited_by_itself_holds_up_the_others_once() -> None:
    """As long as the forge asks for; then they are answered, and it is not."""
    limited, well = Link(0, 10, dead("429 for a minute", 30)), Link(1, 10)
    world = World([limited, well])

    world.run(1200)

    first, second = lateness(well, world.now)[:2]
    assert 50 <= first <= 60 + TICKS
    assert second <= TICKS
    assert limited.failures >= 3


def alternating(
    every: int, refusals: int, seconds: int
) -> Callable[[datetime], RemoteError | None]:
    """What a repository answers that is refused for a while and well for a while, in turns."""

    def answer(now: datetime) -> RemoteError | None:
        at = (now - START).total_seconds()
        refused = at >= 30 and at % every < refusals
        return RateLimitedError("429", retry_after_seconds=seconds) if refused else None

    return answer


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("seconds", [5, 60, 610])
@pytest.mark.parametrize(("every", "refusals"), [(40, 10), (230, 100)])
def test_a_repository_that_is_refused_in_turns_holds_up_the_others_once(
    every: int, refusals: int, seconds: int, count: int
) -> None:
    """However often it is answered between; a few times if it asks for less than a check takes."""
    flapping = Link(0, 10, alternating(every, refusals, seconds))
    well = [Link(n, 10 + n) for n in range(1, count + 1)]
    world = World([flapping, *well])

    world.run(2400)

    for link in well:
        waits = lateness(link, world.now)
        assert waits[0] <= seconds + TICKS + probing.PROBE_SECONDS * count
        assert waits[1 if seconds > 15 else 3] <= TICKS
    assert len([at for at in flapping.answers if at > START + 40 * SECOND]) > 1


@pytest.mark.parametrize("count", [2, 10])
def test_a_credential_that_is_used_up_each_hour_pauses_each_time(count: int) -> None:
    """All of its repositories are refused then; few calls more tell so."""

    def used_up(now: datetime) -> RemoteError | None:
        left = 3600 - (now - START).total_seconds() % 3600
        return RateLimitedError("429", retry_after_seconds=int(left)) if left < 600 else None

    links = [Link(n, 60 + n % 7, used_up) for n in range(count)]
    world = World(links)

    world.run(3 * 3600)

    vain = [sum(used_up(at) is not None for at in link.calls) for link in links]
    assert sum(vain) <= 3 * count
    assert all(len(link.answers) > 3 * 3000 / 70 - 10 for link in links)


def test_a_credential_pauses_alone() -> None:
    """Who has another one, or none, goes on."""
    limited = Link(0, 10, dead("429 for a minute", 30), credential="a")
    others = [Link(n, 10, credential=name) for n, name in enumerate(["a", "b", ""], 1)]
    world = World([limited, *others])

    world.run(300)

    waits = [late(link, world.now) for link in others]
    assert 50 <= waits[0] <= 60 + TICKS
    assert max(waits[1:]) <= TICKS


def test_a_host_that_is_down_is_asked_by_one_after_the_other_and_all_follow() -> None:
    """Each by its back-off; none fails by itself, and when it answers all are asked at once."""
    links = [Link(n, 10, dead("503", 61, 600)) for n in range(50)]
    world = World(links)

    world.run(599)

    assert len([link for link in links if link.failures]) < 3
    assert max(sum(at > START + 70 * SECOND for at in link.calls) for link in links) <= 7
    world.run(12)
    assert len([link for link in links if link.setbacks]) == 0


@pytest.mark.parametrize("count", [3, 8])
def test_a_host_that_was_down_for_long_is_found_well_soon(count: int) -> None:
    """Although the back-offs of its remotes grow in step; and it is called once a minute."""
    links = [Link(n, 60, dead("503", 100, 9000)) for n in range(count)]
    world = World(links)

    world.run(9000)

    calls = sorted(at for link in links for at in link.calls if at > START + 1000 * SECOND)
    assert len(calls) <= 8000 / probing.LONGEST_REST_SECONDS + 5 * count
    world.run(probing.LONGEST_REST_SECONDS + TICKS)
    assert all(link.answers[-1] >= START + 9000 * SECOND for link in links)


@pytest.mark.parametrize("interval", [5, 300])
@pytest.mark.parametrize("kind", ["503", "hang"])
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_a_host_of_any_size_is_found_well_as_soon(count: int, kind: str, interval: int) -> None:
    """Those that found it silent first, one after the other or together, wait no longer."""
    links = [Link(n, interval + 7 * n, dead(kind, 900, 9000)) for n in range(count)]
    world = World(links)

    world.run(9000)

    calls = [at for link in links for at in link.calls if at > START + 2000 * SECOND]
    assert len(calls) <= 7000 / probing.LONGEST_REST_SECONDS * 3 + 5 * count
    longest = max(probing.LONGEST_REST_SECONDS, interval + 7 * count)
    world.run(longest + TICKS + HANG_SECONDS + probing.PROBE_SECONDS * count)
    assert all(link.answers[-1] >= START + 9000 * SECOND for link in links)
    assert not any(link.setbacks for link in links)


@pytest.mark.parametrize(
    ("facts", "resting", "pausing", "expected"),
    [
        ("w1 w2", None, None, "w1 w2"),
        ("w1 w2", 5, None, ""),
        ("w1 w2", 0, None, "w1"),
        ("w2 w1", 0, None, "w1"),
        ("f1 w2", 0, None, "w2"),
        ("w1 a2 w3 a4", 5, None, "a2 a4"),
        ("w1 a2 w3", 0, None, "a2 w1"),
        ("w1 a2 w3", None, 5, ""),
        ("w1 a2 w3", None, 0, "a2"),
        ("w1 A2 w3", None, 0, "w1"),
        ("w1 f2 A3", 0, 5, ""),
        ("w1 a2", 5, 0, "a2"),
    ],
)
def test_who_is_asked_next(
    facts: str, resting: int | None, pausing: int | None, expected: str
) -> None:
    """`w` is well, `f` failed, `a` and `A` are the same and asked for; numbers are their age."""
    due = {
        fact: Due(
            UUID(int=number), HOST, "", fact[0] in "aA", int(fact[0] in "fA"),
            START + int(fact[1]) * SECOND,
        )
        for number, fact in enumerate(facts.split())
    }  # fmt: skip
    now = START + 10 * SECOND
    ends = {(HOST, None): resting, (HOST, ""): pausing}
    troubles = {scope: now + end * SECOND for scope, end in ends.items() if end is not None}

    chosen = choose(due.values(), troubles, now)

    names = {one.remote_id: name for name, one in due.items()}
    assert " ".join(names[one.remote_id] for one in chosen) == expected


@pytest.mark.parametrize("well", [True, False])
def test_who_failed_before_says_nothing_of_its_host(well: bool) -> None:
    """However many they are."""
    error = UnreachableError("503")
    seen = [Seen(UUID(int=n), HOST, "", error, well=well) for n in range(25)]

    learnt = learn(
        seen, {}, {},
        answered=lambda *_: False, limited=lambda *_: False, asked_at=START, now=START,
    )  # fmt: skip

    assert (len(learnt.rests), len(learnt.put_off)) == ((1, 25) if well else (0, 0))


@dataclass(frozen=True)
class Fate:
    """What befalls a link: its trouble, when it begins, how long it lasts, who asks when."""

    interval: int
    kind: str | None
    since: int
    lasts: int
    credential: str
    asked_at: int

    def link(self, number: int) -> Link:
        fails = dead(self.kind, self.since, self.since + self.lasts) if self.kind else None
        link = Link(number, self.interval, credential=self.credential)
        link.fails = fails or link.fails
        return link


FATES = st.builds(
    Fate,
    interval=st.integers(5, 120),
    kind=st.none() | st.sampled_from(list(ANSWERS)),
    since=st.integers(0, 200),
    lasts=st.integers(1, 300),
    credential=st.sampled_from(["", "a"]),
    asked_at=st.integers(0, 250),
)


@settings(max_examples=30)
@given(st.lists(FATES, min_size=2, max_size=16))
def test_whatever_befalls_some_the_others_are_polled(fates: list[Fate]) -> None:
    """And whoever asks for one that is well hears of it at once, or after the pause it is told."""
    world = World([fate.link(number) for number, fate in enumerate(fates)])

    for second in range(300):
        for link, fate in zip(world.links, fates, strict=True):
            if fate.asked_at == second:
                link.asked, link.due_at = True, min(link.due_at, world.now)
        world.tick()

    for link, fate in zip(world.links, fates, strict=True):
        pauses = [PAUSES.get(f.kind or "", 0) for f in fates if f.credential == fate.credential]
        slack = TICKS + sum(pauses)  # Each of them may be refused when the pause before is over.
        if fate.kind is None:
            asked_at = START + fate.asked_at * SECOND
            # Where several pauses follow each other the world ends before the answer is due.
            due_at = min(asked_at + slack * SECOND, world.now)
            heard = [at for at in link.answers if at >= asked_at]
            assert min(heard, default=world.now) <= due_at
            assert late(link, world.now) <= slack + probing.PROBE_SECONDS * len(fates)
        else:
            assert len(link.calls) - len(link.answers) <= 1 + allowed(link, 0, 300)


def test_a_failure_of_the_proxy_says_nothing_of_the_host() -> None:
    """It makes none rest, ends no rest, and is put off by none."""
    error = ProxyFailedError("The proxy proxy.example:3128 cannot be reached.")
    seen = [Seen(UUID(int=number), HOST, "", error, well=True) for number in range(3)]
    resting = {HOST: Rest(("a", "b", "c"), START)}

    for rests in ({}, resting):
        learnt = learn(
            seen, rests, {},
            answered=lambda *_: False, limited=lambda *_: False, asked_at=START, now=START,
        )  # fmt: skip
        assert (learnt.rests, learnt.put_off, learnt.heard) == (rests, {}, {})
