"""Tokens and sessions, kept as digests; trusts; people, and the rules that let them in."""

import uuid

from django.db import models

from access.roles import ADMIN


class Token(models.Model):
    """A bearer token. The token itself is shown once, when it is made.

    `digest` is the sha256 of the token in hex; `hint` is its first characters, for people
    who look for the one to revoke. A token without `expires_at` lasts until it is revoked.
    `previous_digest` is that of the text before a rotation, which is good until `previous_until`.
    `made_by` is null for a token of the command line. `networks` are CIDRs from which alone it may
    be used; any, when the list is empty. `sight` is that of `access.sights`, null for a token that
    sees all configurations; it is never changed. `last_used_at` is right to the hour.
    `emails`, in lower case, and `signers`, fingerprints of keys, are what its holder commits with.
    `given_to` are the ids of other tokens to whose holders a rotation showed its text.
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
    emails = models.JSONField(default=list, db_default=[])
    signers = models.JSONField(default=list, db_default=[])
    given_to = models.JSONField(default=list, db_default=[])
    sight = models.JSONField(null=True)
    made_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="made")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)


class KnownPerson(models.Model):
    """Somebody who signed in by a provider, who is `subject` to its `issuer` for ever.

    `email` is the last one that the provider vouched for, in lower case, empty for none;
    `says` is what somebody is called who may have chosen that, for people.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    email = models.CharField(max_length=254, blank=True)
    says = models.CharField(max_length=200, blank=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="person_of_issuer")
        ]


class Session(models.Model):
    """A session in a browser: of a token, for as long as that is good, or of a person.

    `id` is the sha256 of the value of its cookie; `token_digest` that of the text it began with.
    Of a person `claims` has what the provider said that rules named then: texts by claim.
    """

    id = models.CharField(primary_key=True, max_length=64)
    token = models.ForeignKey(Token, models.CASCADE, null=True, related_name="sessions")
    token_digest = models.CharField(max_length=64, blank=True)
    person = models.ForeignKey(KnownPerson, models.CASCADE, null=True, related_name="sessions")
    claims = models.JSONField(default=dict, db_default={})
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)


class SignInRule(models.Model):
    """A rule: whom the provider says all of `claims` of is let in to the console.

    `claims` has texts by claim, of which one is wanted. Of rules that somebody meets the first
    counts, by `position`, then by age. The other columns are as a token's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    issuer = models.CharField(max_length=500)
    claims = models.JSONField()
    position = models.IntegerField()
    role = models.CharField(max_length=20)
    sight = models.JSONField(null=True)
    networks = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    made_by = models.ForeignKey(Token, models.PROTECT, related_name="sign_in_rules")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)


class Trust(models.Model):
    """A trust: JWTs of an issuer that meet all its conditions are bearer tokens.

    One of `repository_id`, `project_id` and `subject` is not empty; `ref` and `environment` may
    be. The other columns are as a token's; `max_seconds` is the longest life of a JWT.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    issuer = models.CharField(max_length=500)
    audience = models.CharField(max_length=500)
    repository_id = models.CharField(max_length=20, blank=True)
    project_id = models.CharField(max_length=20, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    ref = models.CharField(max_length=500, blank=True)
    environment = models.CharField(max_length=500, blank=True)
    role = models.CharField(max_length=20)
    sight = models.JSONField(null=True)
    networks = models.JSONField(default=list)
    max_seconds = models.IntegerField()
    enabled = models.BooleanField(default=True)
    made_by = models.ForeignKey(Token, models.PROTECT, related_name="trusts")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)


class IssuerKeys(models.Model):
    """The keys of an issuer that has a trust, for all processes.

    `asked_at` is when somebody began to ask for them, `answered_at` when the last one ended, and
    `confirmed_at` when the issuer last gave them; null for never.
    """

    issuer = models.CharField(primary_key=True, max_length=500)
    keys = models.JSONField(default=list)
    asked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)


class UsedJWT(models.Model):
    """A JWT that changed something, until it is over; also a sign-in that was finished.

    `id` is the sha256 of its issuer and its `jti`, `digest` that of what its signature is over.
    """

    id = models.CharField(primary_key=True, max_length=64)
    digest = models.CharField(max_length=64)
    until = models.DateTimeField(db_index=True)
