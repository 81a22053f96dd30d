"""Keys that sign statements: the only writer of `SigningKey`.

A gateway's token carries the fingerprint of the key that signed when it was made. Each newer
key is signed by the one before, so a gateway follows the chain from the key it knows.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction
from django.utils import timezone

from events import audit
from gateways.models import EnrolmentToken, Gateway, SigningKey
from gateways.signing.encoding import b64u, unb64u
from gateways.signing.statements import DesiredKind, Signed, etag
from keeptrusts import counters
from keeptrusts.api.errors import ApiError
from keeptrusts.sealing import Rotation, SealError, seal, unseal

COUNTER = "signing-keys"
ROTATED_AS = b"keeptrusts key rotation\n"
# In a header they have 46 KiB then, of the 64 KiB that a gateway reads.
_MOST_LINKS = 128
_FOR_GOOD = "If it is lost for good: manage.py rotate_signing_key --lost."


class SigningKeyError(ApiError):
    """503: nothing can be signed, and gateways keep what they enforce."""

    status = 503


class KeyUnreadableError(SigningKeyError):
    """`KEEPTRUSTS_SECRET_KEY` is not the one that sealed the signing key."""

    def __init__(self) -> None:
        super().__init__(
            "signing_key_unreadable",
            "The signing key cannot be opened; restore the KEEPTRUSTS_SECRET_KEY that sealed it."
            f" {_FOR_GOOD}",
        )


class KeyLostError(SigningKeyError):
    """The database has gateways, and not the key that they trust."""

    def __init__(self) -> None:
        super().__init__(
            "signing_key_lost",
            f"The signing key is gone from the database; restore a backup that has it. {_FOR_GOOD}",
        )


class KeyPresentError(SigningKeyError):
    """409: the key that is said to be lost can sign."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            "signing_key_present", "The signing key can be opened; rotate it without --lost."
        )


@dataclass(frozen=True, slots=True)
class Signer:
    """The present signing key. `chain` leads to it, oldest link first, from the first key on.

    Of very many rotations it has the last ones: gateways read no longer chains.
    """

    private: Ed25519PrivateKey
    public_key: str
    fingerprint: str
    chain: Sequence[Mapping[str, str]]

    def is_same(self, other: "Signer") -> bool:
        """Whether another has the same key, and the same way to it."""
        return (self.fingerprint, self.chain) == (other.fingerprint, other.chain)

    def sign(self, desired: DesiredKind) -> Signed[DesiredKind]:
        """Sign what a gateway is to enforce. Equal input gives an equal signature."""
        statement = desired.encoded()
        signature = self.private.sign(desired.signed_as + statement)
        return Signed(desired, b64u(statement), b64u(signature), etag(statement))


def ensure() -> str:
    """The fingerprint of the signing key, which the first call makes.

    Raises:
        SigningKeyError: there is none though gateways trust one, or no configured key opens it.
    """
    newest = SigningKey.objects.order_by("-pk").first()
    if newest is None:
        with transaction.atomic():
            counters.bump(COUNTER)
            newest = SigningKey.objects.order_by("-pk").first()
            if newest is None:
                _check_unused()
                return _make(None).fingerprint
    _private(newest)
    return newest.fingerprint


def problem() -> str:
    """The reason why nothing can be signed; empty without one."""
    try:
        load()
    except SigningKeyError as exc:
        return exc.message
    return ""


def load() -> Signer | None:
    """Load the signing key; None before there is any.

    Raises:
        SigningKeyError: there is none though gateways trust one, or no configured key opens it.
    """
    rows = list(SigningKey.objects.order_by("pk"))
    if not rows:
        _check_unused()
        return None
    newest = rows[-1]
    # Nobody vouches for one that came after a loss.
    first = max((number for number, row in enumerate(rows) if not row.signed_by), default=0)
    chain = [_link(older, row) for older, row in pairwise(rows[first:][-_MOST_LINKS - 1 :])]
    return Signer(_private(newest), newest.public_key, newest.fingerprint, chain)


def rotate(*, lost: bool = False) -> tuple[str, str]:
    """Replace the signing key by a new one, which the old one signs.

    With `lost` nobody signs it, and each gateway's trust must be reset. Returns both
    fingerprints, the older one first; it is empty when there was none.

    Raises:
        SigningKeyError: the old one is gone, no configured key opens it, or it is not `lost`.
    """
    with transaction.atomic():
        counters.bump(COUNTER)
        older = SigningKey.objects.order_by("-pk").first()
        if lost and not problem():
            raise KeyPresentError
        if older is None and not lost:
            _check_unused()
        newer = _make(None if lost else older)
        before = {"fingerprint": older.fingerprint} if older else None
        after = {"fingerprint": newer.fingerprint}
        audit.record("signing_key.rotated", newer.fingerprint, before=before, after=after)
        if older is None:
            return "", newer.fingerprint
        older.private_key = ""  # What can sign no more cannot be stolen.
        older.save(update_fields=["private_key"])
        return older.fingerprint, newer.fingerprint


def reseal(done: Rotation) -> None:
    """Seal the signing key under the first key of `KEEPTRUSTS_SECRET_KEY`."""
    with transaction.atomic():
        for row in SigningKey.objects.select_for_update().exclude(private_key=""):
            row.private_key = done.renew(row.private_key, row=_sealed_as(row))
            row.save(update_fields=["private_key"])


def _check_unused() -> None:
    """Raise `KeyLostError` where somebody was given the fingerprint of a key."""
    if Gateway.objects.exists() or EnrolmentToken.objects.exists():
        raise KeyLostError


def _make(older: SigningKey | None) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    row = SigningKey(
        fingerprint=b64u(hashlib.sha256(public).digest()),
        public_key=b64u(public),
        created_at=timezone.now(),
    )
    row.private_key = seal(b64u(private.private_bytes_raw()), row=_sealed_as(row))
    if older is not None:
        row.signed_by = older.fingerprint
        row.signature = b64u(_private(older).sign(ROTATED_AS + public))
    row.save(force_insert=True)
    return row


def _link(older: SigningKey, row: SigningKey) -> dict[str, str]:
    """A link of the chain, with the older key's bytes for a reader who has its fingerprint."""
    return {
        "key": row.public_key,
        "signer": older.public_key,
        "signed_by": row.signed_by,
        "signature": row.signature,
    }


def _private(row: SigningKey) -> Ed25519PrivateKey:
    try:
        raw = unb64u(unseal(row.private_key, row=_sealed_as(row)))
    except SealError as exc:
        raise KeyUnreadableError from exc
    return Ed25519PrivateKey.from_private_bytes(raw)


def _sealed_as(row: SigningKey) -> str:
    return f"signing-key:{row.fingerprint}"
