"""`make run` on a machine that has nothing of the project."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import ROOT, free_port, is_running, wait_for


@pytest.fixture
def clone() -> Iterator[Path]:
    """A fresh clone that belongs to another user when the tests run as root.

    Not below pytest's folder: every other run of pytest closes that one to other users.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        target = Path(shutil.copytree(_tracked(folder), folder / "clone"))
        (folder / "home").mkdir()
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "nobody", str(folder)], check=True)
        yield target
    finally:
        shutil.rmtree(folder)


def _tracked(folder: Path) -> Path:
    """What git tracks, as it stands in the working tree."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    target = folder / "tracked"
    for name in filter(None, names.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.mark.soak  # It installs everything anew, as whoever runs these tests just did.
def test_make_run_needs_python_git_and_make_alone(clone: Path) -> None:
    """With an empty environment and an empty home, as a user who owns nothing else."""
    port = free_port()
    user = "nobody" if os.geteuid() == 0 else None
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin") or "python3"
    log = clone.parent / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run", f"PYTHON={python}"],
            cwd=clone,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": str(clone.parent / "home"),
                "KEEPTRUSTS_LISTEN": f"127.0.0.1:{port}",
                "KEEPTRUSTS_EVENTS_LISTEN": f"127.0.0.1:{free_port()}",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(lambda: "Keeptrusts is up." in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        assert f"http://127.0.0.1:{port}/v1" in log.read_text()
        assert (clone / ".venv" / "bin" / "kt").exists()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=300)
    assert not is_running(process.pid)
