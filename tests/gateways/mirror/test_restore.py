"""A database that lost its newest writes under two processes and their gateways."""

import itertools
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.db import DatabaseError
from rest_framework.test import APIClient

from configurations import versions
from configurations.versions import Origin, Source
from events.models import Event
from gateways.mirror import mirror
from gateways.mirror.mirror import Mirror, fleet
from gateways.push import hub
from gateways.signing.statements import Desired, DesiredKeys
from keeptrusts import counters
from tests.gateways.conftest import Register
from tests.support.gateways import Machine, running
from tests.support.repo import policy
from tests.support.restoring import dump, restore

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


class World:
    """A process of events (`fleet`), a web with a mirror of its own, and gateways that hear both.

    `said` is every statement that was handed out: one sequence must have one content.
    """

    def __init__(self, admin: APIClient, machines: list[Machine]) -> None:
        self.admin = admin
        self.machines = {one.id: one for one in machines}
        self.web = Mirror()
        self.writes = 0
        self.said: dict[tuple[str, str, int], Any] = {}
        self.kept: dict[str, Desired] = {}
        self.kept_keys: dict[str, DesiredKeys] = {}
        self.refused: dict[str, str] = {}

    def events(self) -> None:
        """The process of events looks, and says on its streams what is new."""
        hub._refresh()
        for name in self.machines:
            self._hear(name, fleet)

    def pull(self) -> None:
        """Every gateway asks the web."""
        self.web.refresh(counters.read())
        for name in self.machines:
            self._hear(name, self.web)

    def report(self) -> None:
        """Every gateway reports what it runs, and asks for what it hears of."""
        for name, one in self.machines.items():
            kept, code = self.kept.get(name), self.refused.get(name, "")
            listed = self.kept_keys.get(name)
            since = "2026-01-31T12:00:00Z"
            answer = one.report(
                running=running(_fields(kept)) if kept else None,
                client_keys={"keys_seq": listed.keys_seq, "since": since} if listed else None,
                problem={"code": code, "message": ""} if code else None,
            )
            if answer.status_code == 200:
                self._hear(name, fleet)

    def write(self) -> None:
        """Another policy, by the API."""
        self.writes += 1
        origin = Origin(source=Source.API, actor="tests", note="")
        content = policy(f"Bot {self.writes}").encode()
        versions.edit("bot", content=content, origin=origin, fields={}, override=False)

    def _hear(self, name: str, source: Mirror) -> None:
        signed, keys = source.signed(name), source.signed_keys(name)
        if keys is not None:
            self._note("keys", name, keys.desired.keys_seq, keys.desired)
            before = self.kept_keys.get(name)
            self._take(name, before and before.keys_seq, keys.desired.keys_seq, "keys_older",
                       lambda: self.kept_keys.__setitem__(name, keys.desired),
                       is_same=before == keys.desired)  # fmt: skip
        if signed is not None:
            told = signed.desired
            self._note("policy", name, told.publish_seq, told)
            kept = self.kept.get(name)
            self._take(name, kept and kept.publish_seq, told.publish_seq, "statement_older",
                       lambda: self.kept.__setitem__(name, told), is_same=kept == told)  # fmt: skip

    def _note(self, what: str, name: str, seq: int, told: Any) -> None:
        assert self.said.setdefault((what, name, seq), told) == told

    def _take(
        self, name: str, before: int | None, seq: int, code: str, take: Callable[[], None],
        *, is_same: bool,
    ) -> None:  # fmt: skip
        """As a gateway does: nothing older, and nothing else with the same sequence."""
        if before is None or seq > before:
            take()
            self.refused.pop(name, None)
        elif not is_same:
            self.refused[name] = code

    def check(self, order: object = None) -> None:
        """Every gateway has the database's word, and drift says so."""
        truth = Mirror()
        truth.refresh(counters.read())
        for name in self.machines:
            assert self.kept.get(name) == truth.desired(name), order
            assert self.kept_keys.get(name) == truth.desired_keys(name), order
        rows = self.admin.get("/v1/drift").json()["data"]
        for row in rows:
            if row["gateway"] is not None:
                assert (row["state"], row["running_hash"]) == ("in_sync", row["desired_hash"])


def _fields(desired: Desired) -> dict[str, Any]:
    return {name: getattr(desired, name) for name in
            ("configuration", "version", "content_hash", "publish_seq")}  # fmt: skip


@pytest.fixture
def world(admin: APIClient, register: Register, bot: str) -> World:
    """Three gateways in sync, with client keys, in the memory of both processes."""
    admin.post("/v1/client-keys", {"name": "team"}, format="json")
    made = World(admin, [register(f"edge-{n}", configuration=bot) for n in range(3)])
    for step in (made.events, made.pull, made.report):
        step()
    made.check()
    return made


STEPS = ("events", "pull", "report", "write")


def test_whoever_looks_first_all_end_on_the_restored_word(world: World) -> None:
    """Also when the first write afterwards hides that the counters had gone back."""
    for order in itertools.permutations(STEPS):
        kept = dump()
        world.write()
        world.admin.post("/v1/client-keys", {"name": "lost"}, format="json")
        world.events()
        world.report()
        restore(kept)

        for step in (*order, "events", "pull", "report"):
            getattr(world, step)()

        world.check(order)


@pytest.mark.parametrize("seed", range(6))
def test_any_number_of_restores_in_any_order(world: World, seed: int) -> None:
    """Backups of any age; every sequence has one content, and all end on the last word."""
    chance = Random(seed)
    backups = [dump()]
    steps: list[Callable[[], object]] = [
        world.events, world.pull, world.report, world.write, world.write,
        lambda: backups.append(dump()), lambda: restore(chance.choice(backups)),
    ]  # fmt: skip
    for _ in range(30):
        chance.choice(steps)()
    restore(chance.choice(backups))

    for step in (world.events, world.pull, world.report):
        step()

    world.check()


def test_numbers_that_are_given_again_are_found_within_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that stands still, and steps of one: the worst that can be."""
    monkeypatch.setattr(counters.secrets, "randbelow", lambda _: 0)
    stands = counters.read()["configurations"] - 1_000_000
    monkeypatch.setattr(counters.time, "time_ns", lambda: stands * 1000)
    kept = dump()
    world.write()
    lost = counters.read()["configurations"]
    world.events()
    restore(kept)
    world.write()
    assert counters.read()["configurations"] == lost

    monkeypatch.setattr(fleet, "_whole_at", -mirror.math.inf)  # As after a minute.
    world.events()
    monkeypatch.undo()
    for step in (world.pull, world.report):
        step()

    world.check()


def test_a_loss_is_told_once(world: World) -> None:
    """With the gateways that had heard of what is lost."""
    kept = dump()
    world.write()
    world.events()
    restore(kept)

    world.events()
    world.events()

    [event] = Event.objects.filter(kind="restored")
    assert event.details == {"gateways": sorted(world.machines), "gateway_count": 3}


def test_a_database_that_takes_no_writes_yet_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby is read before it is promoted; what it says is not forgotten until then."""
    kept = dump()
    world.write()
    world.events()
    restore(kept)

    def read_only(*_: object) -> None:
        raise DatabaseError("cannot execute UPDATE in a read-only transaction")

    with monkeypatch.context() as patched:
        patched.setattr(hub.reissues, "after_loss", read_only)
        assert hub._refresh()
    for step in (world.events, world.pull, world.report):
        step()

    world.check()
    assert Event.objects.filter(kind="restored").count() == 1


def test_what_lost_nothing_is_told_to_nobody(world: World) -> None:
    """A restore of the newest backup, and a process that reads all anew."""
    restore(dump())
    said = len(world.said)
    fleet._whole_at = -mirror.math.inf

    world.events()

    assert len(world.said) == said
    assert not Event.objects.filter(kind="restored").exists()


def test_a_content_is_never_another_versions(world: World) -> None:
    """After a restore the same number may have other bytes."""
    kept = dump()
    world.write()
    world.events()
    told = fleet.desired("edge-0")
    assert told is not None
    restore(kept)
    world.write()

    names = (told.configuration, told.version, told.content_hash)
    with pytest.raises(LookupError):
        hub.contents.content(*names)
