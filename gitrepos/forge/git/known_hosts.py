"""Keys of ssh servers: lines of known_hosts, and fingerprints. Pure.

Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

_AUTHORITY, _REVOKED = "@cert-authority", "@revoked"
_HASHED = "|1|"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class HostKey:
    """A line of known_hosts: the names of servers as written, and their key."""

    names: str
    kind: str
    fingerprint: str


def parse(text: str) -> list[HostKey]:
    """The keys of a known_hosts file, in its order, without revoked ones.

    Raises:
        ValueError: a line is no entry; the message names it and ends a sentence.
    """
    kept = [
        (at, words) for at, line in lines(text) if (words := line.split()) and words[0][0] != "#"
    ]
    keys = [(words[0], _key(at, words)) for at, words in kept]
    return [key for marker, key in keys if marker != _REVOKED]


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of one of ssh's files with their numbers, as ssh splits them.

    Raises:
        ValueError: a line has a character that ends a line for other readers.
    """
    for at, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if line and line.splitlines() != [line]:
            raise ValueError(f"line {at} has a character that ends lines elsewhere, and not in ssh")
        yield at, line


def knows(keys: Iterable[HostKey], name: str) -> bool:
    """True when there is a key for the server with this name in known_hosts."""
    return any(_is_about(key.names, name) for key in keys)


def fingerprint(blob: bytes) -> str:
    """The fingerprint of a key as ssh shows it: SHA256 in base64 without padding."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def described(keys: Sequence[HostKey]) -> str:
    """The first three keys, for a message."""
    some = ", ".join(f"{key.fingerprint} ({key.kind})" for key in keys[:_SHOWN])
    return some + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "") or "none"


def _key(at: int, words: list[str]) -> HostKey:
    if words[0] in (_AUTHORITY, _REVOKED):
        words = words[1:]
    if len(words) < 3:
        raise ValueError(f"line {at} is no entry: NAMES TYPE KEY is one")
    names, kind, encoded = words[:3]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise ValueError(f"line {at} has no key in base64") from exc
    length = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + length] != kind.encode():
        raise ValueError(f"line {at} has a key of another type than {kind!r}")
    return HostKey(names, kind, fingerprint(blob))


def _is_about(names: str, name: str) -> bool:
    if names.startswith(_HASHED):
        return _is_hash_of(names, name)
    # fnmatch reads brackets, which stand for themselves here.
    patterns = [pattern.replace("[", "[[]") for pattern in names.lower().split(",")]
    if any(fnmatchcase(name, p[1:]) for p in patterns if p.startswith("!")):
        return False
    return any(fnmatchcase(name, p) for p in patterns)


def _is_hash_of(names: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in names.removeprefix(_HASHED).split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)
