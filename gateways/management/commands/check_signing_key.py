"""`manage.py check_signing_key`: whether what gateways enforce can be signed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateways.signing import keys
from gateways.signing.keys import SigningKeyError


class Command(BaseCommand):
    """Makes the first signing key; fails when the present one is gone or cannot be opened.

    It is also the proof that this is the `KEEPTRUSTS_SECRET_KEY` of the database.
    """

    help = "Fail when the signing key is gone or cannot be opened; make the first one."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            keys.ensure()
        except SigningKeyError as exc:
            raise CommandError(exc.message) from exc
