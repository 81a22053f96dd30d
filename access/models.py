"""Tokens, kept as digests."""

import uuid

from django.db import models

from access.roles import ADMIN


class Token(models.Model):
    """A bearer token. The token itself is shown once, when it is made.

    `digest` is the sha256 of the token in hex; `hint` is its first characters, for people
    who look for the one to revoke. A token without `expires_at` lasts until it is revoked.
    `previous_digest` is that of the text before a rotation, which is good until `previous_until`.
    `made_by` is null for a token of the command line. `networks` are CIDRs from which alone it may
    be used; any, when the list is empty. `last_used_at` is right to the hour.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    # `db_default`: a web of a release before, which knows no such columns, goes on making tokens.
    role = models.CharField(max_length=20, default=ADMIN, db_default=ADMIN)
    note = models.CharField(max_length=500, blank=True, db_default="")
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12)
    previous_digest = models.CharField(max_length=64, blank=True, db_default="", db_index=True)
    previous_until = models.DateTimeField(null=True)
    networks = models.JSONField(default=list, db_default=[])
    made_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="made")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
