"""`manage.py judge`: judging what is in force by the present rules."""

from typing import Any

import structlog
from django.core.management.base import BaseCommand

from configurations import judging, queries

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Judges configurations that other rules judged last. The poller starts it after an upgrade."""

    help = "Check what is in force by the rules of this release; nothing leaves force."

    def handle(self, *args: Any, **options: Any) -> None:
        count = judging.judge_all()
        log.info("judged what is in force", configurations=count, refused=queries.refused().count())
