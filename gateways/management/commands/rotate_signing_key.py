"""`manage.py rotate_signing_key`: replace the key that signs statements."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateways.signing import keys
from gateways.signing.keys import SigningKeyError
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor


class Command(BaseCommand):
    """Makes a new signing key, signed by the present one. Gateways follow by themselves.

    One that is lost signs nothing: then each gateway's trust must be reset.
    """

    help = "Replace the key that signs statements for gateways; they follow by themselves."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lost",
            action="store_true",
            help="The present key, or what opens it, is lost for good: nobody signs the new one.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        acting.begin(Actor("command", name="manage.py rotate_signing_key"))
        try:
            older, newer = keys.rotate(lost=options["lost"])
        except SigningKeyError as exc:
            raise CommandError(exc.message) from exc
        self.stdout.write(f"{older or 'no key before'} -> {newer}")
        follow = (
            "Rotate each gateway's token and run kt gateway reset-trust with it."
            if options["lost"]
            else "Gateways follow by themselves."
        )
        self.stdout.write(f"{follow} Make a backup now: older ones end here.")
