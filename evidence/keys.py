"""The key of the log: the only writer of `LogKey`."""

import base64
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction
from django.utils import timezone

from evidence.models import LogKey
from keeptrusts.sealing import Rotation, seal, unseal
from kt.evidence.notes import Signature, Verifier, public_of, sign


class Signer:
    """The log's key, opened."""

    def __init__(self, row: LogKey) -> None:
        self.name = row.name
        raw = base64.b64decode(unseal(row.private_key, row=_sealed_as(row)))
        self._private = Ed25519PrivateKey.from_private_bytes(raw)
        self.verifier = Verifier(row.name, public_of(self._private))

    def note(self, body: str) -> Signature:
        """The signature of a note."""
        return sign(body, self.name, self._private)

    def raw(self, message: bytes) -> bytes:
        """The signature of any message."""
        return self._private.sign(message)


def load() -> Signer:
    """The key, which the first call makes; within the sealer's lock.

    Raises:
        SealError: no configured key opens it.
    """
    row = LogKey.objects.order_by("pk").first()
    return Signer(row or _make())


def verifier() -> Verifier | None:
    """The public key and the log's name; None before there is any."""
    row = LogKey.objects.order_by("pk").first()
    return Verifier(row.name, base64.b64decode(row.public_key)) if row else None


def origin(name: str, epoch: int) -> str:
    """The name of a tree in its checkpoints: each epoch is a log of its own to witnesses."""
    return f"{name}/{epoch}"


def reseal(done: Rotation) -> None:
    """Seal the key under the first key of `KEEPTRUSTS_SECRET_KEY`."""
    with transaction.atomic():
        for row in LogKey.objects.select_for_update():
            row.private_key = done.renew(row.private_key, row=_sealed_as(row))
            row.save(update_fields=["private_key"])


def _make() -> LogKey:
    private = Ed25519PrivateKey.generate()
    row = LogKey(
        name=f"keeptrusts/{secrets.token_hex(8)}",
        public_key=base64.b64encode(public_of(private)).decode(),
        created_at=timezone.now(),
    )
    raw = base64.b64encode(private.private_bytes_raw()).decode()
    row.private_key = seal(raw, row=_sealed_as(row))
    row.save(force_insert=True)
    return row


def _sealed_as(row: LogKey) -> str:
    return f"log-key:{row.public_key}"
