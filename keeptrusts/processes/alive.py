"""Signs of life of the parts that nobody can ask: the time of a file each, in the data folder."""

import os
import shutil
import time
from pathlib import Path

# Each part gives one so often, where it can do its work.
EVERY_SECONDS = 2.0
_LATE_SECONDS = 10.0
_FOLDER = "alive"


def begin(data_dir: Path) -> None:
    """Forget the signs of those that ran before.

    Raises:
        OSError: the folder cannot be made.
    """
    folder = data_dir / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def sign(data_dir: Path, part: str) -> None:
    """Give a sign of life.

    Raises:
        OSError: the file cannot be written.
    """
    path = data_dir / _FOLDER / part
    try:
        os.utime(path)
    except FileNotFoundError:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def is_alive(data_dir: Path, part: str) -> bool:
    """Whether a part gave a sign within the last ten seconds."""
    try:
        signed_at = (data_dir / _FOLDER / part).stat().st_mtime
    except OSError:
        return False
    return abs(time.time() - signed_at) < _LATE_SECONDS
