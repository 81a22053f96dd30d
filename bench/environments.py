"""Virtual environments of compared programs, kept between runs since they take a while."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

OPAL = ("opal-server==0.9.9", "aiofiles")  # The second is missing from what the first names.


def opal_python(envs: Path) -> Path:
    """The interpreter of an environment with OPAL's server."""
    home = envs / "opal"
    python = home / "bin/python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
        uv = home / "bin/uv"
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *OPAL], check=True)
    return python
