"""Django's configuration of the package."""

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    """The log of evidence."""

    name = "evidence"
