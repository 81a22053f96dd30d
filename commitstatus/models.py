"""The tables of commit statuses: credentials of forges' APIs, and what was told of each link."""

import uuid

from django.db import models

from gitrepos.models import Link


class ForgeKind(models.TextChoices):
    """The forges whose APIs take statuses."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    BITBUCKET = "bitbucket"
    BITBUCKET_SERVER = "bitbucket-server"


class ProofKind(models.TextChoices):
    """The kinds of credentials of APIs."""

    TOKEN = "token"  # noqa: S105 - the name of a kind
    APP = "app"


class ForgeCredential(models.Model):
    """A credential of a forge's API, by which statuses are told; no git server gets it.

    `api_url` is the only place that it is sent to. `hosts` are the servers of whose repositories it
    tells. `secret` is sealed: a token, or the private key of a GitHub App. Until `paused_until`
    nothing is sent with it: the API asked for fewer requests, or did not answer.
    """

    COUNTER = "forge-credentials"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    forge = models.CharField(max_length=20, choices=ForgeKind.choices)
    kind = models.CharField(max_length=5, choices=ProofKind.choices)
    api_url = models.CharField(max_length=300)
    hosts = models.JSONField(default=list)
    status_name = models.CharField(max_length=60)
    username = models.CharField(max_length=255, default="")
    app_id = models.CharField(max_length=100, default="")
    installation_id = models.CharField(max_length=20, default="")
    fingerprint = models.CharField(max_length=100, default="")
    secret = models.TextField()
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()


class CommitStatus(models.Model):
    """A link whose commits have a status on their forge, and what was told last.

    `commit`, `state` and `description` were told at `told_at`, as one of `tellings` of this commit.
    `visibility` is what the forge called the repository, believed until `visibility_until`; empty
    while that is not known. All of this is of the repository of `url`. After `failures` in a row,
    the last with `failed_commit`, it is tried again at `retry_at`.

    It is looked at again at `look_at`; or once the link is not as its `seen_…` columns have it.
    """

    # Without a constraint of the database: a process of the release before, which knows no such
    # table, goes on removing links.
    link = models.OneToOneField(
        Link, on_delete=models.CASCADE, primary_key=True, db_constraint=False,
        related_name="commit_status",
    )  # fmt: skip
    credential = models.ForeignKey(ForgeCredential, on_delete=models.PROTECT, related_name="told")
    url = models.CharField(max_length=2000, default="")
    commit = models.CharField(max_length=64, default="")
    state = models.CharField(max_length=10, default="")
    description = models.CharField(max_length=300, default="")
    told_at = models.DateTimeField(null=True)
    tellings = models.PositiveIntegerField(default=0)
    visibility = models.CharField(max_length=10, default="")
    visibility_until = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failed_commit = models.CharField(max_length=64, default="")
    retry_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=40, default="")
    error_message = models.CharField(max_length=500, default="")
    error_since = models.DateTimeField(null=True)
    look_at = models.DateTimeField(db_index=True)
    seen_commit = models.CharField(max_length=64, default="")
    seen_failed = models.CharField(max_length=64, default="")
    seen_error = models.CharField(max_length=40, default="")
    seen_synced_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    # What of the link is seen, by the column that has it.
    SEEN = {
        "seen_commit": "last_commit", "seen_failed": "failed_commit", "seen_error": "error_code",
        "seen_synced_at": "last_synced_at",
    }  # fmt: skip
    # What is forgotten when somebody changes by whom or whether it is told.
    AFRESH = {
        "visibility": "", "visibility_until": None, "failures": 0, "failed_commit": "",
        "retry_at": None, "error_code": "", "error_message": "", "error_since": None,
    }  # fmt: skip
