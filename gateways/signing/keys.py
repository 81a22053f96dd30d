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
from gateways.models import SigningKey
from gateways.signing.encoding import b64u, unb64u
from gateways.signing.statements import DesiredKind, Signed, etag
from keeptrusts import counters
from keeptrusts.api.errors import ApiError
from keeptrusts.sealing import Rotation, SealError, seal, unseal

COUNTER = "signing-keys"
ROTATED_AS = b"keeptrusts key rotation\n"
# In a header they have 46 KiB then, of the 64 KiB that a gateway reads.
_MOST_LINKS = 128


class KeyUnreadableError(ApiError):
    """503: `KEEPTRUSTS_SECRET_KEY` is not the one that sealed the signing key."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            "signing_key_unreadable",
            "The signing key cannot be opened; restore the KEEPTRUSTS_SECRET_KEY that sealed it.",
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
    """The fingerprint of the signing key, which the first call makes."""
    newest = SigningKey.objects.order_by("-pk").first()
    if newest is None:
        with transaction.atomic():
            counters.bump(COUNTER)
            newest = SigningKey.objects.order_by("-pk").first() or _make(None)
    return newest.fingerprint


def load() -> Signer | None:
    """Load the signing key; None before there is any.

    Raises:
        KeyUnreadableError: no configured key opens it.
    """
    rows = list(SigningKey.objects.order_by("pk"))
    if not rows:
        return None
    newest = rows[-1]
    chain = [_link(older, row) for older, row in pairwise(rows[-_MOST_LINKS - 1 :])]
    return Signer(_private(newest), newest.public_key, newest.fingerprint, chain)


def rotate() -> tuple[str, str]:
    """Replace the signing key by a new one, which the old one signs.

    Returns both fingerprints, the older one first; it is empty when there was none.

    Raises:
        KeyUnreadableError: no configured key opens the old one.
    """
    with transaction.atomic():
        counters.bump(COUNTER)
        older = SigningKey.objects.order_by("-pk").first()
        newer = _make(older)
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
