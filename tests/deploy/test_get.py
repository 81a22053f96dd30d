"""`deploy/get.sh`, as a shell that is piped to runs it."""

import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kt import __version__
from supply import bundle, pins
from tests.support.stack import ROOT

SCRIPT = (ROOT / "deploy/get.sh").read_text()
LINES = SCRIPT.splitlines(keepends=True)
LOCK = "keeptrusts==1.0 --hash=sha256:" + "0" * 64 + "\n"
PATH = "/usr/local/bin:/usr/bin:/bin"


def piped(script: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script as `curl … | sh` does, in this home, with nothing else in the environment."""
    return subprocess.run(
        ["sh"], input=script, env={"HOME": str(home), "PATH": PATH, **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty one."""
    (made := tmp_path / "home").mkdir()
    return made


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder of a release that has its list alone."""
    (made := tmp_path / "wheels").mkdir()
    (made / "kt.lock").write_text(LOCK)
    return made


def stamped(lock: str = LOCK, url: str = "http://127.0.0.1:9/wheels") -> str:
    """The script of the release that has this list."""
    return bundle.stamped(SCRIPT, lock, url)


def test_a_download_that_was_cut_does_nothing(home: Path, wheels: Path) -> None:
    """At the end of any line, or within the last one, with all there that it would install."""
    script = stamped()
    ends = [sum(map(len, LINES[:count])) for count in range(len(LINES))]
    last = script.rindex("main ")
    for end in [end for end in ends if end < last] + list(range(last, last + len("main"))):
        piped(script[:end], home, KEEPTRUSTS_WHEELS=str(wheels))

        assert os.listdir(home) == [], script[:end][-80:]


def test_a_list_of_another_release_is_refused(home: Path, wheels: Path) -> None:
    """Both hashes are said, and nothing is installed."""
    other = LOCK.replace("1.0", "1.1")
    done = piped(stamped(other), home, KEEPTRUSTS_WHEELS=str(wheels))

    assert (done.returncode, done.stdout) == (1, "")
    assert [hashlib.sha256(text.encode()).hexdigest() in done.stderr for text in (LOCK, other)] == [
        True,
        True,
    ]
    assert os.listdir(home) == []


@pytest.mark.parametrize(
    ("script", "environment", "status", "message"),
    [
        (SCRIPT, {}, 2, "this copy names no release; take the one that make bundle writes"),
        (stamped(), {"HOME": ""}, 2, "HOME is not set"),
        (SCRIPT, {"KEEPTRUSTS_RELEASE_KEY": "x"}, 1, "this release is not signed"),
        (stamped(), {"PATH": "/nonexistent"}, 1, "apt install python3-venv"),
        (stamped(), {"KEEPTRUSTS_WHEELS": "/nonexistent"}, 1, "there is no such folder"),
        (stamped(), {}, 1, "http://127.0.0.1:9/wheels/kt.lock cannot be fetched"),
    ],
)
def test_what_is_wrong_is_said(
    home: Path, script: str, environment: dict[str, str], status: int, message: str
) -> None:
    """And nothing is left."""
    shell = shutil.which("sh") or "sh"
    done = subprocess.run(
        [shell], input=script, env={"HOME": str(home), "PATH": PATH, **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("words", [["gateways"], ["gateway", "x"], ["--help"]])
def test_other_words_are_refused(home: Path, words: list[str]) -> None:
    """Before anything is done."""
    done = subprocess.run(
        ["sh", "-s", "--", *words], input=stamped(), env={"HOME": str(home), "PATH": PATH},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "get.sh: it takes no arguments, or the word gateway\n"


@pytest.fixture
def signed(wheels: Path, release_key: Path) -> Path:
    """The folder of a signed release, beside its list."""
    for name in ("keeptrusts-gateway.service", "gateway.env"):
        shutil.copy(ROOT / "deploy/systemd" / name, wheels)
    sums = "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  wheels/{file.name}\n"
        for file in sorted(wheels.iterdir())
    )
    (wheels.parent / "SHA256SUMS").write_text(sums)
    signature = bundle.signing_key(release_key).sign(sums.encode())
    (wheels.parent / "SHA256SUMS.sig").write_bytes(signature)
    return wheels


def _longer(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")


_BY_ANOTHER = bundle.public(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
_NOT_SIGNED = "KEEPTRUSTS_RELEASE_KEY did not sign this release; nothing was installed"


@pytest.mark.parametrize(
    ("script", "key", "harmed", "message"),
    [
        # What is refused in the end is read by the signed list: this copy names no release.
        (SCRIPT, "", "wheels/kt.lock", "kt.lock is another one than this release's"),
        (SCRIPT, "", "SHA256SUMS", _NOT_SIGNED),
        (SCRIPT, "", "SHA256SUMS.sig", _NOT_SIGNED),
        (SCRIPT, _BY_ANOTHER, "", _NOT_SIGNED),
        (SCRIPT, "no key", "", _NOT_SIGNED),
        (stamped(LOCK.replace("1.0", "1.1")), "", "", "the signed list and this script name two"),
        (stamped(), _BY_ANOTHER, "", _NOT_SIGNED),
    ],
)  # fmt: skip
def test_only_what_the_key_signed_is_installed(
    home: Path, signed: Path, release_key: Path, script: str, key: str, harmed: str, message: str
) -> None:
    """By a copy that names a release, and by one that names none."""
    if harmed:
        _longer(signed.parent / harmed)
    given = key or bundle.public(bundle.signing_key(release_key))
    done = piped(script, home, KEEPTRUSTS_WHEELS=str(signed), KEEPTRUSTS_RELEASE_KEY=given)

    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert message in done.stderr
    assert os.listdir(home) == []


def test_a_key_of_another_kind_signs_nothing(tmp_path: Path) -> None:
    """It is looked at before a release is begun."""
    (tmp_path / "none").write_text("none")
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-out", tmp_path / "ec"], check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    for name in ("none", "ec", "missing"):
        arguments = [str(tmp_path / "bundle"), "https://get.example", str(tmp_path / name)]
        assert bundle.main(arguments) == 1
    assert sorted(os.listdir(tmp_path)) == ["ec", "none"]


def test_the_list_pins_what_kt_needs(tmp_path: Path) -> None:
    """As the control plane's lock has it, before which stands the wheel of `kt`."""
    (wheel := tmp_path / "keeptrusts-1.0-py3-none-any.whl").write_bytes(b"a wheel")
    (lock := tmp_path / "kt.lock").write_text(bundle.kt_lock(wheel, pins.KT))
    pinned, run = pins.read(pins.KT), pins.read(pins.RUN)

    assert {"uvloop", "cryptography", "google-re2"} < pinned.keys()
    assert {name: pin.hashes for name, pin in pinned.items()} == {
        name: run[name].hashes for name in pinned
    }
    assert lock.read_text().startswith(
        f"keeptrusts==1.0 --hash=sha256:{hashlib.sha256(b'a wheel').hexdigest()}\n"
    )


def test_a_lock_for_any_patch_release_has_no_marker_of_one() -> None:
    """Those of other kinds stay."""
    lock = pins.RUN.read_text()
    patched = bundle.any_patch(lock)

    assert "python_full_version <" in lock
    assert "python_full_version" not in patched
    assert patched.count(" ; ") == lock.count(" ; ") - lock.count(" ; python_full_version")


@pytest.mark.parametrize("url", ["", "ftp://get.example", "https://get.example/'; reboot"])
def test_a_release_without_an_address_is_not_made(url: str, tmp_path: Path) -> None:
    """Nothing is begun: the url stands in a script that is run."""
    assert bundle.main([str(tmp_path / "bundle"), url]) == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.soak
def test_kt_is_installed_from_a_folder_and_from_an_address(
    home: Path, release: Path, release_key: Path
) -> None:
    """With its gateway; a second time nothing is done, and a release that fails leaves it there."""
    script = (release / "cli").read_text()
    # No network: the machine has none in a namespace of its own.
    offline = subprocess.run(
        ["unshare", "--net", "sh"], input=script, capture_output=True, text=True, timeout=300,
        env={"HOME": str(home), "PATH": PATH, "KEEPTRUSTS_WHEELS": str(release / "wheels")},
        check=False,
    )  # fmt: skip
    kt = home / ".keeptrusts/bin/kt"
    first = os.readlink(kt)
    again = piped(script, home, KEEPTRUSTS_WHEELS=str(release / "wheels"))

    assert offline.stdout.splitlines()[0] == f"installed kt {__version__} as {kt}", offline.stderr
    assert again.stdout.splitlines()[0] == f"there is kt {__version__} as {kt}"

    # A script that was kept, and names no release, takes the same one by its signature.
    key = bundle.public(bundle.signing_key(release_key))
    kept = piped(SCRIPT, home, KEEPTRUSTS_WHEELS=str(release / "wheels"),
                 KEEPTRUSTS_RELEASE_KEY=key)  # fmt: skip
    assert kept.stdout.splitlines()[0] == f"there is kt {__version__} as {kt}", kept.stderr

    broken, whole = (
        _other(release, home.parent / "broken", "raise SystemExit(1)"),
        (_other(release, home.parent / "whole", '__version__ = "next"')),
    )
    failed = piped(broken[0], home, KEEPTRUSTS_WHEELS=str(broken[1]))
    assert (failed.returncode, os.readlink(kt)) == (1, first), failed.stdout
    assert failed.stderr.endswith("get.sh: what was installed does not run\n")
    assert len(os.listdir(home / ".keeptrusts/releases")) == 1

    server = subprocess.Popen(
        ["python3", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", whole[1]],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={"PATH": PATH, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split()[5]
        upgraded = piped(whole[0], home, KEEPTRUSTS_URL=f"http://127.0.0.1:{port}",
                         PIP_FIND_LINKS=str(whole[1]))  # fmt: skip
    finally:
        server.terminate()
        server.wait(timeout=300)
        server.stdout.close()

    assert upgraded.stdout.splitlines()[0] == f"installed kt next as {kt}", upgraded.stderr
    # The one before stays, for what still runs from it.
    assert len(os.listdir(home / ".keeptrusts/releases")) == 2


def _other(release: Path, folder: Path, init: str) -> tuple[str, Path]:
    """A release with another `kt/__init__.py`: its script and its wheels."""
    folder.mkdir()
    for file in (release / "wheels").iterdir():
        os.link(file, folder / file.name)
    (name,) = (path.name for path in folder.glob("keeptrusts-*.whl"))
    (folder / name).unlink()
    with (
        zipfile.ZipFile(release / "wheels" / name) as old,
        zipfile.ZipFile(folder / name, "w") as new,
    ):
        for one in old.namelist():
            new.writestr(one, f"{init}\n" if one == "kt/__init__.py" else old.read(one))
    lock = bundle.kt_lock(folder / name, pins.KT)
    (folder / "kt.lock").unlink()
    (folder / "kt.lock").write_text(lock)
    return bundle.stamped(SCRIPT, lock, "https://get.example"), folder
