"""The tables of the log: `log` appends, `sealer` seals, `witnesses` keeps what these signed."""

import uuid
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Func
from django.db.models.sql.compiler import SQLCompiler


class Transaction(Func):
    """The number of the present transaction, by which a sealer knows whether it may be open yet.

    SQLite has one writer: what its sealer sees is of transactions that are over.
    """

    arity = 0
    template = "0"
    output_field = models.BigIntegerField()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        number = "(pg_current_xact_id()::text::bigint)"
        return super().as_sql(compiler, connection, template=number)


class LogKey(models.Model):
    """The Ed25519 key that signs checkpoints, and the log's name; there is one row.

    `private_key` is sealed; both keys are in base64.
    """

    name = models.CharField(max_length=200)
    public_key = models.CharField(max_length=44)
    private_key = models.TextField()
    created_at = models.DateTimeField()


class Epoch(models.Model):
    """A tree. A restored database begins a new one; the newest grows.

    `size` and `root` (hex) are those of the last checkpoint.
    """

    number = models.PositiveIntegerField(primary_key=True)
    size = models.BigIntegerField(default=0)
    root = models.CharField(max_length=64)
    began_at = models.DateTimeField()


class Entry(models.Model):
    """A leaf; its bytes are never updated. `epoch` and `index` are null until it is sealed.

    `subject`, `kind`, `at` and `number` (of a version) are the leaf's own, to find it by.
    """

    transaction = models.BigIntegerField(db_default=Transaction())
    kind = models.CharField(max_length=10)
    subject = models.CharField(max_length=220)
    number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    leaf = models.BinaryField()
    epoch = models.PositiveIntegerField(null=True)
    index = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["epoch", "index"], name="entry_place")]
        indexes = [
            models.Index(fields=["subject", "kind", "-at"], name="entry_subject"),
            models.Index(
                fields=["id"], name="entry_unsealed", condition=models.Q(index__isnull=True)
            ),
        ]


class Hidden(models.Model):
    """The values that a leaf commits to: by name a salt and a value; they may be erased."""

    nonce = models.UUIDField(primary_key=True, default=uuid.uuid4)
    values = models.JSONField()


class Tile(models.Model):
    """Up to 256 hashes of a tree, one behind the other."""

    epoch = models.PositiveIntegerField()
    level = models.PositiveSmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["epoch", "level", "number"], name="tile_place")
        ]


class WitnessState(models.Model):
    """What a witness signed last, by its public key."""

    key = models.CharField(primary_key=True, max_length=400)
    epoch = models.PositiveIntegerField()
    size = models.BigIntegerField()
    signed_at = models.DateTimeField()


class SignedCheckpoint(models.Model):
    """A checkpoint that the log signed; of those that no witness signed, the newest is kept.

    `cosignatures` are the lines of witnesses.
    """

    epoch = models.PositiveIntegerField()
    size = models.BigIntegerField()
    note = models.TextField()
    cosignatures = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["epoch", "size"], name="checkpoint_size")]
