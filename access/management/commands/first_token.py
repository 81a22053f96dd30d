"""`manage.py first_token`: the first admin's token, made if there never was one."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from access import tokens
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor
from keeptrusts.env.secret_values import secret_file


class Command(BaseCommand):
    """Makes the first token if there never was one; prints where it is.

    The token itself is printed on a terminal alone: a log would keep it for ever.
    """

    help = "Make the first token, unless there ever was one, and say where it is."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option that shows the token itself."""
        parser.add_argument(
            "--show", action="store_true", help="Show the token; a terminal shows it anyway."
        )

    def handle(self, *args: Any, **options: Any) -> str:
        acting.begin(Actor("command", name="manage.py first_token"))
        given, path = settings.ENV.bootstrap_token, settings.ENV.data_dir / "admin-token"
        if not tokens.any_made():
            text = given or secret_file(path)
            if (
                tokens.bootstrap(text)
                and not given
                and (options.get("show") or sys.stdout.isatty())
            ):
                return f"{text}  (kept in {path})"
        token = tokens.find(given or _kept(path))
        if token is None or not tokens.is_valid(token):
            return "made earlier; `manage.py create_token NAME` makes another"
        return "the one in KEEPTRUSTS_BOOTSTRAP_TOKEN" if given else f"in {path}"


def _kept(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""
