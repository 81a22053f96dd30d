"""`manage.py openapi`: print the API's document, or with `--check` only whether it is complete."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from openapi import document
from openapi.endpoints import UndescribedError


class Command(BaseCommand):
    """Prints the API's document."""

    help = "Print the API's document (OpenAPI 3.1)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say what it lacks")

    def handle(self, *_: Any, check: bool, **__: Any) -> str:
        try:
            document.check()
        except (UndescribedError, document.DocumentError) as exc:
            raise CommandError(str(exc)) from exc
        return "" if check else document.kept()[0].decode()
