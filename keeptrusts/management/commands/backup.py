"""`manage.py backup FILE`: the whole database in one file, while the control plane runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from keeptrusts.parent.preparing import refused
from keeptrusts.saving import database
from keeptrusts.saving.archive import ArchiveError


class Command(BaseCommand):
    """Writes a backup."""

    help = (
        "Write the whole database, as of one moment, to a new file. Stored secrets stay sealed in"
        " it; keep KEEPTRUSTS_SECRET_KEY, or the file secret-key, in another place."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that is not there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            rows = database.backup(path)
        except ArchiveError as exc:
            raise CommandError(str(exc)) from exc
        except Error as exc:
            raise CommandError(refused(exc)) from exc
        self.stdout.write(f"{path}: {rows:,} rows, {path.stat().st_size:,} bytes")
