"""Virtual environments of compared programs, kept between runs since they take a while."""

from __future__ import annotations

import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

NINJA = ("django-ninja==1.4.5", "django==5.2.8", "psycopg[binary]")
OPAL = ("opal-server==0.9.9", "aiofiles")  # The second is missing from what the first names.


def opal_python(envs: Path) -> Path:
    """The interpreter of an environment with OPAL's server."""
    return _python(envs / "opal", OPAL)


def ninja_python(envs: Path) -> Path:
    """The interpreter of an environment with django-ninja.

    Raises:
        CalledProcessError: it could not be installed.
    """
    return _python(envs / "ninja", NINJA)


def _python(home: Path, packages: Sequence[str]) -> Path:
    python, done = home / "bin/python", home / "installed"
    if not done.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
        uv = home / "bin/uv"
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *packages], check=True)
        done.touch()
    return python
