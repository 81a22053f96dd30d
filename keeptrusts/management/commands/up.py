"""`manage.py up`: run all processes of the control plane, or some, under one parent."""

import sys
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand

from keeptrusts.parent import up


class Command(BaseCommand):
    """Runs the parent; `manage.py` itself does so without Django."""

    help = "Run the control plane: web, streams, workers, beat and, without REDIS_URL, a broker."
    requires_system_checks = ()

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Run the parent, which reads its arguments itself."""
        sys.exit(up.main(argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(up.main(()))
