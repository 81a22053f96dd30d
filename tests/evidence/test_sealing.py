"""Sealing beside transactions that are open, by more than one sealer, and under a witness."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from evidence import keys, log, sealer, trees, witnesses
from evidence.log import Fact
from evidence.models import Entry, Epoch, Hidden, SignedCheckpoint, WitnessState
from kt.cli.evidence.witness import WitnessKeeper, handler
from kt.evidence import notes, tree
from kt.evidence.witnessing import Witness
from tests.evidence.conftest import seal_all
from tests.gateways.conftest import database_url
from tests.support.api import together
from tests.support.httpserver import HTTPServer

_GIVEN = {"gateway": "edge-1", "batch": 1, "count": 0, "dropped": 0, "digest": "0" * 64}


def _leaves() -> list[bytes]:
    rows = Entry.objects.exclude(index=None).order_by("index")
    assert [row.index for row in rows] == list(range(len(rows)))
    return [bytes(row.leaf) for row in rows]


def _check_whole() -> None:
    """The newest checkpoint is of all sealed entries, by the hashes of the tiles too."""
    found = notes.checkpoint(notes.read(SignedCheckpoint.objects.latest("pk").note).body)
    entries = _leaves()
    assert found.size == len(entries)
    assert found.root == tree.over([tree.leaf_hash(one) for one in entries])
    assert found.root == trees.tiles(1, found.size).root()


@pytest.mark.django_db(transaction=True)
def test_what_is_sealed_never_moves() -> None:
    """A transaction that stays open over three seals is not overtaken by those that began later.

    Of several sealers at once one seals; they make one tree.
    """
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    log.append([Fact("decisions", _GIVEN)])
    seal_all()
    seen = _leaves()
    first = bytes(Entry.objects.get(kind="decisions").leaf)
    with psycopg.connect(database_url()) as other:
        other.execute(
            "insert into evidence_entry (kind, subject, at, leaf)"
            " values ('decisions', 'gateway/edge-1', now(), %s)",
            [first.replace(b'"batch":1', b'"batch":2')],
        )
        for _ in range(3):
            log.append([Fact("decisions", _GIVEN | {"batch": 3})])
            assert sealer.seal() == 0
        other.commit()

    together(3, lambda _: sealer.seal())
    seal_all()

    leaves = _leaves()
    assert leaves[: len(seen)] == seen
    batches = [json.loads(one)["facts"].get("batch") for one in leaves]
    assert batches == [None, 1, 2, 3, 3, 3]
    _check_whole()


@pytest.mark.django_db
@pytest.mark.smoke
def test_a_tree_that_grows_in_many_seals_is_one() -> None:
    """Past a tile's width, with entries that come in between."""
    for count in (1, 3, 250, 0, 5, 300):
        log.append([Fact("decisions", _GIVEN)] * count)
        sealer.seal()

    _check_whole()
    assert Epoch.objects.get().size == 1 + 559


@pytest.mark.django_db
def test_an_undone_change_leaves_nothing() -> None:
    """It is no entry, and no hole."""
    log.append([Fact("decisions", _GIVEN)])
    with transaction.atomic():
        log.append([Fact("decisions", _GIVEN | {"reason": "undone"})])
        transaction.set_rollback(True)
    log.append([Fact("decisions", _GIVEN)])
    sealer.seal()

    assert len(_leaves()) == 3
    assert not Hidden.objects.exists()


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WitnessKeeper]:
    """A witness of this log, which the control plane asks."""
    sealer.seal()
    log.append([Fact("decisions", _GIVEN)])
    sealer.seal()
    verifier = keys.verifier()
    assert verifier
    keeper = WitnessKeeper("witness.example", str(tmp_path / "state.json"), [verifier])
    with HTTPServer(("127.0.0.1", 0), handler(keeper)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/log"
        env = replace(settings.ENV, witnesses=(Witness(keeper.verifier, url),))
        monkeypatch.setattr(settings, "ENV", env)
        yield keeper
        server.shutdown()
        thread.join()


@pytest.mark.django_db
def test_a_witness_signs_what_grew(witness: WitnessKeeper) -> None:
    """Each checkpoint once; what it covers is kept no longer than there is a newer one."""
    for asked in (1, 0):
        assert witnesses.ask_all() == asked
    for _ in range(2):
        log.append([Fact("decisions", _GIVEN)])
        sealer.seal()
        assert witnesses.ask_all() == 1
    WitnessState.objects.update(size=1)  # As after an answer that was lost.
    log.append([Fact("decisions", _GIVEN)])
    sealer.seal()
    assert witnesses.ask_all() == 1

    row = SignedCheckpoint.objects.get()
    assert witness.verifier.signed_at(notes.read(row.note + "".join(row.cosignatures)))


@pytest.mark.django_db
def test_a_database_that_went_back_begins_an_epoch(witness: WitnessKeeper) -> None:
    """A witness has seen more: the new tree says so, and the witness signs it."""
    log.append([Fact("decisions", _GIVEN)])
    sealer.seal()
    assert witnesses.ask_all() == 1
    last = Epoch.objects.get()
    Entry.objects.filter(index__gte=2).delete()
    SignedCheckpoint.objects.all().delete()
    epoch = Epoch(number=1, size=2, root="", began_at=last.began_at)
    sealer.sign(epoch, trees.tiles(1, 2).root(), last.began_at)
    Epoch.objects.filter(pk=1).update(size=2, began_at="2026-01-01T00:00:00Z")

    assert witnesses.ask_all() == 0
    first = Entry.objects.get(epoch=2, index=0)
    assert json.loads(bytes(first.leaf))["facts"]["held_size"] == 3
    assert witnesses.ask_all() == 1
    assert Epoch.objects.count() == 2
    assert witness.asked(b"")[0] == 400


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/none"])
def test_a_witness_that_is_away_stops_nothing(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """It is asked again."""
    log.append([Fact("decisions", _GIVEN)])
    sealer.seal()
    key = notes.Verifier("witness.example", b"\x01" * 32, notes.COSIGNATURE)
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, witnesses=(Witness(key, url),)))

    assert witnesses.ask_all() == 0
    assert SignedCheckpoint.objects.get().cosignatures == []
