"""`manage.py rotate_signing_key`: sign with a new key from now on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateways.signing import keys
from gateways.signing.keys import KeyUnreadableError


class Command(BaseCommand):
    """Makes a key that the present one vouches for. Gateways follow by themselves."""

    help = "Sign what gateways are told with a new key, which the present one vouches for."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            older, newer = keys.rotate()
        except KeyUnreadableError as exc:
            raise CommandError(exc.message) from exc
        self.stdout.write(f"{older or 'no key before'} -> {newer}")
