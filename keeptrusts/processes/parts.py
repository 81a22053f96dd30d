"""The parts of this stack that are down, as the parent notes them for the web."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings


def write(down: Mapping[str, str]) -> None:
    """Note what is wrong with each part that does not run. Raises: `OSError`."""
    draft = _path().with_suffix(".new")
    draft.write_text(json.dumps(down))
    os.replace(draft, _path())


def down() -> dict[str, str]:
    """What is wrong with each part that does not run."""
    try:
        noted: dict[str, str] = json.loads(_path().read_text())
    except FileNotFoundError:
        return {}  # The web runs without the others, which somebody else looks after.
    return noted


def _path() -> Path:
    path: Path = settings.ENV.data_dir / "parts.json"
    return path
