"""Models of gateways, their bindings, client keys, reports, decisions and signing keys."""

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
    """A token with which a group of gateways enrols; kept as a digest, shown once.

    `uses` counts the gateways that it enrolled, `max_uses` bounds them, null for no bound.
    `paced_until` is ahead of the clock after many at once. Tokens of older releases may have no
    `expires_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    labels = models.JSONField(default=dict)
    configuration = models.ForeignKey(Configuration, on_delete=models.PROTECT, null=True)
    max_uses = models.PositiveIntegerField(null=True)
    uses = models.PositiveIntegerField(default=0, db_default=0)
    paced_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class Binding(models.Model):
    """A selector: gateways whose labels include all of it enforce `configuration`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    configuration = models.ForeignKey(Configuration, on_delete=models.PROTECT)
    selector = models.JSONField()
    created_at = models.DateTimeField()


class ClientKey(models.Model):
    """A key with which clients call gateways; kept as a digest, by the name that limits go by.

    It holds at `gateways` (ids), else where labels include all of `selector`, else everywhere.
    Limits are as in a gateway's file of keys. `previous_digest` is that of the key before the
    last rotation. A revoked key keeps its row, so that its gateways go on asking for keys, and
    `past_scopes` has the pairs of `gateways` and `selector` before: also of a revoked key of the
    same name.
    """

    name = models.CharField(primary_key=True, max_length=100)
    digest = models.CharField(max_length=64, null=True, unique=True)
    previous_digest = models.CharField(max_length=64, null=True, unique=True)
    model_globs = models.JSONField(null=True)
    rate_limit = models.JSONField(null=True)
    token_budget = models.JSONField(null=True)
    gateways = models.JSONField(null=True)
    selector = models.JSONField(null=True)
    past_scopes = models.JSONField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class ClientKeyList(models.Model):
    """The client keys of one or more gateways, in the bytes that these get."""

    content_hash = models.CharField(primary_key=True, max_length=64)
    content = models.BinaryField()


class Gateway(models.Model):
    """A gateway, and what it is to enforce.

    `configuration` is set on the gateway itself; `bound` is what it is to enforce, by that or by
    a selector. `ambiguous`: equally good selectors disagree, so `bound` stayed as it was.
    `bound_seq` is the publish sequence at which `bound` last changed, `changed_seq` the change
    counter of gateways at the row's last change. Until `previous_until` the token before the
    last rotation is valid too. A deleted gateway keeps its row, so that its token is answered 410
    and its id is not taken by another, until a person releases it (`released_at`). `enrolled_by` is
    the token that it registered itself with; `bound_before` lists the configurations that it was
    bound to once, of which decisions may still come.

    `client_keys`: empty as long as no client key of the control plane was ever for this gateway.
    From the first on it is `demanded`, and stays so without any, until a person says `off`.
    `keys_hash` names its list, `keys_seq` is the count of gateways at which the list last changed.
    """

    COUNTER = "gateways"  # The change counter of all rows, and of client keys.

    class ClientKeys(models.TextChoices):
        DEMANDED = "demanded"
        OFF = "off"

    id = models.CharField(primary_key=True, max_length=200)
    name = models.CharField(max_length=200)
    labels = models.JSONField(default=dict)
    configuration = models.ForeignKey(
        Configuration, on_delete=models.PROTECT, null=True, related_name="named_by"
    )
    bound = models.ForeignKey(
        Configuration, on_delete=models.PROTECT, null=True, related_name="gateways"
    )
    bound_before = models.JSONField(null=True)
    ambiguous = models.BooleanField(default=False)
    bound_seq = models.BigIntegerField(default=0)
    bound_at = models.DateTimeField(null=True)
    changed_seq = models.BigIntegerField(db_index=True)
    enrolled_by = models.ForeignKey(EnrolmentToken, on_delete=models.PROTECT, null=True)
    digest = models.CharField(max_length=64, unique=True)
    previous_digest = models.CharField(max_length=64, default="")
    # `db_default`: a web of a release before, which knows no such columns, goes on registering.
    client_keys = models.CharField(
        max_length=10, choices=ClientKeys.choices, default="", db_default=""
    )
    keys_hash = models.CharField(max_length=64, default="", db_default="")
    keys_seq = models.BigIntegerField(default=0, db_default=0)
    previous_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)


class State(models.Model):
    """The last report of a gateway, and the content that was handed to it.

    Written at once when what it runs, its health or its problem changes; `last_seen_at`,
    `counters`, `stream` and what it was handed follow about once a minute. `running_since` is by
    the gateway's clock, `enforced_at` (its first report of what it runs now) by this one's.
    `keys_seq` is the sequence of its list of client keys, null for one that said nothing of any.
    """

    gateway = models.OneToOneField(Gateway, on_delete=models.CASCADE, primary_key=True)
    running_configuration = models.CharField(max_length=200, default="")
    running_version = models.PositiveIntegerField(null=True)
    running_hash = models.CharField(max_length=64, default="")
    running_seq = models.BigIntegerField(default=0)
    running_since = models.DateTimeField(null=True)
    enforced_at = models.DateTimeField(null=True)
    keys_seq = models.BigIntegerField(null=True)
    keys_since = models.DateTimeField(null=True)
    health = models.CharField(max_length=10)
    problem_code = models.CharField(max_length=40, default="")
    problem_message = models.CharField(max_length=1000, default="")
    problem_since = models.DateTimeField(null=True)
    kt_version = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    stopping = models.BooleanField()
    counters = models.JSONField()
    stream = models.BooleanField()
    last_seen_at = models.DateTimeField()
    handed_hash = models.CharField(max_length=64, default="")
    handed_at = models.DateTimeField(null=True)


class Decision(models.Model):
    """A decision of a gateway, as it logged it. `event_id` is the gateway's own id for it.

    `at` is the gateway's time, or that of arrival where it cannot be; `configuration`, `verdict`
    and `policy` are empty where they cannot be, and `marks` then say so.
    """

    gateway = models.CharField(max_length=200)
    event_id = models.CharField(max_length=64)
    at = models.DateTimeField()
    configuration = models.CharField(max_length=200, default="")
    verdict = models.CharField(max_length=20, default="")
    policy = models.CharField(max_length=200, default="")
    event = models.JSONField()
    marks = models.JSONField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "event_id"], name="decision_identity"),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="decision_time"),
            models.Index(fields=["gateway", "-at", "-id"], name="decision_gateway"),
            models.Index(fields=["configuration", "-at", "-id"], name="decision_configuration"),
            models.Index(fields=["received_at"], name="decision_arrival"),
        ]


class Intake(models.Model):
    """The last batch of decisions of a gateway. `dropped` counts those that it could not keep."""

    gateway = models.OneToOneField(Gateway, on_delete=models.CASCADE, primary_key=True)
    last_batch = models.BigIntegerField()
    last_event = models.CharField(max_length=64)
    dropped = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField()


class Trouble(models.Model):
    """A gateway that does not do what it should: from the first look that saw it until it is over.

    `state` is that of drift at the last look, `since` the time of the first. `told` has the kinds
    of the events that told of it. While it is well, not long enough yet, it is so `well_since`, and
    `state` is empty.
    """

    gateway = models.CharField(max_length=200, primary_key=True)
    state = models.CharField(max_length=20)
    since = models.DateTimeField()
    told = models.JSONField(default=list)
    well_since = models.DateTimeField(null=True)
