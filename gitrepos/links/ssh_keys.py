"""Readers of the private ssh keys of credentials. Pure."""

import base64
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes

from gitrepos.forge.git import known_hosts

_BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
_END = "-----END OPENSSH PRIVATE KEY-----"
_ARMOUR = re.compile(rf"{_BEGIN}\n([A-Za-z0-9+/=\n]+)\n{_END}")
_LINE_LENGTH = 70
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 16_384  # ssh-keygen makes no larger one.
# A hundred take about a second; a file may ask for four thousand million.
_MAX_ROUNDS = 200
_MAGIC = b"openssh-key-v1\0"
_RSA = b"ssh-rsa"
_OTHERS = (b"ssh-ed25519", *(b"ecdsa-sha2-nistp%d" % bits for bits in (256, 384, 521)))
_MALFORMED = "cannot be read; send the file as ssh-keygen wrote it, from BEGIN to END"


@dataclass(frozen=True, slots=True)
class _Header:
    """The unencrypted facts of a key file: kind, an RSA key's bits, the rounds to decrypt it."""

    kind: bytes
    bits: int
    rounds: int


def read(text: str, *, passphrase: str = "") -> tuple[str, str]:
    """A private key without its passphrase, and its public key as one line.

    A text that is not strictly in OpenSSH's format, or is too costly, is refused before anything
    is computed: the library that reads a key ignores what stands around and between its lines.

    Raises:
        ValueError: the key cannot be used; the message ends a sentence and repeats nothing of it.
    """
    raw = _unarmoured(text)
    header = _header(raw)
    if header.rounds > _MAX_ROUNDS:
        raise ValueError(f"is protected by over {_MAX_ROUNDS} rounds; fewer are safe enough here")
    if not _is_strong(header):
        raise ValueError(
            f"must be Ed25519, ECDSA, or RSA of {_MIN_RSA_BITS} bits or more,"
            f" {_MAX_RSA_BITS} at most"
        )
    key = _loaded(_armoured(raw), passphrase)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode(), public.decode()


def fingerprint(public_key: str) -> str:
    """The fingerprint of a public key (one line), as ssh and forges show it."""
    return known_hosts.fingerprint(base64.b64decode(public_key.split()[1]))


def _is_strong(header: _Header) -> bool:
    if header.kind == _RSA:
        return _MIN_RSA_BITS <= header.bits <= _MAX_RSA_BITS
    return header.kind in _OTHERS


def _unarmoured(text: str) -> bytes:
    """The decoded bytes between the BEGIN and END lines; only blanks may stand around these."""
    text = text.replace("\r\n", "\n").strip(" \t\n")
    if not text.startswith(_BEGIN):
        raise ValueError(f"must begin with {_BEGIN}; `ssh-keygen -p -f FILE` makes it so")
    armour = _ARMOUR.fullmatch(text)
    try:
        return base64.b64decode(armour[1].replace("\n", ""), validate=True) if armour else b""
    except ValueError as exc:
        raise ValueError(_MALFORMED) from exc


def _armoured(raw: bytes) -> bytes:
    """The bytes in OpenSSH's format again, for the library that reads it."""
    body = base64.b64encode(raw).decode()
    lines = [body[at : at + _LINE_LENGTH] for at in range(0, len(body), _LINE_LENGTH)]
    return "\n".join((_BEGIN, *lines, _END, "")).encode()


def _header(raw: bytes) -> _Header:
    """The unencrypted facts of a key file.

    Source: OpenSSH's PROTOCOL.key; RFC 4253, section 6.6.
    """
    if not raw.startswith(_MAGIC):
        raise ValueError(_MALFORMED)
    _cipher, rest = _string(raw.removeprefix(_MAGIC))
    _kdf, rest = _string(rest)
    options, rest = _string(rest)
    keys, rest = _number(rest)
    public, rest = _string(rest)
    if keys != 1:
        raise ValueError(_MALFORMED)
    kind, public = _string(public)
    bits = 0
    if kind == _RSA:
        _exponent, public = _string(public)
        bits = int.from_bytes(_string(public)[0], "big").bit_length()
    return _Header(kind, bits, _rounds(options))


def _rounds(options: bytes) -> int:
    """The number of times that the passphrase is hashed; 0 without one."""
    if not options:
        return 0
    _salt, rest = _string(options)
    rounds, rest = _number(rest)
    if rest:
        raise ValueError(_MALFORMED)
    return rounds


def _string(data: bytes) -> tuple[bytes, bytes]:
    """A string with its length before it, and what follows."""
    length, rest = _number(data)
    if length > len(rest):
        raise ValueError(_MALFORMED)
    return rest[:length], rest[length:]


def _number(data: bytes) -> tuple[int, bytes]:
    if len(data) < 4:
        raise ValueError(_MALFORMED)
    return int.from_bytes(data[:4], "big"), data[4:]


def _loaded(pem: bytes, passphrase: str) -> SSHPrivateKeyTypes:
    try:
        # An RSA key's factors are not tested for being primes: for a large key that takes many
        # seconds, in which no other thread runs.
        key = load_ssh_private_key(
            pem, passphrase.encode() or None, unsafe_skip_rsa_key_validation=True
        )
    except TypeError as exc:
        wrong = "has no passphrase; send none" if passphrase else "needs its passphrase"
        raise ValueError(wrong) from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ValueError("cannot be read, or not with this passphrase") from exc
    if isinstance(key, rsa.RSAPrivateKey) and not _fits(key.private_numbers()):
        raise ValueError("cannot be read: its numbers do not fit together")
    return key


def _fits(key: rsa.RSAPrivateNumbers) -> bool:
    """True when the private numbers belong to the public ones. Source: RFC 8017, section 3.2."""
    product = key.d * key.public_numbers.e
    return (
        product % (key.p - 1) == product % (key.q - 1) == 1
        and key.iqmp * key.q % key.p == 1
        and key.p * key.q == key.public_numbers.n
    )
