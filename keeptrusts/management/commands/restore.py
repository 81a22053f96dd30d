"""`manage.py restore FILE`: a backup into an empty database, of whichever kind."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from keeptrusts.parent import folder
from keeptrusts.parent.preparing import refused
from keeptrusts.saving import database
from keeptrusts.saving.archive import ArchiveError


class Command(BaseCommand):
    """Restores a backup."""

    help = (
        "Fill an empty database with a backup, whole or not at all. It wants the release and the"
        " KEEPTRUSTS_SECRET_KEY that it was made with; SQLite's may go into PostgreSQL, and back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="what `manage.py backup` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with folder.locked(settings.ENV.data_dir):
                rows = database.restore(path)
        except (ArchiveError, folder.InUseError) as exc:
            raise CommandError(str(exc)) from exc
        except Error as exc:
            raise CommandError(refused(exc)) from exc
        self.stdout.write(f"{path}: {rows:,} rows restored; start the control plane")
