"""A release in one folder, from which everything installs with the network off.

`python -m supply.bundle FOLDER URL` makes FOLDER, which must not be there, of the commit that is
checked out. URL is where its files will be served. It holds:

- `wheels/`: `kt` and all that the control plane and the gateway need on machines of this kind and
  with this version of Python; `kt.lock` has the hashes of what `kt` needs
- `keeptrusts-VERSION.tar.gz`: the checkout, from which the control plane runs, with its documents
- `cli`: `deploy/get.sh`, which installs `kt` of this release and no other
- `sbom.json`, and `SHA256SUMS` of all of these
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from supply import pins, sbom

_ROOT = pins.ROOT
_URL = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(/[A-Za-z0-9._~/-]*)?")


class BundleError(Exception):
    """The release cannot be made; the message says why."""


def write(folder: Path, url: str) -> None:
    """Make the release.

    Raises:
        BundleError: the folder is there, the url is none, or git or pip failed.
    """
    if not _URL.fullmatch(url):
        raise BundleError(f"{url!r} is no url; write such as https://get.example/kt")
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise BundleError(f"{folder} is there already; remove it or name another") from None
    wheels = folder / "wheels"
    _download(wheels)
    lock = kt_lock(_own_wheel(folder, wheels), pins.KT)
    (wheels / "kt.lock").write_text(lock)
    script = stamped((_ROOT / "deploy/get.sh").read_text(), lock, f"{url.rstrip('/')}/wheels")
    (folder / "cli").write_text(script)
    (folder / "sbom.json").write_text(json.dumps(sbom.build(pins.read(pins.RUN)), indent=2) + "\n")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{_sha256(path)}  {path.relative_to(folder)}\n" for path in files)
    (folder / "SHA256SUMS").write_text(sums)


def kt_lock(wheel: Path, lock: Path) -> str:
    """What pip needs to install this wheel of `kt`, with its gateway, and takes nothing else for.

    `lock` has what it needs.
    """
    name, version, _ = wheel.name.split("-", 2)
    return f"{name}=={version} --hash=sha256:{_sha256(wheel)}\n{lock.read_text()}"


def stamped(script: str, lock: str, url: str) -> str:
    """`deploy/get.sh` for the release that has this list, served at `url`.

    Raises:
        BundleError: the script has not one place for each.
    """
    for name, value in (
        ("lock_sha256", hashlib.sha256(lock.encode()).hexdigest()),
        ("released_at", url),
    ):
        script, count = re.subn(rf"\b{name}='' # set by make bundle", f"{name}='{value}'", script)
        if count != 1:
            raise BundleError(f"deploy/get.sh has no place for {name}")
    return script


def any_patch(lock: str) -> str:
    """A lock that wants what any patch release of this version of Python needs.

    Debian's 3.11.2 has to install what the 3.11.7 of whoever makes the release fetched.
    """
    return re.sub(r" ; python_full_version [<>]=? '[0-9.]+'", "", lock)


def _download(wheels: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
        lock.write(any_patch(pins.RUN.read_text()))
        lock.flush()
        _pip("download", "--require-hashes", "--only-binary", ":all:", "--requirement", lock.name,
             "--dest", wheels)  # fmt: skip


def _own_wheel(folder: Path, wheels: Path) -> Path:
    """Build `kt` of the commit, with the pinned backend; its archive stays in `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "source.tar.gz"
        _call("git", "-C", _ROOT, "archive", "--prefix", "source/", "--output", archive, "HEAD")
        with tarfile.open(archive) as source:
            source.extractall(scratch, filter="data")
        _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels,
             Path(scratch) / "source")  # fmt: skip
    (wheel,) = wheels.glob("keeptrusts-*.whl")
    name = "-".join(wheel.name.split("-")[:2])
    _call("git", "-C", _ROOT, "archive", "--prefix", f"{name}/",
          "--output", folder.absolute() / f"{name}.tar.gz", "HEAD")  # fmt: skip
    return wheel


def _pip(command: str, *arguments: str | Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    _call(sys.executable, "-m", "pip", command, *quiet, *arguments)


def _call(*command: str | Path) -> None:
    if (status := subprocess.run(command, check=False).returncode) != 0:
        raise BundleError(f"{Path(command[0]).name} ended with {status}; see above")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: list[str]) -> int:
    """Make what the arguments say; returns the exit status."""
    if len(arguments) != 2:
        print("usage: python -m supply.bundle FOLDER URL", file=sys.stderr)
        return 2
    folder, url = arguments
    try:
        write(Path(folder), url)
    except BundleError as exc:
        print(f"bundle: {exc}", file=sys.stderr)
        return 1
    print(f"{folder} has the release; serve it at {url}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
