"""`manage.py doctor`: says what is wrong, and what helps."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error
from django.utils.module_loading import import_string

from keeptrusts.api.printable import printable
from keeptrusts.doctor import machine
from keeptrusts.doctor.findings import Finding, sorted_by_level


class Command(BaseCommand):
    """Prints findings, the worst first; exits with 1 where something is wrong."""

    help = (
        "Say what is wrong with database, broker, beat, clocks, disk, keys, forges, certificates"
        " and gateways, and what helps. Exits with 1 where something is; changes nothing."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(machine.findings())
        for name in settings.DOCTORS:
            try:
                found += import_string(name)()
            except (Error, redis.RedisError) as exc:
                # Why these fail is among what was found of the machine.
                words = f"cannot be looked at: {' '.join(str(exc).split())}"
                found.append(Finding(name.partition(".")[0], "wrong", words))
        found = sorted_by_level(found)
        if options["json"]:
            self.stdout.write(json.dumps(printable([one._asdict() for one in found]), indent=2))
        else:
            for one in found:
                self.stdout.write(str(printable(_line(one))))
        if any(one.level == "wrong" for one in found):
            sys.exit(1)


def _line(found: Finding) -> str:
    words = f"{found.message.removesuffix('.')}; {found.help}" if found.help else found.message
    return f"{found.level:<7}  {found.check:<13}  {words}"
