"""Taking lists of client keys into force, and refusing them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kt.gateway.managed.client import ContactError
from kt.gateway.managed.keys.keyring import Keyring
from kt.gateway.managed.keys.proof import KeptKeys
from kt.gateway.managed.keys.store import COPIES, KeyStore
from kt.gateway.managed.statement import Signed
from kt.gateway.reload import Reloader
from tests.kt.gateway.managed.keys.signing import key_list, signed_keys
from tests.kt.gateway.managed.test_enforcer import KEY, Managing
from tests.kt.gateway.signing import new_key, vouched

FIRST, SECOND = key_list("team", "gone"), key_list("team")
FOREIGN = signed_keys(KEY, FIRST, 9, gateway="edge-2")
FORGED = replace(signed_keys(KEY, FIRST, 9), signature=bytes(64))


class Keyed(Managing):
    """A gateway that does not serve, and what takes its client keys."""

    def __init__(self, folder: Path, **more: str) -> None:
        super().__init__(folder, **more)
        source = self.gateway.admission.source
        assert isinstance(source, KeyStore)
        self.store = source
        self.keyring = Keyring(source, Reloader(self.gateway), self.contact, self._tell)

    async def give(
        self, content: bytes, seq: int = 7, *, one: Signed | None = None,
        since: KeptKeys | None = None,
    ) -> Signed:  # fmt: skip
        """Offer a list."""
        one = one or signed_keys(KEY, content, seq)

        async def fetch(content_hash: str) -> bytes:
            self.fetched.append(content_hash)
            return content

        await self.keyring.offer(one, fetch, since=since or self.keyring.kept)
        return one

    def opens(self, *names: str) -> list[bool]:
        """Whether the keys of these names open the gateway."""
        return [self.gateway.callers.find(f"{name}-key") is not None for name in names]


Run = Callable[[Callable[[Keyed], Awaitable[None]]], Keyed]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Do something with a gateway that has no keys yet; each call starts it anew."""

    def go(work: Callable[[Keyed], Awaitable[None]]) -> Keyed:
        async def inside() -> Keyed:
            one = Keyed(tmp_path / "state")
            try:
                await work(one)
            finally:
                one.stored.state.close()
            return one

        return asyncio.run(inside())

    return go


def giving(content: bytes, seq: int) -> Callable[[Keyed], Awaitable[None]]:
    """Offer a list and no more."""

    async def work(one: Keyed) -> None:
        await one.give(content, seq)

    return work


async def nothing(_: Keyed) -> None:
    """Start and stop."""


def test_a_list_is_in_force_and_outlives_the_process(run: Run) -> None:
    """The other processes are told, and the next start has it."""
    first = run(giving(FIRST, 3))
    again = run(nothing)

    assert first.opens("team", "gone", "nobody") == [True, True, False]
    assert (first.told, first.problem, len(first.fetched)) == (1, None, 1)
    assert again.opens("team", "gone", "nobody") == [True, True, False]


def test_a_revocation_is_kept_over_a_start(run: Run) -> None:
    """And the last one leaves the gateway closed."""

    async def work(one: Keyed) -> None:
        await one.give(FIRST, 3)
        await one.give(SECOND, 4)

    assert run(work).opens("team", "gone") == [True, False]
    run(giving(key_list(), 5))
    closed = run(nothing)
    assert (closed.opens("team"), closed.gateway.callers.are_demanded) == ([False], True)


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (signed_keys(KEY, FIRST, 3), "keys_older"),
        (signed_keys(KEY, key_list("mine"), 7), "keys_older"),
        (FOREIGN, "keys_foreign"),
        (FORGED, "keys_forged"),
        (signed_keys(new_key(), FIRST, 9), "keys_not_pinned"),
        (signed_keys(KEY, key_list("other"), 9), "keys_mismatch"),
        (signed_keys(KEY, FIRST, 2**63 - 1), "keys_ahead"),
        (signed_keys(KEY, FIRST, int((time.time() + 90_000) * 1e6)), "keys_ahead"),
    ],
)
def test_what_is_not_the_control_planes_changes_nothing(run: Run, one: Signed, code: str) -> None:
    """It is counted and named, in words about client keys; the next genuine list is taken."""
    seen: list[object] = []

    async def work(keyed: Keyed) -> None:
        await keyed.give(SECOND)
        await keyed.give(FIRST, one=one)
        problem = keyed.contact.problem()
        assert problem is not None
        seen.extend(
            [problem.code, problem.message.startswith("client keys: "), *keyed.opens("gone")]
        )
        await keyed.give(SECOND, 10)

    keyed = run(work)
    assert seen == [code, True, False]
    assert (keyed.problem, keyed.contact.counters["keys_refused"]) == (None, 1)


def test_a_list_by_a_key_that_was_replaced_is_refused(run: Run) -> None:
    """Also one that would bring a revoked key back under a higher number; after a start too."""
    newer = new_key()
    chain = (vouched(KEY, newer),)

    async def work(one: Keyed) -> None:
        await one.give(FIRST, 3)
        await one.give(SECOND, one=signed_keys(newer, SECOND, 2, chain=chain))

    async def replay(one: Keyed) -> None:
        await one.give(FIRST, 99)

    assert run(work).opens("team", "gone") == [True, False]
    again = run(replay)
    assert (again.problem, again.opens("gone")) == ("keys_retired", [False])


def test_an_answer_that_a_newer_list_overtook_is_no_replay(run: Run) -> None:
    """It was asked for before; nothing is wrong, and nothing goes back."""

    async def work(one: Keyed) -> None:
        await one.give(FIRST, 3)
        before = one.keyring.kept
        await one.give(SECOND, 5)
        await one.give(FIRST, 4, since=before)

    one = run(work)
    assert (one.problem, one.opens("gone")) == (None, [False])


def test_a_list_that_this_release_cannot_read_is_asked_for_once(run: Run) -> None:
    """The last one stays in force; the problem says to update."""
    newer = SECOND.replace(b'"keys"', b'"quota": 1, "keys"')

    async def work(one: Keyed) -> None:
        await one.give(FIRST, 3)
        refused = await one.give(newer, 4)
        assert not one.keyring.is_news(refused.etag)

    one = run(work)
    assert (one.problem, one.opens("gone")) == ("keys_unreadable", [True])


def test_the_same_list_again_is_not_fetched(run: Run) -> None:
    """Neither the same statement, nor the same bytes with a higher sequence."""

    async def work(one: Keyed) -> None:
        given = await one.give(FIRST, 3)
        assert not one.keyring.is_news(given.etag)
        await one.give(FIRST, one=given)
        await one.give(FIRST, 4)

    one = run(work)
    assert (len(one.fetched), one.told) == (1, 2)


def test_an_edited_file_is_put_back(run: Run) -> None:
    """While the gateway runs, and somebody is told."""

    async def work(one: Keyed) -> None:
        await one.give(SECOND)
        Path(one.stored.state.path(COPIES[0])).unlink()
        await one.keyring.guard()

    one = run(work)
    assert one.problem == "keys_edited"
    assert one.keyring.kept is not None
    assert one.store.holds(one.keyring.kept)
    assert one.opens("team") == [True]


def test_a_disk_that_takes_nothing_keeps_no_revocation_back(run: Run) -> None:
    """It is in force, and written once that is possible."""
    seen: list[object] = []

    async def work(one: Keyed) -> None:
        await one.give(FIRST, 3)
        folder = Path(one.stored.state.folder)
        lost = folder.rename(folder.with_name("unmounted"))
        await one.give(SECOND, 4)
        seen.extend([one.problem, *one.opens("gone")])
        lost.rename(folder)
        one.contact.note("spool", None)  # As the spool's check of the same disk does.
        await one.keyring.guard()

    one = run(work)
    assert seen == ["disk", False]
    assert one.problem is None
    assert run(nothing).opens("team", "gone") == [True, False]


def test_a_fresh_gateway_waits_for_its_keys(run: Run) -> None:
    """Else it would be open from its first policy on until they came."""
    seen: list[bool] = []

    async def work(one: Keyed) -> None:
        async def fails(_: str) -> bytes:
            raise ContactError("control_plane_unreachable", "no answer")

        seen.append(one.keyring.holds_back)
        assert one.keyring.is_news("an etag")
        seen.append(one.keyring.holds_back)
        with pytest.raises(ContactError):
            await one.keyring.offer(signed_keys(KEY, FIRST), fails, since=None)
        seen.append(one.keyring.holds_back)
        assert not one.keyring.is_news("")
        seen.append(one.keyring.holds_back)
        assert one.keyring.is_news("an etag")
        await one.give(FIRST)
        seen.append(one.keyring.holds_back)

    run(work)
    assert seen == [False, True, True, False, False]
