"""Migrations leave processes of the release before at work: those name only columns they know."""

from django.apps import apps
from django.db.migrations import AddField
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

_OURS = {"access", "configurations", "events", "gateways", "gitrepos", "keeptrusts"}


def test_a_column_that_came_later_needs_no_value() -> None:
    """A row that an older process makes leaves it out, so the database has to know one."""
    migrations = MigrationLoader(None).disk_migrations
    added = {
        (app, operation.model_name, operation.name)
        for (app, _), migration in migrations.items()
        for operation in migration.operations
        if app in _OURS and isinstance(operation, AddField)
    }
    models = {(model._meta.app_label, model._meta.model_name): model for model in apps.get_models()}
    demanded = [
        (app, name, field.name)
        for (app, name), model in models.items()
        for field in model._meta.local_concrete_fields
        if (app, name, field.name) in added and not field.null and field.db_default is NOT_PROVIDED
    ]

    assert demanded == []
