"""Earlier releases of the product, as files: `tests/releases/` has an archive of each."""

import tarfile
from functools import lru_cache
from pathlib import Path

ARCHIVES = Path(__file__).resolve().parents[1] / "releases"
# As it stood before it could run on several machines.
ONE_MACHINE = ARCHIVES / "one-machine.tar.xz"


@lru_cache(maxsize=1)
def migrations(archive: Path) -> dict[str, bytes]:
    """The migrations of a release, by their path."""
    with tarfile.open(archive) as files:
        return {
            one.name: held.read()
            for one in files
            if "/migrations/" in one.name and (held := files.extractfile(one)) is not None
        }


def extracted(archive: Path, folder: Path) -> Path:
    """A checkout of a release."""
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return folder
