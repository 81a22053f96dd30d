"""Tokens, kept as digests."""

import uuid

from django.db import models


class Token(models.Model):
    """A bearer token. The token itself is shown once, when it is made.

    `digest` is the sha256 of the token in hex; `hint` is its first characters, for people
    who look for the one to revoke. A token without `expires_at` lasts until it is revoked.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
