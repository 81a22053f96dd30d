"""`manage.py rotate_signing_key`: replace the key that signs statements."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateways.signing import keys
from gateways.signing.keys import KeyUnreadableError
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor


class Command(BaseCommand):
    """Makes a new signing key, signed by the present one. Gateways follow by themselves."""

    help = "Replace the key that signs statements for gateways; they follow by themselves."

    def handle(self, *args: Any, **options: Any) -> None:
        acting.begin(Actor("command", name="manage.py rotate_signing_key"))
        try:
            older, newer = keys.rotate()
        except KeyUnreadableError as exc:
            raise CommandError(exc.message) from exc
        self.stdout.write(f"{older or 'no key before'} -> {newer}")
        self.stdout.write("Gateways follow by themselves. Make a backup now: older ones end here.")
