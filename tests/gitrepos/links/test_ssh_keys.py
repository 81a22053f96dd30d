"""Private keys as people send them."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    ssh,
)

from gitrepos.links import ssh_keys

PASSPHRASE = "correct horse"
BEGIN, END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
MAGIC = b"openssh-key-v1\0"


def made(folder: Path, *arguments: str) -> str:
    """A key by ssh-keygen, which is opened quickly."""
    file = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-a", "1", "-f", str(file), *arguments], check=True)
    return file.read_text()


def armoured(raw: bytes) -> str:
    """Bytes in the place of a key."""
    return f"{BEGIN}\n{base64.encodebytes(raw).decode()}{END}\n"


def unarmoured(text: str) -> bytes:
    """The bytes of a key as ssh-keygen wrote it."""
    return base64.b64decode("".join(text.splitlines()[1:-1]))


def locked(kind: PrivateFormat, rounds: int | None = None) -> KeySerializationEncryption:
    """Under the passphrase; with as few rounds as there can be unless it is said."""
    builder = kind.encryption_builder()
    return (builder.kdf_rounds(rounds) if rounds else builder).build(PASSPHRASE.encode())


def opened_by(key: Any, encryption: KeySerializationEncryption | None = None) -> str:
    """A key in OpenSSH's format."""
    text: bytes = key.private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, encryption or NoEncryption()
    )
    return text.decode()


def with_rounds(text: str, rounds: int) -> str:
    """The same key, asking for so many rounds: they stand before the number of keys."""
    raw = unarmoured(text)
    cipher, kdf, options, _ = split(raw)
    at = len(MAGIC) + 4 + len(cipher) + 4 + len(kdf) + len(options)
    return armoured(raw[:at] + rounds.to_bytes(4, "big") + raw[at + 4 :])


def split(raw: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Cipher, key derivation and its options, and the rest. Source: OpenSSH's PROTOCOL.key."""
    rest, found = raw.removeprefix(MAGIC), []
    for _ in range(3):
        length = int.from_bytes(rest[:4], "big")
        found.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return found[0], found[1], found[2], rest


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The rounds of each key derivation that is asked for; one beyond the bound is not made."""
    asked: list[int] = []
    derive = ssh._bcrypt_kdf

    def record(password: bytes, salt: bytes, size: int, rounds: int, quiet: bool = False) -> bytes:
        asked.append(rounds)
        return derive(password, salt, size, min(rounds, 1), quiet)

    monkeypatch.setattr(ssh, "_bcrypt_kdf", record)
    yield asked
    assert [rounds for rounds in asked if rounds > 200] == []


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


KEY = Ed25519PrivateKey.generate()
PLAIN, LOCKED = opened_by(KEY), opened_by(KEY, locked(PrivateFormat.OpenSSH, 1))

MUTATIONS: dict[str, Callable[[str], str]] = {
    "a line after END": lambda key: f"{key}x\n",
    "a comment after END": lambda key: key.rstrip() + " # mine",
    "a line before BEGIN": lambda key: f"x\n{key}",
    "two keys": lambda key: key + key,
    "a key in a key": lambda key: key.replace(END, key),
    "! in the body": lambda key: key.replace("\n", "\n!", 1),
    "- in the body": lambda key: key.replace("\n", "\n-", 1),
    "a blank in the body": lambda key: key.replace("\n", "\n ", 1),
    "a blank at a line's end": lambda key: key.replace("\n", " \n"),
    "a tab": lambda key: key.replace("\n", "\n\t", 2),
    "a vertical tab": lambda key: key.replace("\n", "\n\x0b", 2),
    "a form feed after END": lambda key: key + "\x0c",
    "a line separator": lambda key: key.replace("\n", "\u2028"),
    "a zero-width space": lambda key: key.replace("\n", "\n\u200b", 1),
    "fullwidth letters": lambda key: key.replace("\nb", "\n\uff42", 1),
    "carriage returns alone": lambda key: key.replace("\n", "\r"),
    "CR CR LF": lambda key: key.replace("\n", "\r\r\n"),
    "all on one line": lambda key: key.replace("\n", ""),
    "the body on the BEGIN line": lambda key: key.replace("\n", "", 1),
    "END on the last line": lambda key: key.replace(f"\n{END}", END),
    "no END": lambda key: key.replace(END, ""),
    "END of another": lambda key: key.replace(END, "-----END PRIVATE KEY-----"),
    "headers": lambda key: key.replace("\n", "\nProc-Type: 4,ENCRYPTED\n\n", 1),
    "padding in the middle": lambda key: key.replace("\n", "\n====", 1),
    "one more =": lambda key: key.replace(f"\n{END}", f"=\n{END}"),
    "one letter less": lambda key: key.replace(f"\n{END}", END)[: -len(END) - 2] + f"\n{END}",
    "NUL": lambda key: key.replace("\n", "\n\0", 1),
}
HARMLESS: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "without the last line feed": str.rstrip,
    "blank lines around": lambda key: f"\n\n{key}\n \n",
    "CRLF": lambda key: key.replace("\n", "\r\n"),
    "one long line": lambda key: f"{BEGIN}\n{''.join(key.splitlines()[1:-1])}\n{END}",
}


def refusal(text: str, passphrase: str = PASSPHRASE) -> str:
    """Why a key is not taken; empty when it is."""
    try:
        ssh_keys.read(text, passphrase=passphrase)
    except ValueError as exc:
        return str(exc)
    return ""


def taken(texts: dict[Any, str], *reasons: str, passphrase: str = PASSPHRASE) -> dict[Any, str]:
    """Those of some keys that are taken, or refused for another reason than these."""
    found = {name: refusal(text, passphrase) for name, text in texts.items()}
    return {name: said for name, said in found.items() if not said.startswith(reasons)}


def test_a_key_that_is_not_strictly_one_is_refused_at_once(derived: list[int]) -> None:
    """However few rounds it asks for: nothing is derived of what others read otherwise."""
    texts = {
        (name, rounds): mutate(with_rounds(LOCKED, rounds))
        for name, mutate in MUTATIONS.items()
        for rounds in (1, 200, 201, 0xFFFFFFFF)
    }

    assert taken(texts, "must begin", "cannot be read; send") == {}
    assert derived == []


def test_a_key_is_read_as_files_and_forms_carry_it(derived: list[int]) -> None:
    """With blank lines around it, in one line, or with the line ends of Windows."""
    found = {
        name: ssh_keys.read(carry(LOCKED), passphrase=PASSPHRASE)[1]
        for name, carry in HARMLESS.items()
    }

    assert set(found.values()) == {ssh_keys.read(PLAIN)[1]}
    assert derived == [1] * len(HARMLESS)


@pytest.mark.parametrize("passphrase", [PASSPHRASE, ""])
def test_a_key_that_takes_too_long_to_open_is_refused(derived: list[int], passphrase: str) -> None:
    """Its header says how long, and nobody waits for it."""
    said = {
        refusal(carry(with_rounds(LOCKED, rounds)), passphrase)
        for carry in HARMLESS.values()
        for rounds in (201, 2000, 0x80000000, 0xFFFFFFFF)
    }

    assert [line[:31] for line in said] == ["is protected by over 200 rounds"]
    assert derived == []


def test_as_many_rounds_as_are_allowed_are_made(derived: list[int]) -> None:
    """The bound itself is within it."""
    with pytest.raises(ValueError, match="not with this passphrase"):
        ssh_keys.read(with_rounds(LOCKED, 200), passphrase="wrong")

    assert derived == [200]


def numbers_changed() -> Iterator[bytes]:
    """The key with each number of its header, lengths and counts, changed in turn."""
    raw = unarmoured(LOCKED)
    cipher, kdf, options, _ = split(raw)
    at = len(MAGIC)
    places = [at, at := at + 4 + len(cipher), at := at + 4 + len(kdf), at + 4]
    places += [at := at + 4 + len(options), at + 4, at + 8]
    for place in places:
        value = int.from_bytes(raw[place : place + 4], "big")
        for other in {0, 1, value - 1, value + 1, value + 4, 2**16, 2**31, 2**32 - 1} - {value}:
            yield raw[:place] + other.to_bytes(4, "big") + raw[place + 4 :]


def test_a_length_that_is_wrong_hides_no_rounds(derived: list[int]) -> None:
    """Whatever a reader that believes it would take for them."""
    texts = {raw: armoured(raw) for raw in numbers_changed()}

    assert taken(texts, "must be", "cannot be read", "is protected") == {}


def test_half_a_key_is_refused(derived: list[int]) -> None:
    """Wherever it ends."""
    raw = unarmoured(LOCKED)
    texts = {size: armoured(raw[:size]) for size in range(len(raw))}

    assert taken(texts, "must be", "cannot be read") == {}


def pem(kind: PrivateFormat, encryption: KeySerializationEncryption, key: Any) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, kind, encryption)
    return text.decode()


BEST = BestAvailableEncryption(PASSPHRASE.encode())
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
PKCS8, OLD = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL
# openssl pkcs8 -topk8 -scrypt -scrypt_N 16384
SCRYPT = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAgtc1z7jw+HxgICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBCVJUHB5XV3QS0JtIk71LQWBEBfXkM13IUwnqom
cDf+V84okfZhajYZsQgmNJRZJi59S05PEG3eXp/WVARicxBAXX+w5zhYf1CGoifx
f8O1jRgh
-----END ENCRYPTED PRIVATE KEY-----
"""
FORMS = {
    "PKCS#8": pem(PKCS8, NoEncryption(), KEY),
    "PKCS#8 under PBKDF2": pem(PKCS8, BEST, KEY),
    "PKCS#8 under scrypt": SCRYPT,
    "PKCS#1": pem(OLD, NoEncryption(), RSA),
    "PKCS#1 with DEK-Info": pem(OLD, BEST, RSA),
    "SEC 1": pem(OLD, NoEncryption(), EC),
    "SEC 1 with DEK-Info": pem(OLD, BEST, EC),
    "PuTTY": "PuTTY-User-Key-File-3: ssh-ed25519\nKey-Derivation: Argon2id\nArgon2-Memory: 8192\n",
    "public": KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
}
DISGUISES: dict[str, Callable[[str], str]] = {
    **HARMLESS,
    "called OpenSSH's": lambda key: key.replace(key.splitlines()[0], BEGIN).replace(
        key.splitlines()[-1], END
    ),
    "behind one of OpenSSH's": lambda key: LOCKED + key,
    "before one of OpenSSH's": lambda key: key + LOCKED,
    "inside one of OpenSSH's": lambda key: LOCKED.replace("\n", f"\n{key}", 1),
}


def test_another_form_is_never_opened(derived: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its passphrase may cost anything as well; no library is asked to read it."""
    monkeypatch.setattr(ssh_keys, "load_ssh_private_key", None)
    texts = {
        (form, name): disguise(text)
        for form, text in FORMS.items()
        for name, disguise in DISGUISES.items()
    }

    assert taken(texts, "must begin", "cannot be read; send") == {}
    assert derived == []


@pytest.mark.parametrize("bits", [1024, 2047, 16_385, 100_000])
def test_an_rsa_key_that_costs_too_much_or_too_little_is_not_opened(
    monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    """Its public half stands in clear before the rest."""
    monkeypatch.setattr(ssh_keys, "load_ssh_private_key", None)
    number = (1 << (bits - 1)).to_bytes(bits // 8 + 1, "big")
    public = string(b"ssh-rsa") + string(b"\1\0\1") + string(number)
    raw = MAGIC + string(b"none") + string(b"none") + string(b"") + b"\0\0\0\1" + string(public)

    with pytest.raises(ValueError, match="2048 bits or more, 16384 at most"):
        ssh_keys.read(armoured(raw + string(b"x" * 64)))


def string(data: bytes) -> bytes:
    """Source: RFC 4251, section 5."""
    return len(data).to_bytes(4, "big") + data


def test_an_rsa_key_whose_halves_do_not_fit_is_refused() -> None:
    """A letter in it is wrong: ssh would not get in, and not say why."""
    raw, texts = unarmoured(opened_by(RSA)), {}
    for place in range(400, len(raw) - 40, 10):  # In the private numbers.
        texts[place] = armoured(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])

    assert ssh_keys.read(armoured(raw))
    assert taken(texts, "cannot be read", passphrase="") == {}


@pytest.mark.parametrize("key", [EC, RSA, KEY], ids=["ecdsa", "rsa", "ed25519"])
def test_each_kind_of_key_is_read(derived: list[int], key: Any) -> None:
    """With a passphrase and without."""
    text = opened_by(key, locked(PrivateFormat.OpenSSH, 1))

    _, public = ssh_keys.read(text, passphrase=PASSPHRASE)

    assert public == ssh_keys.read(opened_by(key))[1]


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
