"""The command `manage.py forget_claims`: end the claims of workers that are gone."""

from typing import Any

from django.core.management.base import BaseCommand

from gitrepos.polling import claims


class Command(BaseCommand):
    """Ends every claim on a remote; only for use while no worker runs."""

    help = "End every claim on a remote, so that none waits for a lease. Stop all workers first."

    def handle(self, *args: Any, **options: Any) -> None:
        claims.forget_all()
