"""`manage.py rotate_secrets`: seal all secrets anew, after a key was added."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from keeptrusts import sealing


class Command(BaseCommand):
    """Seals all secrets under the first key; status 1 when one could not be opened."""

    help = "Seal every stored secret under the first key of KEEPTRUSTS_SECRET_KEY."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--unbound",
            action="store_true",
            help="also seal secrets from releases that did not bind them to the url they go to",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        done = sealing.reseal_all(unbound=options["unbound"])
        self.stdout.write(f"sealed {done.sealed} secrets under the first key")
        for row in done.lost:
            self.stderr.write(f"no key opens the secret of {row}; send it again")
        if done.lost:
            raise CommandError(f"{len(done.lost)} secrets could not be opened")
