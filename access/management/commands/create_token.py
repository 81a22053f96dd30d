"""`manage.py create_token NAME`: a new token, also when no valid one is left."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from access import tokens
from access.roles import ADMIN, ROLES
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor


class Command(BaseCommand):
    """Makes a token and prints it once. Whoever can run `manage.py` may do so."""

    help = "Make a token and print it. It is shown once and lasts until it is revoked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what it is for, as GET /v1/tokens will show it")
        parser.add_argument("--role", choices=list(ROLES), default=ADMIN)
        which = "an address that its holder commits with; may be given again"
        parser.add_argument("--email", action="append", type=str.lower, default=[], help=which)

    def handle(self, *args: Any, **options: Any) -> None:
        acting.begin(Actor("command", name="manage.py create_token"))
        try:
            self._make(options)
        except Error as exc:
            raise CommandError(
                f"there is no control plane in {settings.ENV.data_dir}, or its database fails: run"
                f" this where it runs, with its settings ({' '.join(str(exc).split())})"
            ) from exc

    def _make(self, options: dict[str, Any]) -> None:
        made = tokens.create(options["name"], role=options["role"], emails=options["email"])
        self.stdout.write(made[1])
