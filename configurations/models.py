"""Configurations and versions, which `versions`, `pins` and `judging` alone write, and requests."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q


class Configuration(models.Model):
    """A policy that gateways enforce under one id.

    `id` is text that is safe as a directory's name. `owner` is the id of the linked
    repository whose file feeds it, empty for one that nobody feeds; `origin_url` is the url that
    the last such link had last, so that linking it again takes its configurations back;
    `orphaned_at` is when the last such link was deleted.
    `content_hash` and `version` repeat the current version's, for lists; `publish_seq` is the
    sequence number of its publication, and never goes back. `git_hash` is the content hash of
    the file in git as it was seen last: an override stands until that changes. It is empty while
    no file is known, and when the file in git shall come into force with the next sync.

    While `pinned_at` is set, what is in force stays in force whatever git says, until somebody
    releases it or `pin_expires_at` passes.

    With `four_eyes` what is in force changes only with a second person, see `requests`. A link with
    four eyes gives it to what it feeds; it stays until it is taken off by itself.

    `judged_rules` is the version of the rules that judged the content last, empty while none
    did. `findings` are their first errors and `refused_since` is when there were any first; both
    are empty while the content passes.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"

    class Source(models.TextChoices):
        GIT = "git"
        API = "api"

    id = models.CharField(primary_key=True, max_length=200)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, default="")
    labels = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    source = models.CharField(max_length=4, choices=Source.choices)
    owner = models.CharField(max_length=36, default="", db_index=True)
    origin_url = models.CharField(max_length=2000, default="")
    orphaned_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField()
    publish_seq = models.BigIntegerField(default=0, db_index=True)
    content_hash = models.CharField(max_length=64)
    git_hash = models.CharField(max_length=64, default="")
    pinned_at = models.DateTimeField(null=True)
    pin_reason = models.CharField(max_length=500, default="")
    pin_actor = models.CharField(max_length=200, default="")
    pin_expires_at = models.DateTimeField(null=True)
    # `db_default`: a worker of the release before, which knows no such columns, goes on writing.
    four_eyes = models.BooleanField(default=False, db_default=False)
    judged_rules = models.CharField(max_length=64, default="", db_default="", db_index=True)
    findings = models.JSONField(default=list, db_default=[])
    refused_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [
            # The orders of the list.
            models.Index(fields=["name", "id"], name="configuration_by_name"),
            models.Index(fields=["created_at", "id"], name="configuration_by_age"),
            models.Index(
                fields=["pin_expires_at"],
                name="pin_expiry",
                condition=Q(pin_expires_at__isnull=False),
            ),
            models.Index(
                fields=["owner"],
                name="refused_in_force",
                condition=Q(refused_since__isnull=False),
            ),
        ]


class Version(models.Model):
    """One content of a configuration, exactly as received. Never updated, never deleted.

    For `source` git, `repo_url`, `commit`, `path`, `author` and `message` are the facts of the
    commit, `ref` is the full name that led to it (empty where it was followed by its id),
    `committed_at` is its committer's time and `polled_at` when the poll that found it began. Where
    a signature was checked, `signer` is the allowed signer and `signer_key` the fingerprint of the
    key. For api, `actor` is the name of the token that sent it. `trace_id` is that of the push or
    request that led to it.
    """

    configuration = models.ForeignKey(
        Configuration, on_delete=models.PROTECT, related_name="versions"
    )
    number = models.PositiveIntegerField()
    content = models.BinaryField()
    content_hash = models.CharField(max_length=64)
    source = models.CharField(max_length=4, choices=Configuration.Source.choices)
    repo_url = models.CharField(max_length=2000, default="")
    commit = models.CharField(max_length=64, default="")
    # `db_default`: a worker of the release before, which knows no such column, goes on writing.
    ref = models.CharField(max_length=300, default="", db_default="")
    path = models.CharField(max_length=4096, default="")
    author = models.CharField(max_length=500, default="")
    message = models.CharField(max_length=500, default="")
    committed_at = models.DateTimeField(null=True)
    polled_at = models.DateTimeField(null=True)
    signer = models.CharField(max_length=1000, default="")
    signer_key = models.CharField(max_length=100, default="")
    actor = models.CharField(max_length=200, default="")
    note = models.CharField(max_length=1000, default="")
    trace_id = models.CharField(max_length=32, default="", db_default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["configuration", "number"], name="version_number"),
        ]


class ChangeRequest(models.Model):
    """A change that waits for a second person, or was made without one. Only `requests` writes it.

    `kind` is an action of `requests.kinds`, `target` the id of what it changes, `change` the body
    as JSON, which nobody needs any more once it is decided. `upon` tells the state of the target
    that it was asked upon: in another one it is void. `shows` is what a confirmation names, and
    `details` what else a person looks at. For a held commit `asker_kind` is `commit`.

    `broken` is when an admin made the change alone; it then waits, without end, to be confirmed.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        CONFIRMED = "confirmed"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        VOID = "void"

    kind = models.CharField(max_length=40)
    target = models.CharField(max_length=200, db_index=True)
    change = models.TextField(default="{}")
    upon = models.CharField(max_length=100)
    shows = models.JSONField(default=dict)
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    reason = models.CharField(max_length=500, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    asker_kind = models.CharField(max_length=20)
    asker_id = models.CharField(max_length=200)
    asker_name = models.CharField(max_length=500)
    broken = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    decider_kind = models.CharField(max_length=20, default="")
    decider_id = models.CharField(max_length=200, default="")
    decider_name = models.CharField(max_length=200, default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "-id"], name="request_state"),
            models.Index(
                fields=["target"],
                name="request_glass",
                condition=Q(broken__isnull=False, state="waiting"),
            ),
        ]
