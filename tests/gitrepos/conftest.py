"""Fixtures of syncing: no test may leave git processes or folders behind."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from gitrepos import tasks
from gitrepos.forge import check, smart_http
from gitrepos.polling import claims
from gitrepos.snapshot import ladder, repository
from gitrepos.sync import steps
from tests.support.forge import Forge, Reply
from tests.support.processes import below, naming, ours, zombies
from tests.support.repo import Repo
from tests.support.stack import PATIENCE_SECONDS, wait_for


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    """A data folder of the test's own."""
    settings.ENV = dataclasses.replace(settings.ENV, data_dir=tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def _nothing_left(data_dir: Path, forge: Forge) -> Iterator[None]:
    """No git process, no zombie and no temporary repository outlives a test."""
    yield
    assert [str(place) for place in data_dir.glob("work/*")] == []
    wait_for(lambda: not _left(forge.url, str(data_dir)), seconds=20)
    # The forge may still be waiting for a git of its own.
    wait_for(lambda: not zombies())


def _left(*words: str) -> bool:
    return bool(ours()) and bool(below(os.getpid()) or naming(*words))


@pytest.fixture(autouse=True)
def _nothing_known_of_hosts() -> None:
    """What one test's repository teaches of the forge, no other test relies on."""
    ladder.forget()


@pytest.fixture(autouse=True)
def _told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tick of one test told tasks, those of another have not heard."""
    monkeypatch.setattr(tasks, "_told_at", {})


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no slow host and no dead worker; tests of those set their own bounds."""
    monkeypatch.setattr(check, "_DEADLINE_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(check, "_TURN_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(smart_http, "_PATIENCE_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(repository, "_SECONDS", 3 * PATIENCE_SECONDS)
    monkeypatch.setattr(repository, "_FETCH_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(repository, "_READ_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(steps, "_FETCH_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(steps, "_APPLY_SECONDS", PATIENCE_SECONDS)
    # A longer lease than a sync may take is taken for an odd clock's.
    monkeypatch.setattr(claims, "LEASE_SECONDS", claims.SYNC_SECONDS)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Forge]:
    """A forge of which nothing is known yet."""
    with Forge(tmp_path / "fresh") as forge:
        yield forge


@pytest.fixture
def packs(forge: Forge, repo: Repo) -> Iterator[list[bytes]]:
    """The packs that the forge sends of the repository."""
    sent: list[bytes] = []

    def note(_method: str, reply: Reply) -> Reply:
        if b"PACK" in reply[2]:
            sent.append(reply[2])
        return reply

    forge.twists[repo.bare.name] = note
    yield sent
    forge.release(repo)


@pytest.fixture
def meanwhile(forge: Forge, repo: Repo) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Have a step run, once, while the first pack of the next fetch is on its way."""

    def arrange(step: Callable[[], object]) -> None:
        def twist(_method: str, reply: Reply) -> Reply:
            if b"PACK" in reply[2] and forge.twists.pop(repo.bare.name, None):
                try:
                    step()
                finally:
                    connection.close()
            return reply

        forge.twists[repo.bare.name] = twist

    yield arrange
    assert repo.bare.name not in forge.twists  # The step was run.
