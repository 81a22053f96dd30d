"""Backups of all tables, and back; how a file is read is in test_archive."""

import threading
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.core.management.color import no_style
from django.db import connection
from django.utils import timezone

from access import tokens
from configurations.models import Configuration, Version
from events.models import AuditEntry
from evidence import sealer
from evidence.models import Entry, Epoch
from gateways.signing import keys
from gitrepos.models import Remote
from keeptrusts.saving import archive, database
from keeptrusts.saving.archive import ArchiveError
from kt.evidence import leaves
from tests.support.narrowed import hidden_part, seen_part

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]


def stored() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as the database has it."""
    found = {}
    for model in database.models():
        fields = [field.attname for field in model._meta.concrete_fields]
        rows = model._base_manager.order_by("pk").values_list(*fields)
        found[model._meta.label] = [tuple(map(_plain, row)) for row in rows]
    return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def emptied() -> None:
    """An empty database, as a migration leaves it."""
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)


@pytest.fixture
def full() -> dict[str, list[tuple[Any, ...]]]:
    """Rows in most tables."""
    keys.ensure()
    seen_part(Random(1), Random(2)).write()
    hidden_part(Random(3)).write()
    tokens.create("somebody")
    Version.objects.update(content=bytes(range(256)))
    with connection.cursor() as cursor:  # These rows came with their numbers.
        for line in connection.ops.sequence_reset_sql(no_style(), database.models()):
            cursor.execute(line)
    return stored()


def test_what_is_restored_is_what_was_backed_up(full: dict[str, list[Any]], tmp_path: Path) -> None:
    """Each row of each table, to the byte and to the microsecond; and numbers go on behind them."""
    count = database.backup(tmp_path / "backup")
    emptied()

    assert database.restore(tmp_path / "backup") == count

    assert stored() == full
    assert count == sum(map(len, full.values()))
    assert len([rows for rows in full.values() if rows]) >= 15
    last = max(AuditEntry.objects.values_list("pk", flat=True))
    tokens.create("another")
    assert AuditEntry.objects.latest("pk").pk >= last


def test_claims_end_with_a_restore(full: dict[str, list[Any]], tmp_path: Path) -> None:
    """Whoever held them does not work on this database."""
    until = timezone.now() + timedelta(minutes=3)
    assert Remote.objects.update(claim_id=uuid4(), lease_until=until)
    database.backup(tmp_path / "backup")
    emptied()

    database.restore(tmp_path / "backup")

    assert not Remote.objects.filter(lease_until__gt=timezone.now()).exists()


def test_a_restored_log_of_evidence_tells_of_its_gap(
    full: dict[str, list[Any]], tmp_path: Path
) -> None:
    """By a new epoch, whose first entry has the last checkpoint that the backup knows."""
    assert sealer.seal()
    before = Epoch.objects.get()
    database.backup(tmp_path / "backup")
    emptied()

    database.restore(tmp_path / "backup")

    assert [epoch.number for epoch in Epoch.objects.order_by("number")] == [1, 2]
    first = leaves.read(bytes(Entry.objects.get(epoch=2, index=0).leaf))
    assert (first.facts["known_size"], first.facts["known_root"]) == (before.size, before.root)
    assert sealer.seal() == 0


@pytest.mark.parametrize("begun", [True, False], ids=["work", "a token"])
def test_a_database_that_is_not_empty_stays_as_it_is(
    begun: bool, full: dict[str, list[Any]], tmp_path: Path
) -> None:
    """Whatever is in it is somebody's."""
    database.backup(tmp_path / "backup")
    if not begun:
        emptied()
        tokens.create("first")
    before = stored()

    with pytest.raises(ArchiveError, match="not empty; name an empty one by DATABASE_URL"):
        database.restore(tmp_path / "backup")

    assert stored() == before


def test_a_backup_that_does_not_fit_leaves_nothing(
    full: dict[str, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole or not at all; here its last row names a link that is not there."""
    rows = list(database._rows(Version))
    monkeypatch.setattr(database, "_rows", lambda model: iter(rows if model is Version else ()))
    database.backup(tmp_path / "backup")
    emptied()
    before = stored()

    with pytest.raises(ArchiveError, match="does not fit into the tables"):
        database.restore(tmp_path / "backup")

    assert stored() == before


def test_a_backup_of_another_release_is_refused(
    full: dict[str, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are of other tables; that release knows them."""
    monkeypatch.setattr(database, "_applied", lambda: {"access": "0001_initial"})
    database.backup(tmp_path / "backup")
    emptied()

    with pytest.raises(ArchiveError, match="restore it with that release, then start this one"):
        database.restore(tmp_path / "backup")


def test_a_backup_is_of_one_moment(full: dict[str, list[Any]], tmp_path: Path) -> None:
    """Somebody publishes meanwhile, and waits for nothing: no version is without its row."""
    over = threading.Event()
    written = []

    def publish() -> None:
        try:
            while not over.is_set():
                name = f"m-{len(written)}"
                row = Configuration.objects.create(
                    pk=name, name=name, version=1, content_hash="0" * 64, publish_seq=1,
                    source="api", created_at=timezone.now(), updated_at=timezone.now(),
                )  # fmt: skip
                Version.objects.create(
                    configuration=row, number=1, content=b"x", source="api",
                    content_hash="0" * 64, created_at=timezone.now(),
                )  # fmt: skip
                written.append(name)
        finally:
            connection.close()

    writer = threading.Thread(target=publish)
    writer.start()
    try:
        for number in range(5):
            begun = len(written)
            database.backup(tmp_path / f"backup-{number}")
            while len(written) == begun:
                assert writer.is_alive()
    finally:
        over.set()
        writer.join()

    for number in range(5):
        emptied()
        database.restore(tmp_path / f"backup-{number}")


def test_the_commands_say_what_they_did(
    full: dict[str, list[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the file is its owner's alone."""
    file = tmp_path / "keeptrusts.backup"
    call_command("backup", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    emptied()

    call_command("restore", str(file))

    told = capsys.readouterr().out.splitlines()
    assert [line.startswith(f"{file}: ") for line in told] == [True, True]
    assert "rows restored; start the control plane" in told[1]
    with pytest.raises(CommandError, match="is there already; name another file"):
        call_command("backup", str(file))
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("restore", str(tmp_path / "none"))
    assert archive.checked(file).database == connection.vendor
