"""Parts of the stack that are down, written by the parent and read by the web."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

_NAME = "parts.json"


def write(data_dir: Path, down: Mapping[str, str]) -> None:
    """Write the problem of each part that does not run, into the data folder.

    Raises:
        OSError: the file cannot be written.
    """
    path = data_dir / _NAME
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(down))
    os.replace(draft, path)


def down(data_dir: Path) -> dict[str, str]:
    """The problem of each part that does not run, by name."""
    try:
        noted: dict[str, str] = json.loads((data_dir / _NAME).read_text())
    except FileNotFoundError:
        return {}  # The web runs without `manage.py up`.
    return noted
