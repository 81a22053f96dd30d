"""A release in one folder, from which everything installs with the network off.

`python -m supply.bundle FOLDER URL [KEY]` makes FOLDER, which must not be there, of the commit that
is checked out. URL is where its files will be served, KEY the file of an Ed25519 private key in PEM
that signs. It holds:

- `wheels/`: `kt` and all that the control plane and the gateway need on machines of this kind and
  with this version of Python; `kt.lock` has the hashes of what `kt` needs
- `keeptrusts-VERSION.tar.gz`: the checkout, from which the control plane runs, with its documents
- `cli`: `deploy/get.sh`, which installs `kt` of this release and no other, or a gateway's unit
- `sbom.json`, `SHA256SUMS` of all of these, and where there is a key `SHA256SUMS.sig`
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from supply import pins, sbom

_ROOT = pins.ROOT
_OF_GATEWAYS = (("unit", "keeptrusts-gateway.service"), ("settings", "gateway.env"))
_URL = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(/[A-Za-z0-9._~/-]*)?")


class BundleError(Exception):
    """The release cannot be made; the message says why."""


def write(folder: Path, url: str, key: Ed25519PrivateKey | None = None) -> None:
    """Make the release; `key` signs it.

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
    for _, name in _OF_GATEWAYS:
        shutil.copy(_ROOT / "deploy/systemd" / name, wheels)
    script = stamped((_ROOT / "deploy/get.sh").read_text(), lock, f"{url.rstrip('/')}/wheels")
    (folder / "cli").write_text(script)
    (folder / "sbom.json").write_text(json.dumps(sbom.build(pins.read(pins.RUN)), indent=2) + "\n")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{_sha256(path)}  {path.relative_to(folder)}\n" for path in files)
    (folder / "SHA256SUMS").write_text(sums)
    if key is not None:
        (folder / "SHA256SUMS.sig").write_bytes(key.sign(sums.encode()))


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The key of a file.

    Raises:
        BundleError: there is none in it.
    """
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as exc:
        raise BundleError(f"{file}: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(f"{file}: write one by `openssl genpkey -algorithm ed25519`")
    return key


def public(key: Ed25519PrivateKey) -> str:
    """What `KEEPTRUSTS_RELEASE_KEY` is for whoever checks what a key signed."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    encoded = key.public_key().public_bytes(serialization.Encoding.DER, form)
    return base64.b64encode(encoded).decode()


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
    units = _ROOT / "deploy/systemd"
    for name, value in (
        ("lock_sha256", hashlib.sha256(lock.encode()).hexdigest()),
        *((f"{which}_sha256", _sha256(units / file)) for which, file in _OF_GATEWAYS),
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
        # Debian's 3.11.2 knows no filter of tarfile's, and later ones warn without one.
        _call("tar", "-xzf", archive, "-C", scratch)
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
    if len(arguments) not in (2, 3):
        print("usage: python -m supply.bundle FOLDER URL [KEY]", file=sys.stderr)
        return 2
    folder, url, *file = arguments
    try:
        key = signing_key(Path(file[0])) if file else None
        write(Path(folder), url, key)
    except BundleError as exc:
        print(f"bundle: {exc}", file=sys.stderr)
        return 1
    print(f"{folder} has the release; serve it at {url}")
    if key is not None:
        print(f"it is signed; KEEPTRUSTS_RELEASE_KEY={public(key)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
