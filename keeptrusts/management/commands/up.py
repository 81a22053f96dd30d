"""`manage.py up`: run all processes of the control plane under one parent."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from keeptrusts.parent import up


class Command(BaseCommand):
    """Runs the parent; `manage.py` itself does so without Django."""

    help = "Run the control plane: web, events, workers, beat and, without REDIS_URL, a broker."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(up.main())
