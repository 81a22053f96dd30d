"""The locks: every pin with its hashes, and what pip does with a file that has another."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker

from supply import pins
from supply.pins import LockError

HASH = "0" * 64


@pytest.mark.parametrize("lock", [pins.RUN, pins.DEVELOPMENT], ids=lambda path: path.stem)
def test_every_pin_has_the_hashes_of_its_files(lock: Path) -> None:
    """And each that is asked for is pinned at the version asked for."""
    locked = pins.read(lock)
    asked = re.findall(
        r"^([A-Za-z0-9._-]+)\S*?==([\w.!+]+)", lock.with_suffix(".in").read_text(), re.M
    )

    assert len(asked) > 10
    assert {pins.normalised(name): version for name, version in asked}.items() <= {
        name: pin.version for name, pin in locked.items()
    }.items()
    assert min(len(pin.hashes) for pin in locked.values()) >= 1


def test_what_is_installed_is_what_is_pinned() -> None:
    """These tests run on the locks' versions, of all that this machine needs."""
    locked = {**pins.read(pins.DEVELOPMENT), **pins.read(pins.RUN)}
    needed = [pin for pin in locked.values() if not pin.marker or Marker(pin.marker).evaluate()]

    assert {pin.name: metadata.version(pin.name) for pin in needed} == {
        pin.name: pin.version for pin in needed
    }


def test_both_locks_agree() -> None:
    """A package of both has one version."""
    run, development = pins.read(pins.RUN), pins.read(pins.DEVELOPMENT)

    assert [name for name in run.keys() & development if run[name] != development[name]] == [
        name
        for name in run.keys() & development
        if run[name].version == development[name].version
        and run[name].hashes == development[name].hashes
        and run[name].marker != development[name].marker
    ]


def test_the_build_backend_is_the_pinned_one() -> None:
    """`pyproject.toml` names the version whose hash the lock has."""
    asked = tomllib.loads((pins.ROOT / "pyproject.toml").read_text())["build-system"]["requires"]

    assert asked == [f"setuptools=={pins.read(pins.RUN)['setuptools'].version}"]


@pytest.mark.parametrize(
    "text",
    [
        "django==5.2.19\n",
        f"django>=5 \\\n    --hash=sha256:{HASH}\n",
        f"    --hash=sha256:{HASH}\n",
        f"django==5.2.19 \\\n    --hash=sha256:{HASH[1:]}\n",
        f"django==5.2.19 \\\n    --hash=md5:{HASH}\n",
        f"-e .\ndjango==5.2.19 \\\n    --hash=sha256:{HASH}\n",
        "django @ https://example.org/django.tar.gz\n",
    ],
)
def test_a_lock_that_holds_nothing_is_refused(text: str, tmp_path: Path) -> None:
    """A line that pip would take without a hash, or that is no pin."""
    (lock := tmp_path / "requirements.txt").write_text(text)

    with pytest.raises(LockError, match="make lock"):
        pins.read(lock)


def test_pip_refuses_a_file_of_another_hash(tmp_path: Path) -> None:
    """The lock holds by itself, without an option: one wrong hash, and nothing is installed."""
    version = pins.read(pins.DEVELOPMENT)["iniconfig"].version
    (wheels := tmp_path / "wheels").mkdir()
    (wheels / f"iniconfig-{version}-py3-none-any.whl").write_bytes(b"PK, but not what was pinned")
    (lock := tmp_path / "requirements.txt").write_text(
        f"iniconfig=={version} \\\n    --hash=sha256:{HASH}\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--no-deps",
         "--find-links", str(wheels), "--target", str(tmp_path / "there"), "-r", str(lock)],
        capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "there").exists()
