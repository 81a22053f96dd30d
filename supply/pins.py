"""The pins of the locks: each package with its version, and the hashes of its files."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUN = ROOT / "requirements.txt"
KT = ROOT / "requirements-kt.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"

_PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([A-Za-z0-9.!+]+)(?: ; ([^\\]+?))?(?: \\)?")
_HASH = re.compile(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?")


@dataclass(frozen=True, slots=True)
class Pin:
    """A package at a version. `hashes` are SHA-256, one for each file that may be installed.

    `marker` says on which machines it is needed; empty for all.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """The package's url, as SBOMs and advisories name packages."""
        return f"pkg:pypi/{self.name}@{self.version}"


class LockError(ValueError):
    """A lock has a line that is neither a pin nor a hash; `make lock` writes it anew."""


def read(lock: Path) -> dict[str, Pin]:
    """The pins of a lock by normalised name, in order.

    Raises:
        LockError: a line cannot be read, or a pin has no hash.
    """
    pins: dict[str, Pin] = {}
    name = ""
    for number, line in enumerate(lock.read_text().splitlines(), 1):
        if match := _PIN.fullmatch(line):
            name = normalised(match[1])
            pins[name] = Pin(name, match[2], match[3] or "", ())
        elif name and (match := _HASH.fullmatch(line)):
            pin = pins[name]
            pins[name] = Pin(pin.name, pin.version, pin.marker, (*pin.hashes, match[1]))
        elif line and not line.startswith("#"):
            raise LockError(f"{lock.name}:{number}: no pin and no hash; write it by `make lock`")
    if bare := [pin.name for pin in pins.values() if not pin.hashes]:
        raise LockError(f"{lock.name}: {bare[0]} has no hash; write it by `make lock`")
    return pins


def normalised(name: str) -> str:
    """A package's name in the one spelling that indexes compare by."""
    return re.sub(r"[-_.]+", "-", name).lower()
