"""Sealing of stored secrets: AES-256-GCM, bound to the row that holds them; MACs of what is none.

What leaves us to come back unread is covered: AES-SIV, which gives equal texts equal covers.

The `row` of a secret is the row's name (`remote:UUID`) and, after a blank, other facts that must
not have changed, such as the url it may go to. It is read from the row, not stored with the secret.

A sealed value is `v1.KEYID.DATA`: KEYID tells which of `KEEPTRUSTS_SECRET_KEY`'s entries
sealed it, DATA is a 12-byte nonce and the ciphertext in URL-safe base64.
"""

import base64
import hashlib
import hmac
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.module_loading import import_string

_NONCE_BYTES = 12
MAC_DIGITS = 64


class SealError(Exception):
    """A sealed value cannot be opened: its key is missing, or it belongs to another row."""


def seal(secret: str, *, row: str) -> str:
    """Seal `secret` so that it opens only as part of `row`."""
    key = settings.ENV.secret_keys[0]
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_derived(key, b"seal")).encrypt(nonce, secret.encode(), row.encode())
    return f"v1.{_key_id(key)}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, row: str) -> str:
    """Open what `seal` sealed for the same row.

    Raises:
        SealError: no configured key opens it for this row.
    """
    keys = {f"v1.{_key_id(key)}": key for key in settings.ENV.secret_keys}
    head, _, data = sealed.rpartition(".")
    if head not in keys:
        raise SealError("the key of this secret is missing in KEEPTRUSTS_SECRET_KEY; add it again")
    return _opened(keys[head], data, row)


@dataclass(slots=True)
class Rotation:
    """A rotation: the number of secrets sealed anew, and the rows whose secret no key opens.

    `unbound`: secrets that were sealed for the name of their row alone open too.
    """

    unbound: bool = False
    sealed: int = 0
    lost: list[str] = field(default_factory=list)

    def renew(self, sealed: str, *, row: str) -> str:
        """Seal a secret anew under the first key, for `row`; one that no key opens is kept."""
        name = row.partition(" ")[0]
        for part in {row, name} if self.unbound else {row}:
            try:
                secret = unseal(sealed, row=part)
            except SealError:
                continue
            if part == row and sealed.startswith(f"v1.{_key_id(settings.ENV.secret_keys[0])}."):
                return sealed
            self.sealed += 1
            return seal(secret, row=row)
        self.lost.append(name)
        return sealed


def reseal_all(*, unbound: bool = False) -> Rotation:
    """Seal every stored secret under the first key. Idempotent.

    `unbound`: also those that were sealed for the name of their row alone.
    """
    done = Rotation(unbound=unbound)
    for name in settings.RESEALERS:
        import_string(name)(done)
    return done


def fingerprint(secret: str) -> str:
    """A keyed hash of a secret, 64 hex digits, by which equal secrets are recognised."""
    key = _derived(settings.ENV.secret_keys[0], b"fingerprint")
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


def vouch(data: bytes, *, row: str) -> bytes:
    """Data with a MAC before it, so that whoever stores it can neither alter nor move it.

    It stays readable, and whoever stores it can hand out an older one of the same row.
    """
    return _mac(settings.ENV.secret_keys[0], data, row) + data


def vouched(stored: bytes, *, row: str) -> bytes:
    """The data that `vouch` vouched for.

    Raises:
        SealError: none of our keys vouches for it in this row.
    """
    mac, data = stored[:MAC_DIGITS], stored[MAC_DIGITS:]
    for key in settings.ENV.secret_keys:
        if hmac.compare_digest(mac, _mac(key, data, row)):
            return data
    raise SealError("this was written by somebody else, or for another place")


def running_macs(use: bytes) -> dict[str, hmac.HMAC]:
    """A MAC for each secret key, by the key's name, the first one's first; data is added to them.

    `use` keeps MACs for one purpose apart from those for another.
    """
    keys = settings.ENV.secret_keys
    return {_key_id(key): hmac.new(_derived(key, use), digestmod="sha256") for key in keys}


def cover(text: str, *, row: str) -> str:
    """Text that only we can read and write; unlike with `seal`, equal texts are covered alike."""
    cipher = AESSIV(_derived(settings.ENV.secret_keys[0], b"cover"))
    covered = cipher.encrypt(text.encode(), [row.encode()])
    return base64.urlsafe_b64encode(covered).rstrip(b"=").decode()


def uncover(covered: str, *, row: str) -> str:
    """The text that `cover` covered.

    Raises:
        SealError: none of our keys covered it for this row.
    """
    with suppress(ValueError):  # It is not base64.
        raw = base64.b64decode(covered + "=" * (-len(covered) % 4), altchars=b"-_", validate=True)
        for key in settings.ENV.secret_keys:
            with suppress(InvalidTag, ValueError):  # Too short for a tag.
                cipher = AESSIV(_derived(key, b"cover"))
                return cipher.decrypt(raw, [row.encode()]).decode()
    raise SealError("this was covered by somebody else, or for another place")


def _mac(key: str, data: bytes, row: str) -> bytes:
    name, mac = row.encode(), _keyed(key).copy()
    mac.update(len(name).to_bytes(4, "big") + name + data)
    return mac.hexdigest().encode()


@lru_cache(maxsize=16)
def _keyed(key: str) -> hmac.HMAC:
    """A MAC with the key in it already, to be copied, which takes less time than to begin one."""
    return hmac.new(_derived(key, b"vouch"), digestmod="sha256")


def _opened(key: str, data: str, row: str) -> str:
    cipher = AESGCM(_derived(key, b"seal"))
    try:
        raw = base64.b64decode(data, altchars=b"-_", validate=True)
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], row.encode()).decode()
    except (InvalidTag, ValueError) as exc:  # ValueError: not base64, or too short for a nonce.
        raise SealError("this secret was sealed for another row, or was altered") from exc


@lru_cache(maxsize=16)
def _key_id(key: str) -> str:
    return hashlib.sha256(_derived(key, b"id")).hexdigest()[:8]


@lru_cache(maxsize=64)
def _derived(key: str, use: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"keeptrusts " + use).derive(key.encode())
