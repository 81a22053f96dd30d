"""Parts of the stack that are down, written by the parent and read by the web."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings


def write(down: Mapping[str, str]) -> None:
    """Write the problem of each part that does not run.

    Raises:
        OSError: the file cannot be written.
    """
    draft = _path().with_suffix(".new")
    draft.write_text(json.dumps(down))
    os.replace(draft, _path())


def down() -> dict[str, str]:
    """The problem of each part that does not run, by name."""
    try:
        noted: dict[str, str] = json.loads(_path().read_text())
    except FileNotFoundError:
        return {}  # The web runs without `manage.py up`.
    return noted


def _path() -> Path:
    path: Path = settings.ENV.data_dir / "parts.json"
    return path
