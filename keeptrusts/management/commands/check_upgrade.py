"""`manage.py check_upgrade`: whether the release before may run on while this one migrates."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from keeptrusts.doctor import upgrade
from keeptrusts.parent.preparing import refused


class Command(BaseCommand):
    """Prints the missing migrations, and what to do; changes nothing."""

    help = (
        "Say which migrations this release brings, whether processes of the release before may go"
        " on meanwhile, and what to do. Exits with 1 where they have to stop; changes nothing."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            steps = upgrade.missing()
        except Error as exc:
            raise CommandError(refused(exc)) from exc
        for step in steps:
            self.stdout.write(f"{step.name}: {step.stops or 'others may go on'}")
        self.stdout.write(upgrade.summary(steps))
        if any(step.stops for step in steps):
            sys.exit(1)
