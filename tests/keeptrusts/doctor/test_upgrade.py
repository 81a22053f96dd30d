"""Migrations, and what of them older processes survive."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Value
from django.db.models.functions import Now

from keeptrusts.doctor import upgrade
from keeptrusts.doctor.upgrade import Step, stops, summary

TEXT = models.TextField()
CHECK = models.CheckConstraint(condition=models.Q(a=1), name="c")


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (operations.CreateModel("A", []), ""),
        (operations.AddField("a", "b", models.TextField(null=True)), ""),
        (operations.AddField("a", "b", models.TextField(db_default=Value(""))), ""),
        (operations.AddField("a", "b", models.DateTimeField(db_default=Now())), ""),
        (operations.AddField("a", "b", models.TextField(default="")), "insert rows without it"),
        (operations.AddField("a", "b", TEXT), "insert rows without it"),
        (operations.AddIndex("a", models.Index(fields=["b"], name="i")), ""),
        (operations.RemoveIndex("a", "i"), ""),
        (operations.RemoveConstraint("a", "c"), ""),
        (operations.AlterModelOptions("a", {}), ""),
        (operations.AddConstraint("a", CHECK), "may not write what it checks"),
        (operations.AlterField("a", "b", TEXT), "may not write"),
        (operations.RemoveField("a", "b"), "read and write what it takes away"),
        (operations.RenameField("a", "b", "c"), "takes away"),
        (operations.DeleteModel("A"), "takes away"),
        (operations.RenameModel("A", "B"), "takes away"),
        (operations.AlterModelTable("a", "t"), "takes away"),
        (operations.RunSQL("select 1"), "cannot be told"),
        (operations.RunPython(operations.RunPython.noop), "cannot be told"),
        (operations.SeparateDatabaseAndState([], [operations.RemoveField("a", "b")]), ""),
        (operations.SeparateDatabaseAndState([operations.RemoveField("a", "b")]), "takes away"),
    ],
)
def test_what_older_processes_survive(operation: Any, words: str) -> None:
    """What is not known stops them, too."""
    told = stops(operation)

    assert words in told
    assert bool(words) == bool(told)


def test_an_operation_of_another_kind_is_not_known() -> None:
    """Also one that is made of a known one."""

    class Other(operations.AddIndex):
        pass

    assert "cannot be told" in stops(Other("a", models.Index(fields=["b"], name="i")))


def test_what_is_to_be_done() -> None:
    """By the worst of the missing ones."""
    fine, ill = Step("a.0001_x", ""), Step("b.0002_y", "older processes")

    assert "no migration is missing" in summary([])
    assert "while the others go on" in summary([fine])
    assert "stop all processes" in summary([fine, ill, fine])


@pytest.mark.django_db
def test_a_migrated_database_lacks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """And the command says so."""
    out = StringIO()

    call_command("check_upgrade", stdout=out)

    assert out.getvalue().startswith("no migration is missing")


@pytest.mark.django_db
def test_the_command_says_why_others_must_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """With each migration's name, and ends with 1."""
    fine, ill = Migration("0098_fine", "access"), Migration("0099_ill", "access")
    fine.operations = [operations.AddField("a", "b", models.TextField(null=True))]
    ill.operations = [operations.AlterModelOptions("a", {}), operations.RemoveField("a", "b")]
    plan = [(fine, False), (ill, False)]
    monkeypatch.setattr(upgrade.MigrationExecutor, "migration_plan", lambda *_: plan)
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("check_upgrade", stdout=out)

    assert ended.value.code == 1
    assert out.getvalue().splitlines() == [
        "access.0098_fine: others may go on",
        "access.0099_ill: older processes read and write what it takes away",
        summary([Step("", "x")]),
    ]


@pytest.mark.django_db
def test_an_empty_database_has_no_release_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """All migrations are missing there, and none of them stops anybody."""
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _: {})

    steps = upgrade.missing()

    assert len(steps) > 40
    assert {step.stops for step in steps} == {""}
