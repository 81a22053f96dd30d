"""Forms of the log's lines: for people, or a JSON object each."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from kt.tracing import present


class ForPeople(logging.Formatter):
    """`kt: ` and the message, with the id of its trace where it has one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, and those of a traceback."""
        text = f"kt: {super().format(record)}"
        trace = present.trace()
        return f"{text} trace_id={trace.trace_id}" if trace else text


class AsJSON(logging.Formatter):
    """An object: `timestamp`, `level`, `event`, `logger`; `trace_id`, `exception` where there are.

    The names are those of the control plane's log.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        trace = present.trace()
        if trace is not None:
            line["trace_id"] = trace.trace_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


FORMATS: dict[str, type[logging.Formatter]] = {"text": ForPeople, "json": AsJSON}
"""Each form by the name that an operator gives."""
