"""Logging to standard error, one line for each event: of key=value, or a JSON object."""

import logging
from typing import Any

import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def dict_config(form: str) -> dict[str, Any]:
    """Django's `LOGGING`, with records of the standard library and structlog in one form.

    `form` is `text` or `json`.
    """
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": _formatter, "form": form}},
        "filters": {"refusals": {"()": _Refusals}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Celery logs each task twice at INFO; with a tick a second that would fill the log.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django.request": {"filters": ["refusals"]},
            "django.security": {"level": "CRITICAL"},  # It is answered with 4xx.
        },
    }


class _Refusals(logging.Filter):
    """Drops Django's records of 4xx and 503, which the caller is told anyway."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", 500) in (500, None)


def _formatter(form: str) -> structlog.stdlib.ProcessorFormatter:
    lines: Any = structlog.processors.KeyValueRenderer(
        key_order=["timestamp", "level", "event"], sort_keys=True
    )
    if form == "json":
        lines = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.processors.format_exc_info],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            lines,
        ],
    )
