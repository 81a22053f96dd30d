"""Private keys as people send them."""

import base64
import subprocess
from pathlib import Path

import pytest

from gitrepos.links import ssh_keys


def made(folder: Path, *arguments: str) -> str:
    """A key by ssh-keygen."""
    file = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-f", str(file), *arguments], check=True)
    return file.read_text()


def armoured(raw: bytes) -> str:
    """Bytes in the place of a key."""
    body = base64.encodebytes(raw).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}-----END OPENSSH PRIVATE KEY-----\n"


def test_a_passphrase_is_taken_off(tmp_path: Path) -> None:
    """What is kept opens without it; the passphrase itself is kept nowhere."""
    text = made(tmp_path, "-t", "ed25519", "-N", "correct horse")

    private, public = ssh_keys.read(text, passphrase="correct horse")

    assert ssh_keys.read(private)[1] == public
    assert "correct" not in private


@pytest.mark.parametrize(
    ("passphrase", "given", "says"),
    [
        ("correct horse", "", "needs its passphrase"),
        ("correct horse", "wrong horse", "not with this passphrase"),
        ("", "correct horse", "has no passphrase"),
    ],
)
def test_a_wrong_passphrase_is_named(
    tmp_path: Path, passphrase: str, given: str, says: str
) -> None:
    """Missing, wrong, or one too many."""
    text = made(tmp_path, "-t", "ed25519", "-N", passphrase)

    with pytest.raises(ValueError, match=says):
        ssh_keys.read(text, passphrase=given)


def test_a_key_that_takes_too_long_to_open_is_refused(tmp_path: Path) -> None:
    """Its header says how long, and nobody waits for it."""
    text = made(tmp_path, "-t", "ed25519", "-N", "x" * 8)
    raw = base64.b64decode("".join(text.splitlines()[1:-1]))
    at = raw.index((16).to_bytes(4, "big") + b"\0\0\0\x01")  # rounds, then one key

    with pytest.raises(ValueError, match="rounds"):
        ssh_keys.read(armoured(raw[:at] + b"\xff" * 4 + raw[at + 4 :]), passphrase="x" * 8)


def test_a_weak_key_is_refused(tmp_path: Path) -> None:
    """No forge takes it for long."""
    text = made(tmp_path, "-t", "rsa", "-b", "1024", "-N", "")

    with pytest.raises(ValueError, match="2048 bits or more"):
        ssh_keys.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        armoured(b""),
        armoured(b"openssh-key-v1\0"),
        armoured(b"openssh-key-v1\0" + b"\xff" * 40),
        armoured(b"openssh-key-v1\0" + b"\0" * 400),
    ],
)
@pytest.mark.parametrize("passphrase", ["", "x"])
def test_what_is_no_key_is_refused(text: str, passphrase: str) -> None:
    """With a sentence, whatever it is."""
    with pytest.raises(ValueError, match=r"^(must begin|cannot be read)"):
        ssh_keys.read(text, passphrase=passphrase)
