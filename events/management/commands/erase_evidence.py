"""`manage.py erase_evidence TEXT`: erase values of evidence that have a text in them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from events import audit
from evidence import erasure
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor

_LEAST = 3


class Command(BaseCommand):
    """Erases values; the log, and what else is proven by it, stays."""

    help = "Erase every value of evidence that has a text in it, such as a person's address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text", help="the text, as it is written there")

    def handle(self, *_args: Any, **options: Any) -> None:
        if len(options["text"]) < _LEAST:
            raise CommandError(f"A text of {_LEAST} characters or more: less is nearly everywhere.")
        acting.begin(Actor("command", name="manage.py erase_evidence"))
        with transaction.atomic():
            count = erasure.erase(options["text"])
            # Not what was erased: it would be there again.
            audit.record("evidence.erased", "evidence", after={"values": count})
        self.stdout.write(f"erased {count} values")
