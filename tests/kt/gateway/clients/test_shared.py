"""Counters in Redis: exact over processes, and each process alone while it is away."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from kt.gateway.clients import shared
from kt.gateway.clients.callers import Allowance, Caller
from kt.gateway.clients.charges import Charge, Origin, of_request
from kt.gateway.clients.limits import Limits
from kt.gateway.clients.shared import AwayError, SharedCounters
from kt.gateway.clients.windows import seconds_until
from kt.gateway.errors import LimitError, SettingError
from tests.kt.gateway.support import Starter, chat, pack, until
from tests.support.servers import Redis
from tests.support.stack import PATIENCE_SECONDS

URL = os.environ["REDIS_URL"]
DAY = 86_400
NOBODY = "redis://user:s3cret@127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that is away; a test of that sets its own bound."""
    monkeypatch.setattr(shared, "TIMEOUT_SECONDS", PATIENCE_SECONDS)


def charge(amount: int = 1, *, most: int = 10, payer: str = "", seconds: int = 30 * DAY) -> Charge:
    """A charge of a payer that no other test has, by default."""
    return Charge("limit", "policy", payer or uuid.uuid4().hex, most, seconds, amount)


@asynccontextmanager
async def counters(url: str = URL) -> AsyncIterator[SharedCounters]:
    made = SharedCounters(url)
    try:
        yield made
    finally:
        await made.close()


def run(use: Callable[[SharedCounters], Awaitable[Any]], url: str = URL) -> Any:
    """Use counters, and close them."""

    async def used() -> Any:
        async with counters(url) as made:
            return await use(made)

    return asyncio.run(used())


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (redis.TimeoutError(), "no answer in time"),
        (redis.AuthenticationError(), "it refuses the login"),
        (redis.exceptions.NoPermissionError(), "it refuses the login"),
        (redis.ConnectionError(), "no connection could be made"),
        (OSError(), "no connection could be made"),
        (redis.exceptions.OutOfMemoryError(), "no answer that can be used"),
        (UnicodeError(), "no answer that can be used"),
    ],
)
def test_a_redis_that_is_away_is_told_in_words(failure: Exception, words: str) -> None:
    """Without its address, and without the name of a class."""
    assert shared._why(failure) == words


def test_processes_that_count_together_admit_what_one_would() -> None:
    """However they meet."""
    one = charge(most=50)

    async def ask() -> int:
        async with counters() as first, counters() as second:
            asked = [(first, second)[at % 2].take([one]) for at in range(120)]
            return [await each for each in asyncio.as_completed(asked)].count(None)

    assert asyncio.run(ask()) == 50


def test_a_call_counts_against_all_of_its_limits_or_none() -> None:
    """The first that is over is told, with a wait."""
    wide, narrow = charge(most=3), charge(most=1)

    async def ask(made: SharedCounters) -> list[Any]:
        return [await made.take(one) for one in ([wide, narrow], [wide, narrow], [wide], [wide])]

    first, refused, *more = run(ask)
    assert (first, more) == (None, [None, None])
    assert refused[0] == narrow
    assert 0 < refused[1] <= 60 * DAY
    assert run(lambda made: made.take([wide]))[0] == wide


def test_tokens_are_given_back() -> None:
    """Never below nothing."""
    payer = uuid.uuid4().hex

    async def ask(made: SharedCounters) -> list[Any]:
        found = [await made.take([charge(8, payer=payer)])]
        await made.add([charge(-100, payer=payer)])
        found += [await made.take([charge(10, payer=payer)])]
        await made.add([charge(5, payer=payer)])
        return [*found, await made.take([charge(1, payer=payer)])]

    first, second, last = run(ask)
    assert (first, second) == (None, None)
    assert last is not None


HELD = [
    # How many slots ago was counted, what, and the slot before it; then what is asked for.
    (0, 5, 0, 5, 10),
    (0, 5, 0, 6, 10),
    (0, 5, 4, 3, 10),
    (1, 9, 7, 1, 10),
    (1, 1000, 0, 1, 10),
    (1, 0, 1000, 10, 10),
    (2, 1000, 1000, 10, 10),
    (0, 0, 0, 11, 10),
    (0, 10**12, 0, 1, 10**12),
    (0, 10**12 - 1, 0, 1, 10**12),
]


@pytest.mark.parametrize(("ago", "current", "previous", "amount", "most"), HELD)
def test_redis_counts_as_a_process_does(
    ago: int, current: int, previous: int, amount: int, most: int
) -> None:
    """By the clock of Redis: what a process finds in a window of its own, at any place of it."""
    server = redis.Redis.from_url(URL)
    now = server.time()[0]
    # A window whose slot does not end while this runs.
    seconds = next(one for one in (DAY, DAY - 7777) if now % one < one - 600)
    slot, passed = divmod(now, seconds)
    asked = charge(amount, most=most, seconds=seconds)
    server.hset(
        shared._key(asked),
        mapping={"slot": slot - ago, "current": current, "previous": previous},
    )
    server.expire(shared._key(asked), 60)
    counts = {0: (current, previous), 1: (0, current)}.get(ago, (0, 0))
    expected = seconds_until(*counts, passed, seconds=seconds, limit=most, amount=amount)

    found = run(lambda made: made.take([asked]))

    assert (found is None) is (expected == 0)
    if found:
        assert abs(found[1] - expected) <= 600
    else:
        assert seconds < server.ttl(shared._key(asked)) <= 2 * seconds


def test_names_and_addresses_do_not_stand_in_redis() -> None:
    """And no header makes a long key."""
    names = {
        shared._key(charge(payer=payer)) for payer in ("ann@example.org", "\ud800", "x" * 9000)
    }

    assert len(names) == 3
    assert all(len(name) == len("{keeptrusts-limits}:") + 64 for name in names)


def test_a_policys_counts_are_its_own_and_a_keys_are_everywhere() -> None:
    """Gateways that share a Redis share what has one id, and the keys of one name."""
    team = Caller("team", None, Allowance(1, 60))
    limits = {"global_rate_limit": {"max_requests": 1, "window_seconds": 60}}
    names = [
        {shared._key(one) for one in of_request(Origin(policy, limits, {}, "a", team))}
        for policy in ("p", "q")
    ]

    assert [len(each) for each in names] == [2, 2]
    assert len(names[0] & names[1]) == 1


def document(most: int = 1) -> dict[str, Any]:
    return {"global_rate_limit": {"max_requests": most, "window_seconds": 3600}}


async def admitted(limits: Limits, origin: Origin, calls: int) -> int:
    """The number of calls that are let through."""
    count = 0
    for _ in range(calls):
        try:
            await limits.admit(origin)
        except LimitError:
            continue
        count += 1
    return count


@pytest.mark.parametrize("url", ["redis://no..host", "redis://" + "h" * 80, "unix:///gone"])
def test_a_host_that_is_none_is_away(url: str) -> None:
    """It may be one later."""
    limits = Limits(url)

    assert asyncio.run(admitted(limits, Origin("p", document(2), {}, "a"), 3)) == 2
    assert limits.problem


def test_while_redis_is_away_each_process_counts_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is refused for it; neither log nor health has the address or the password."""
    one, other = Limits(NOBODY), Limits(NOBODY)
    origin = Origin("p", document(2), {}, "a")

    assert one.are_shared is True
    assert [asyncio.run(admitted(each, origin, 5)) for each in (one, other)] == [2, 2]
    assert one.are_shared is False
    assert "each process counts alone" in one.problem
    assert "s3cret" not in one.problem + caplog.text
    assert "127.0.0.1" not in one.problem + caplog.text
    assert len([record for record in caplog.records if "limits" in record.message]) == 2


def test_a_process_that_is_left_alone_knows_what_it_admitted() -> None:
    """What others admitted it cannot know."""
    origin = Origin(uuid.uuid4().hex, document(3), {}, "a")

    async def ask() -> list[int]:
        one, other = Limits(URL), Limits(URL)
        before = [await admitted(one, origin, 1), await admitted(other, origin, 1)]
        assert one._shared
        one._shared.problem = "away"
        after = [await admitted(one, origin, 9), await admitted(other, origin, 9)]
        for each in (one, other):
            await each.close()
        return before + after

    assert asyncio.run(ask()) == [1, 1, 2, 1]


def test_a_redis_that_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After a bounded time, once; then nobody waits for it."""
    monkeypatch.setattr(shared, "TIMEOUT_SECONDS", 0.2)
    path = tmp_path / "s"
    asked = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1))
        await reader.read()
        writer.close()

    async def ask() -> int:
        async with await asyncio.start_unix_server(silent, path):
            limits = Limits(f"unix://{path}")
            count = await admitted(limits, Origin("p", document(3), {}, "a"), 9)
            await limits.close()
        return count

    assert asyncio.run(ask()) == 3
    assert len(asked) == 1


def test_a_redis_that_refuses_is_away() -> None:
    """With the reason in words, and without what was sent."""
    parted = URL.partition("?")
    wrong = f"{parted[0]}?username=nobody&password=s3cret&db=0"

    async def ask(made: SharedCounters) -> str:
        with pytest.raises(AwayError):
            await made.take([charge()])
        return made.problem

    problem = run(ask, wrong)
    assert "it refuses the login" in problem
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    "url",
    ["http://s3cret", "s3cret", "redis://h:s3cret", "redis://h?db=s3cret", "redis://h?s3cret=1"],
)
def test_an_address_that_cannot_be_used_is_an_error_without_it(url: str) -> None:
    """It may have a password."""
    with pytest.raises(SettingError, match="KEEPTRUSTS_LIMITS_URL is not redis://HOST") as refused:
        Limits(url)
    assert "s3cret" not in str(refused.value)


def test_a_gateway_says_who_counts(start: Starter, tmp_path: Path) -> None:
    """Two processes of it, and a replica: one limit while Redis is there, and calls without it."""
    path = tmp_path / "redis"
    policy = pack(more="global_rate_limit: {max_requests: 6, window_seconds: 3600}")
    own = ("--mock-upstream", "--decision-log", "none")

    with Redis(path) as server:
        gateways = [
            start(policy, *own, "--workers", "2", KEEPTRUSTS_LIMITS_URL=server.url),
            start(policy, *own, KEEPTRUSTS_LIMITS_URL=server.url),
        ]
        statuses = [gateways[at % 2].post(chat()).status for at in range(16)]
        health = gateways[1].get("/health").json
    until(lambda: gateways[1].get("/health").json["limits"] == {"shared": False})
    alone = gateways[1].get("/health").json
    # It had admitted three of its own.
    by_itself = [gateways[1].post(chat()).status for _ in range(4)]
    page = gateways[1].get("/metrics").body
    with Redis(path):
        until(lambda: gateways[1].get("/health").json["limits"] == {"shared": True})
        # The counts of a Redis in memory are gone with it.
        back = gateways[1].post(chat()).status

    assert statuses.count(200) == 6
    assert (health["status"], health["limits"]) == ("healthy", {"shared": True})
    assert alone["status"] == "degraded"
    assert "each process counts alone" in alone["reasons"][0]
    assert by_itself == [200, 200, 200, 429]
    assert b"keeptrusts_limits_shared 0\n" in page
    assert back == 200
