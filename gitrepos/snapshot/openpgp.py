"""OpenPGP keys that a link allows: read strictly, then handed to gpg in a folder of their own.

Nothing is verified here. gpg does that, with these keys alone, without network, agent or the
machine's own configuration; what is read before is only what it costs and that it is a public key.

Source: RFC 4880, sections 4.2, 5.5.2, 6.2 and 12.2; gpg(1).
"""

import base64
import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

MAX_LENGTH = 131_072

_MAX_KEYS = 50
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 16_384
_BEGIN, _END = (f"-----{word} PGP PUBLIC KEY BLOCK-----" for word in ("BEGIN", "END"))
_BLOCK = re.compile(
    rf"\s*{_BEGIN}[ \t]*\n([A-Za-z]+: [^\n]*\n)*[ \t]*\n"
    r"(?P<body>([A-Za-z0-9+/]+={0,2}[ \t]*\n)+)"
    rf"(=(?P<crc>[A-Za-z0-9+/]{{4}})[ \t]*\n)?{_END}\s*"
)
_KEY, _SUBKEY = 6, 14
_PRIVATE = (5, 7)
# Signature, user id, user attribute, marker.
_BESIDE = (2, 13, 17, 10)
_RSA = (1, 3)
_OTHERS = (19, 22)  # ECDSA, EdDSA.
_ENCRYPTING = (2, 16, 18)  # RSA, ElGamal, ECDH; they sign nothing.
_CRC_START, _CRC_POLYNOMIAL = 0xB704CE, 0x864CFB

_KEYRING = "allowed.gpg"
# Each would otherwise start a program, ask somebody or somewhere, or write. A key is trusted for
# being here.
_CONFIG = f"""\
batch
no-tty
no-autostart
disable-dirmngr
no-auto-key-retrieve
auto-key-locate clear,nodefault
no-default-keyring
keyring {_KEYRING}
trust-model always
lock-never
no-secmem-warning
"""


def check(text: str) -> None:
    """Check a list of allowed keys, ASCII-armoured, in one block or several.

    Raises:
        ValueError: it is no such list, or gpg is missing here; the message ends a sentence.
    """
    _keys(text)
    if program() is None:
        raise ValueError(
            "needs gpg where the control plane runs, and there is none: install GnuPG, then send"
            " this again"
        )


def program() -> str | None:
    """The path of gpg, or None."""
    return shutil.which("gpg")


def home(folder: Path, text: str) -> Path:
    """The home of gpg, inside `folder`, with these keys alone; made on the first call."""
    place = folder / f"gnupg-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if not place.exists():
        place.mkdir(mode=0o700)
        (place / _KEYRING).write_bytes(_keys(text))
        (place / "gpg.conf").write_text(_CONFIG)
    return place


def _keys(text: str) -> bytes:
    """The packets of all blocks; a keyring of gpg has nothing else."""
    text = text.replace("\r\n", "\n")
    if "PRIVATE KEY BLOCK" in text:
        raise ValueError("has a private key; send what `gpg --export --armor` prints")
    raw, at = b"", 0
    while at < len(text):
        block = _BLOCK.match(text, at)
        if block is None:
            raise ValueError(f"must be whole blocks from {_BEGIN} to {_END}")
        raw += _unarmoured(block["body"], block["crc"])
        at = block.end()
    _check_packets(raw)
    return raw


def _unarmoured(body: str, crc: str | None) -> bytes:
    try:
        raw = base64.b64decode(re.sub(r"\s", "", body), validate=True)
    except ValueError as exc:
        raise ValueError("has a block that is no base64") from exc
    if crc is not None and int.from_bytes(base64.b64decode(crc)) != _crc(raw):
        raise ValueError("has a block that was damaged on the way: its checksum differs")
    return raw


def _crc(raw: bytes) -> int:
    crc, steps = _CRC_START, _crc_steps()
    for byte in raw:
        crc = (crc << 8 & 0xFFFFFF) ^ steps[crc >> 16 ^ byte]
    return crc


@cache
def _crc_steps() -> Sequence[int]:
    """What each byte does to the checksum."""
    steps = []
    for byte in range(256):
        crc = byte << 16
        for _ in range(8):
            crc = (crc << 1 & 0xFFFFFF) ^ (_CRC_POLYNOMIAL if crc & 0x800000 else 0)
        steps.append(crc)
    return steps


def _check_packets(raw: bytes) -> None:
    keys = 0
    for tag, body in _packets(raw):
        keys += tag == _KEY
        if tag in _PRIVATE:
            raise ValueError("has a private key; send what `gpg --export --armor` prints")
        if not keys or tag not in (_KEY, _SUBKEY, *_BESIDE):
            raise ValueError("has something else than public keys in a block")
        if tag in (_KEY, _SUBKEY):
            _check_key(body, _OTHERS if tag == _KEY else (*_OTHERS, *_ENCRYPTING))
    if not keys:
        raise ValueError("has no key; send an empty text to allow none")
    if keys > _MAX_KEYS:
        raise ValueError(f"may have {_MAX_KEYS} keys at most")


def _check_key(body: bytes, others: Sequence[int]) -> None:
    """Check a key that is of RSA or one of the `others`."""
    if body[:1] != b"\x04" or len(body) < 8:
        raise ValueError("has a key that is not of OpenPGP version 4, the one that gpg reads")
    algorithm, bits = body[5], int.from_bytes(body[6:8])
    is_rsa = algorithm in _RSA and _MIN_RSA_BITS <= bits <= _MAX_RSA_BITS
    if not is_rsa and algorithm not in others:
        raise ValueError(
            f"must have keys of EdDSA, ECDSA, or RSA of {_MIN_RSA_BITS} bits or more,"
            f" {_MAX_RSA_BITS} at most"
        )


def _packets(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and body of each packet."""
    at = 0
    while at < len(raw):
        first = raw[at]
        tag, start, size = _new_header(raw, at) if first & 0x40 else _old_header(raw, at)
        if not first & 0x80 or start + size > len(raw):
            raise ValueError("has a block that is cut short, or no OpenPGP")
        yield tag, raw[start : start + size]
        at = start + size


def _new_header(raw: bytes, at: int) -> tuple[int, int, int]:
    """The tag, the start of the body and its length."""
    tag, first = raw[at] & 0x3F, int.from_bytes(raw[at + 1 : at + 2])
    if first < 192:
        return tag, at + 2, first
    if first < 224:
        return tag, at + 3, (first - 192 << 8) + int.from_bytes(raw[at + 2 : at + 3]) + 192
    if first < 255:
        raise ValueError("has a packet in parts, as no key has")
    return tag, at + 6, int.from_bytes(raw[at + 2 : at + 6])


def _old_header(raw: bytes, at: int) -> tuple[int, int, int]:
    tag, kind = raw[at] >> 2 & 0x0F, raw[at] & 3
    if kind == 3:
        raise ValueError("has a packet without a length, as no key has")
    width = 1 << kind
    return tag, at + 1 + width, int.from_bytes(raw[at + 1 : at + 1 + width])
