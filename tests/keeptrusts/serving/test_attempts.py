"""Failed authentications: slower each time, told once a minute."""

import asyncio
import hashlib
from typing import Any

import pytest

from keeptrusts.serving import attempts
from keeptrusts.serving.attempts import Attempts
from tests.keeptrusts.serving.asking import caught, run


async def _seconds(tried: Attempts, address: str, credential: str) -> float:
    loop = asyncio.get_running_loop()
    before = loop.time()
    await tried.wait(address, credential)
    return round(loop.time() - before, 1)


def _after(failures: int, address: str, credential: str) -> float:
    """How long someone waits after failures from `a` with tokens that begin with `kt_wrongone`."""

    async def work() -> float:
        tried = Attempts()
        for number in range(failures):
            tried.failed("a", f"kt_wrongone{number}")
        return await _seconds(tried, address, credential)

    return run(work())


@pytest.mark.parametrize(
    ("failures", "address", "credential", "seconds"),
    [
        (10, "a", "kt_other", 0.0),
        (11, "a", "kt_other", 0.1),
        (30, "a", "kt_other", 2.0),
        (30, "b", "kt_wrongoneX", 2.0),
        (30, "b", "kt_other", 0.0),
        (30, "a", "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl", 2.0),
        (30, "b", "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl", 0.0),
        (1000, "a", "kt_other", 5.0),
    ],
)
def test_each_failure_slows_the_next(
    failures: int, address: str, credential: str, seconds: float
) -> None:
    """From the same address, or with a token that begins alike; never more than five seconds."""
    assert _after(failures, address, credential) == seconds


def test_a_token_that_passed_is_not_slowed() -> None:
    """Whoever else calls from its address; until it fails itself."""

    async def work() -> list[float]:
        tried = Attempts()
        tried.passed("kt_good")
        for number in range(100):
            tried.failed("a", f"kt_wrong{number}")
        before = await _seconds(tried, "a", "kt_good")
        tried.failed("a", "kt_good")
        return [before, await _seconds(tried, "a", "kt_good")]

    assert run(work()) == [0.0, 5.0]


def test_failures_are_forgotten_and_told_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with those that failed most, however many they were."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(attempts.log, "warning", lambda _, **facts: told.append(facts))

    async def work() -> float:
        tried = Attempts()
        for number in range(500):
            tried.failed("a", f"kt_\n\x1b{number:05}")
        await asyncio.sleep(61)
        return await _seconds(tried, "a", "kt_x")

    assert run(work()) == 0.0
    assert [facts["count"] for facts in told] == [500]
    assert told[0]["most_from"]["address a"] == 500
    assert all(name.isprintable() for name in told[0]["most_from"])
    assert len(told[0]["most_from"]) == 5


def test_more_than_may_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, so that they hold no connections."""

    async def work() -> list[str]:
        tried = Attempts(most=3)
        for number in range(100):
            tried.failed("a", f"kt_{number}")
        return await asyncio.gather(*(caught(tried.wait("a", f"kt_{n}")) for n in range(5)))

    assert sorted(run(work())) == ["", "", "", "too_many_attempts", "too_many_attempts"]


def test_one_address_is_refused_before_it_takes_all_places() -> None:
    """Another one's tokens are slowed by their own failures alone."""

    async def work() -> list[str]:
        tried = Attempts(most_of_one=2)
        for number in range(100):
            tried.failed("a", f"kt_{number:020}")
        asked = [tried.wait("a", f"kt_{n:08}x") for n in range(4)]
        return await asyncio.gather(*(caught(one) for one in (*asked, tried.wait("b", "kt_other"))))

    found = run(work())
    assert (sorted(found[:4]), found[4]) == (["", "", *["too_many_attempts"] * 2], "")


def test_what_tokens_share_tells_none_apart() -> None:
    """All of gateways begin with the same fingerprint: failures with some slow no other."""

    async def work() -> float:
        tried = Attempts()
        for number in range(100):
            tried.failed("a", f"ktg_fingerprint.{number:020}")
        return await _seconds(tried, "b", "ktg_fingerprint.another-secret")

    assert run(work()) == 0.0


def test_credentials_that_are_there_are_known_from_the_start() -> None:
    """So that a restart in the midst of guesses slows nobody."""

    async def work() -> float:
        tried = Attempts()
        tried.learn([hashlib.sha256(b"kt_good").hexdigest()])
        for number in range(100):
            tried.failed("a", f"kt_wrong{number}")
        return await _seconds(tried, "a", "kt_good")

    assert run(work()) == 0.0


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million addresses and tokens cost no more than some thousands."""
    monkeypatch.setattr(attempts, "_MOST_COUNTED", 50)
    monkeypatch.setattr(attempts, "_MOST_KNOWN", 50)

    async def work() -> tuple[int, int]:
        tried = Attempts()
        for number in range(500):
            tried.failed(f"10.0.0.{number}", f"{number:08}")
            tried.passed(f"kt_{number}")
        return len(tried._failures), len(tried._known)

    assert run(work()) == (50, 50)
