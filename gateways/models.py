"""Gateways, what binds them, and the keys that sign what they are told."""

import uuid

from django.db import models

from configurations.models import Configuration


class SigningKey(models.Model):
    """An Ed25519 key; the newest one signs.

    `fingerprint` is the base64url sha256 of the raw public key. `private_key` is sealed, and
    empty once a newer key took over. The older key `signed_by` vouches for this one with
    `signature`; both are empty for the first. All bytes are base64url without padding.
    """

    fingerprint = models.CharField(max_length=43, unique=True)
    public_key = models.CharField(max_length=43)
    private_key = models.TextField()
    signed_by = models.CharField(max_length=43, default="")
    signature = models.CharField(max_length=86, default="")
    created_at = models.DateTimeField()


class EnrolmentToken(models.Model):
    """What a group of gateways registers itself with; kept as a digest, shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    labels = models.JSONField(default=dict)
    configuration = models.ForeignKey(Configuration, on_delete=models.PROTECT, null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class Binding(models.Model):
    """Gateways whose labels include all of `selector` enforce `configuration`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    configuration = models.ForeignKey(Configuration, on_delete=models.PROTECT)
    selector = models.JSONField()
    created_at = models.DateTimeField()


class Gateway(models.Model):
    """A gateway, and what it is to enforce.

    `configuration` is what it was told by name; `bound` what it is to enforce by that or by a
    selector. `ambiguous`: equally good selectors disagree, so `bound` stayed as it was.
    `bound_seq` is the publish sequence at which `bound` last changed, `changed_seq` the change
    counter of gateways at the row's last change. Until `previous_until` the token before the
    last rotation opens too. A deleted one keeps its row: its token is told so.
    """

    id = models.CharField(primary_key=True, max_length=200)
    name = models.CharField(max_length=200)
    labels = models.JSONField(default=dict)
    configuration = models.ForeignKey(
        Configuration, on_delete=models.PROTECT, null=True, related_name="named_by"
    )
    bound = models.ForeignKey(
        Configuration, on_delete=models.PROTECT, null=True, related_name="gateways"
    )
    ambiguous = models.BooleanField(default=False)
    bound_seq = models.BigIntegerField(default=0)
    bound_at = models.DateTimeField(null=True)
    changed_seq = models.BigIntegerField(db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    previous_digest = models.CharField(max_length=64, default="")
    previous_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
