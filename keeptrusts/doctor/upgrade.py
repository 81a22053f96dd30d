"""Missing migrations, and whether processes of the release before may go on over each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.migrations import operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation

_READ_BEFORE = "older processes read and write what it takes away"
_ONCE = "older processes may not write what it checks"
_UNKNOWN = "what it does cannot be told"


class Step(NamedTuple):
    """A missing migration, and why older processes must stop before it; empty where they need not.

    `name` is `package.number_name`.
    """

    name: str
    stops: str


def missing() -> list[Step]:
    """The migrations that the database has yet to get, in their order.

    None of them stops anybody where it had none: no process works on an empty database.
    """
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    rule = stops if executor.loader.applied_migrations else _fine
    return [
        Step(f"{one.app_label}.{one.name}", next(filter(None, map(rule, one.operations)), ""))
        for one, _ in plan
    ]


def stops(operation: Operation) -> str:
    """Why processes of the release before must not run when this is done; empty if they may."""
    return _RULES.get(type(operation), lambda _: _UNKNOWN)(operation)


def _added(operation: Any) -> str:
    field = operation.field
    if field.null or field.has_db_default() or field.many_to_many:
        return ""
    return "older processes insert rows without it, and it has neither a default there nor null"


def _separate(operation: Any) -> str:
    return next(filter(None, map(stops, operation.database_operations)), "")


def _fine(_: Operation) -> str:
    return ""


def _taken(_: Operation) -> str:
    return _READ_BEFORE


def _checked(_: Operation) -> str:
    return _ONCE


_Rules = Mapping[type[Operation], Callable[[Any], str]]
_RULES: _Rules = {
    operations.CreateModel: _fine,
    operations.AddIndex: _fine,
    operations.RemoveIndex: _fine,
    operations.RenameIndex: _fine,
    operations.RemoveConstraint: _fine,
    operations.AlterModelOptions: _fine,
    operations.AlterModelManagers: _fine,
    operations.AlterModelTableComment: _fine,
    operations.AddField: _added,
    operations.AddConstraint: _checked,
    operations.AlterField: _checked,
    operations.AlterUniqueTogether: _checked,
    operations.DeleteModel: _taken,
    operations.RemoveField: _taken,
    operations.RenameField: _taken,
    operations.RenameModel: _taken,
    operations.AlterModelTable: _taken,
    operations.SeparateDatabaseAndState: _separate,
}


def summary(steps: Sequence[Step]) -> str:
    """What to do, in a sentence."""
    if not steps:
        return "no migration is missing: start processes of this release beside the others"
    if any(step.stops for step in steps):
        return (
            "back up, stop all processes of the release before, start one control plane of this"
            " release, which migrates, then the others"
        )
    return (
        "back up, start one control plane of this release, which migrates, while the others go on;"
        " then replace them, and the gateways last"
    )
