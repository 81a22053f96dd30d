"""Enforcement of genuine statements by a managed gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kt.gateway.gateway import Gateway
from kt.gateway.managed.contact import Contact, Problem
from kt.gateway.managed.enforcer import Enforcer
from kt.gateway.managed.start import prepare
from kt.gateway.managed.state import Kept
from kt.gateway.managed.statement import Signed
from kt.gateway.managed.stored import Stored
from kt.gateway.options import Managed, Options
from kt.gateway.reload import Reloader
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed, vouched
from tests.kt.gateway.support import pack

KEY = new_key()
FIRST, SECOND = pack().encode(), pack("[audit-logger]", "{}").encode()
BAD = pack(more="chian: []").encode()
URL = "https://control.example"


class Managing:
    """A gateway that does not serve, and what takes its policies."""

    def __init__(self, folder: Path, *, token: str | None = None, enrols_with: str = "") -> None:
        token = f"ktg_{pin(KEY)}.{'s' * 43}" if token is None else token
        managed = Managed(URL, GATEWAY, token, enrols_with, str(folder), 1 << 20, False)
        self.gateway: Gateway = prepare(Options(managed=managed), managed, {}, ())
        assert isinstance(self.gateway.source, Stored)
        self.stored = self.gateway.source
        self.contact = Contact(str(folder / "contact"), control_plane=URL, gateway=GATEWAY)
        self.told = 0
        reloader = Reloader(self.gateway)
        self.enforcer = Enforcer(self.stored, reloader, self.contact, self._tell)
        self.fetched: list[str] = []

    def _tell(self) -> None:
        self.told += 1

    async def offer(self, content: bytes, seq: int, *, since: Kept | None = None) -> Signed:
        """Offer a policy with a sequence."""
        one = signed(KEY, content, publish_seq=seq)

        async def fetch(content_hash: str) -> bytes:
            self.fetched.append(content_hash)
            return content

        since = self.enforcer.kept if since is None else since
        await self.enforcer.offer(one, fetch, since=since)
        return one

    @property
    def problem(self) -> str | None:
        found = self.contact.problem()
        return found and found.code


Run = Callable[[Callable[[Managing], Awaitable[None]]], Managing]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Do something with a gateway that has no policy yet."""
    folder = tmp_path / "state"
    made: list[Managing] = []

    def go(work: Callable[[Managing], Awaitable[None]]) -> Managing:
        async def inside() -> None:
            made.append(Managing(folder))
            await work(made[-1])

        asyncio.run(inside())
        made[-1].stored.state.close()
        return made[-1]

    return go


def test_a_genuine_policy_is_in_force_and_on_disk(run: Run) -> None:
    """And the other processes are told."""

    async def work(one: Managing) -> None:
        await one.offer(FIRST, 3)

    one = run(work)
    assert (one.gateway.loaded.id, one.problem, one.told) == ("support-bot", None, 1)
    assert one.enforcer.kept is not None
    assert one.stored.state.holds(one.enforcer.kept)


def test_a_problem_is_logged_when_it_comes_and_when_it_is_over(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Not with each attempt, and not again for the same in a second area."""

    async def work(one: Managing) -> None:
        for message in ("no answer", "still no answer"):
            one.contact.note("pull", Problem("control_plane_unreachable", message))
        one.contact.note("report", Problem("control_plane_unreachable", "no answer"))
        one.contact.note("pull", None)
        one.contact.note("report", None)

    run(work)
    assert caplog.messages == [
        "control_plane_unreachable: no answer",
        "control_plane_unreachable: resolved",
    ]


def test_a_policy_that_cannot_be_served_leaves_the_last_one(run: Run) -> None:
    """Genuine as it is; what comes next is taken."""

    async def work(one: Managing) -> None:
        await one.offer(FIRST, 3)
        refused = await one.offer(BAD, 4)
        seen.append((one.problem, one.gateway.loaded.chain, one.enforcer.refused == refused.etag))
        await one.offer(SECOND, 5)

    seen: list[object] = []
    one = run(work)
    assert seen == [("policy_invalid", ("safety-filter",), True)]
    assert (one.problem, one.gateway.loaded.chain) == (None, ("audit-logger",))


def test_the_same_bytes_are_not_fetched_again(run: Run) -> None:
    """Only the sequence moves on, also on disk; what is in force stays as it was loaded."""

    async def work(one: Managing) -> None:
        await one.offer(FIRST, 3)
        before.append(one.gateway.loaded)
        await one.offer(FIRST, 9)

    before: list[object] = []
    one = run(work)
    assert one.gateway.loaded is before[0]
    assert (len(one.fetched), one.contact.publish_seq) == (1, 9)
    assert one.enforcer.kept is not None
    assert one.stored.state.holds(one.enforcer.kept)


def test_an_answer_that_a_push_overtook_is_no_replay(run: Run) -> None:
    """It is left alone; one that was old when it was asked for is an alarm."""

    async def work(one: Managing) -> None:
        await one.offer(FIRST, 3)
        asked_with = one.enforcer.kept
        await one.offer(SECOND, 5)
        await one.offer(FIRST, 4, since=asked_with)
        seen.append((one.problem, one.gateway.loaded.chain))
        await one.offer(FIRST, 4)

    seen: list[object] = []
    one = run(work)
    assert seen == [(None, ("audit-logger",))]
    assert (one.problem, one.gateway.loaded.chain) == ("statement_older", ("audit-logger",))


def test_a_stored_policy_of_another_release_is_not_in_force(run: Run) -> None:
    """One that this release cannot serve is refused like one that comes, and like it again."""

    async def store(one: Managing) -> None:
        await one.offer(FIRST, 3)
        assert one.enforcer.kept is not None
        bad = signed(KEY, BAD, publish_seq=4)
        one.stored.state.keep(Kept(bad, one.enforcer.kept.statement, BAD))

    async def start(one: Managing) -> None:
        seen.append((one.gateway.loaded.is_configured, one.gateway.problem[:14]))
        await one.offer(BAD, 4)

    seen: list[object] = []
    run(store)
    one = run(start)
    assert seen == [(False, "policy_invalid")]
    assert (one.problem, one.gateway.loaded.is_configured) == ("policy_invalid", False)


@pytest.mark.parametrize(
    ("ahead_seconds", "code"),
    [
        (0, None),
        (80_000, None),  # A clock of another time zone.
        (90_000, "statement_ahead"),
        (10**12, "statement_ahead"),
        (2**200, "statement_ahead"),
    ],
)
def test_a_sequence_is_bounded_by_the_clock(run: Run, ahead_seconds: int, code: str | None) -> None:
    """Else one that is taken would make all that is genuine too old for ever."""
    seq = (int(time.time()) + ahead_seconds) * 1_000_000

    async def work(one: Managing) -> None:
        await one.offer(FIRST, 3)
        await one.offer(SECOND, seq)
        seen.append(one.problem)
        await one.offer(FIRST, seq + 1 if code is None else 4)

    seen: list[object] = []
    one = run(work)
    assert seen == [code]
    assert (one.problem, one.gateway.loaded.chain) == (None, ("safety-filter",))


def test_a_newer_key_begins_anew_with_its_sequences(run: Run) -> None:
    """So a sequence that somebody raised with the key before is over with that key."""
    newer = new_key()

    async def fetch(_: str) -> bytes:
        return SECOND

    async def work(one: Managing) -> None:
        await one.offer(FIRST, 1000)
        lower = signed(newer, SECOND, chain=(vouched(KEY, newer),), publish_seq=5)
        await one.enforcer.offer(lower, fetch, since=one.enforcer.kept)
        seen.append((one.problem, one.gateway.loaded.chain))
        older = signed(newer, FIRST, chain=(vouched(KEY, newer),), publish_seq=4)
        await one.enforcer.offer(older, fetch, since=one.enforcer.kept)

    seen: list[object] = []
    one = run(work)
    assert seen == [(None, ("audit-logger",))]
    assert one.problem == "statement_older"
    assert one.enforcer.kept is not None
    assert one.stored.state.holds(one.enforcer.kept)
    again = run(nothing)
    assert (again.gateway.loaded.chain, again.stored.edited) == (("audit-logger",), False)


async def nothing(_: Managing) -> None:
    """Start and stop."""
