"""A bare Debian 12 in a folder, and the same booted: its systemd as process 1 of namespaces.

Wants root and Debian's `debootstrap` (`apt install debootstrap`). KEEPTRUSTS_TEST_DEBIAN may name
a folder that has one already, with `PACKAGES`, and KEEPTRUSTS_TEST_DEBIAN_BASE one without.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.support.stack import wait_for

# Debian's own: nothing of them is ours, and the machine has no network later.
PACKAGES = (
    "git", "make", "python3-venv", "openssl", "postgresql", "caddy", "prometheus",
    "ca-certificates", "curl", "util-linux",
)  # fmt: skip
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UP = ("running\n", "degraded\n")
_BOOT = """
set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t sysfs sysfs "$1/sys"
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
mount -t tmpfs tmpfs "$1/run"
mount --rbind /dev "$1/dev"
cd "$1"
mkdir -p run/before
# Not chroot: the kernel gives nobody in one a user namespace.
pivot_root . run/before
exec chroot . sh -c 'umount -l /run/before; exec env -i container=test "PATH=$1" \
  /lib/systemd/systemd --show-status=no systemd.unit=multi-user.target' sh "$2"
"""


def install(folder: Path) -> Path:
    """A bare Debian with `PACKAGES`, copied or made in `folder`."""
    if given := os.environ.get("KEEPTRUSTS_TEST_DEBIAN"):
        return copied(Path(given), folder)
    return add(base(folder), "systemd", "dbus", *PACKAGES)


def base(folder: Path) -> Path:
    """A Debian with what each has, copied or made in `folder`: what `debian:bookworm-slim` is."""
    if given := os.environ.get("KEEPTRUSTS_TEST_DEBIAN_BASE"):
        return copied(Path(given), folder)
    assert shutil.which("debootstrap"), "apt install debootstrap"
    _run("debootstrap", "--variant=minbase", "bookworm", folder)
    return folder


def add(folder: Path, *packages: str) -> Path:
    """Have Debian's packages in a folder, too."""
    apt = ("chroot", folder, "apt-get", "--quiet", "--yes")
    _run(*apt, "update")
    _run(*apt, "install", "--no-install-recommends", *packages, DEBIAN_FRONTEND="noninteractive")
    return folder


def copied(folder: Path, to: Path) -> Path:
    """Another folder with the same files, of the same owners."""
    _run("cp", "--archive", "--one-file-system", "--reflink=auto", folder, to)
    return to


class Machine:
    """A booted Debian."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._outer = subprocess.Popen(
            ["unshare", "--pid", "--mount", "--cgroup", "--uts", "--ipc", "--net", "--fork",
             "--kill-child", "sh", "-c", _BOOT, "sh", folder, _PATH],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        self._first = wait_for(lambda: children.read_text().strip())
        # Before that it is a shell, whose root may be the one of this machine.
        wait_for(lambda: Path(f"/proc/{self._first}/comm").read_text() == "systemd\n")
        wait_for(lambda: self.does("systemctl is-system-running").stdout in _UP)

    def does(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script on it, as root; returns how that ended."""
        return subprocess.run(
            ["nsenter", "--target", self._first, "--all", "--root", "--wd", "sh", "-euc",
             f"umask 022\n{script}"],
            env={"PATH": _PATH, "HOME": "/root", **environment},
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def runs(self, script: str, **environment: str) -> str:
        """Run a script that must end well; returns what it prints."""
        done = self.does(script, **environment)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}{self.journal()}"
        return done.stdout

    def journal(self) -> str:
        """The last lines of its log."""
        return self.does("journalctl --no-pager --lines 60 --output cat").stdout

    def end(self) -> None:
        """Cut its power."""
        self._outer.send_signal(signal.SIGKILL)
        self._outer.wait(timeout=300)


def _run(*command: str | Path, **environment: str) -> str:
    env = {"PATH": _PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", **environment}
    # Scripts of packages make files for all, as where they are installed by hand.
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=1800, umask=0o022
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-5000:]}{done.stderr[-5000:]}"
    return done.stdout
