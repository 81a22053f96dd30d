"""`manage.py judge`: the present rules on what is in force."""

from typing import Any

import structlog
from django.core.management.base import BaseCommand

from configurations import judging, queries

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Judges what other rules judged last. The poller starts it after a new release."""

    help = "Judge what is in force by the rules of this release; it stays in force."

    def handle(self, *args: Any, **options: Any) -> None:
        count = judging.judge_all()
        log.info("judged what is in force", configurations=count, refused=queries.refused().count())
