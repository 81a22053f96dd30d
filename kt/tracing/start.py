"""The exporter of a process, imported where somebody said where spans go, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kt.tracing.exporter import Exporter

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def exporter(environ: Mapping[str, str], *, service: str) -> Exporter | None:
    """The exporter that the environment asks for; None where spans go nowhere.

    Raises:
        SettingsError: a variable cannot be used.
    """
    if not any(environ.get(name) for name in _ENDPOINTS):
        return None
    from kt.tracing import settings
    from kt.tracing.exporter import Exporter

    found = settings.read(environ, service=service)
    return Exporter(found) if found else None
