"""The tables of links: remotes, hosts, credentials, links, their files and syncs."""

import secrets
import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q

NO_POLICY_FILES = "no_policy_files"  # An `error_code` that is no failure.

_WEEK_US = 7 * 86_400 * 1_000_000


def _phase() -> int:
    return secrets.randbelow(_WEEK_US)


class Host(models.Model):
    """A host that could not be reached; a host that answers has no row.

    `unreached` are the ids of the remotes, three at most, that had worked and could not reach it
    since it last answered. With three it rests: until `cooling_until` none of its remotes is
    polled by its schedule; after that, one is polled as a probe.
    """

    name = models.CharField(primary_key=True, max_length=255)
    unreached = models.JSONField(default=list)
    cooling_until = models.DateTimeField(null=True, db_index=True)


class Pause(models.Model):
    """A rate limit of a host for one credential: no request is made with it before `until`.

    `credential_digest` is that of the remotes; empty for requests without a credential.
    `probed`: the pause is over, and one remote is polled to see whether the others may follow.
    """

    host = models.CharField(max_length=255)
    credential_digest = models.CharField(max_length=64)
    until = models.DateTimeField()
    probed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "credential_digest"], name="pause_identity"),
        ]


class CredentialKind(models.TextChoices):
    """The kinds of shared credentials."""

    TOKEN = "token"  # noqa: S105 - the name of a kind
    BASIC = "basic"
    SSH = "ssh"
    TLS = "tls"
    APP = "app"


class GitCredential(models.Model):
    """A credential that links share by its name.

    `hosts` are the only servers that it is sent to, as `HOST` or `HOST:PORT`. `secret` is sealed:
    a token, a password or a private key, by `kind`; of kind `tls` there is none. Of kind `app` the
    key signs, at `api_url` alone, for tokens of an installation of a GitHub App. Over https the
    chain `client_certificate` may be shown besides, of which the sealed `client_key` is the key.
    `expiring` is set, with an event, some days before `expires_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=5, choices=CredentialKind.choices)
    hosts = models.JSONField(default=list)
    username = models.CharField(max_length=255, default="")
    authorization = models.CharField(max_length=6, default="")
    secret = models.TextField()
    known_hosts = models.TextField(default="")
    public_key = models.TextField(default="")
    # `db_default`: a web of the release before, which knows no such columns, goes on writing.
    client_certificate = models.TextField(default="", db_default="")
    client_key = models.TextField(default="", db_default="")
    api_url = models.CharField(max_length=300, default="", db_default="")
    app_id = models.CharField(max_length=100, default="", db_default="")
    installation_id = models.CharField(max_length=20, default="", db_default="")
    expires_at = models.DateTimeField(null=True)
    expiring = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()


class Remote(models.Model):
    """A url with a credential: one check of it serves every link to it.

    The credential is a shared one, or `credential`, an access token that is sealed, or none.
    `credential_digest` tells them apart: a keyed hash, by which equal tokens share a row, or the
    shared one's id. `phase_us`, modulo the interval, is the offset of the remote's polls in it.
    `next_poll_at` is empty while all links are suspended or settled, or the remote is `stalled`.
    `asked`: somebody asked for a poll, which goes before the scheduled ones, until one is answered.

    `failures` counts the remote's own failures since it last answered, `put_off` those of its
    host or its credential. `limited_until` is when it may be polled again, if its last answer was
    to make fewer requests; `refused_at` is when such an answer last paused its credential.

    The claim: until `lease_until` only the worker that wrote `claim_id` may act on the remote.
    `found` is what a poll found, for which a sync waits since `waits_since` or runs, see
    `polling.waiting`; `synced_at` is when the last sync began.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    url = models.CharField(max_length=2000)
    host = models.CharField(max_length=255)
    credential = models.TextField(default="")
    shared = models.ForeignKey(
        GitCredential, on_delete=models.PROTECT, null=True, related_name="remotes"
    )
    credential_digest = models.CharField(max_length=64, default="")
    interval_seconds = models.PositiveIntegerField(default=300)
    phase_us = models.BigIntegerField(default=_phase)
    next_poll_at = models.DateTimeField(null=True)
    asked = models.BooleanField(default=False)
    claim_id = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    last_polled_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    put_off = models.PositiveIntegerField(default=0, db_default=0)
    limited_until = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    stalled = models.BooleanField(default=False)
    found = models.JSONField(null=True)
    waits_since = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(null=True)

    # Its columns in groups, by which they are read and written.
    ADDRESS = ("url", "host", "credential", "credential_digest", "shared")
    SCHEDULE = (
        "next_poll_at", "asked", "interval_seconds", "last_polled_at", "failures", "put_off",
        "limited_until", "refused_at", "stalled",
    )  # fmt: skip
    CLAIM = ("claim_id", "lease_until", "found", "waits_since", "synced_at")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["url", "credential_digest"], name="remote_identity"),
        ]
        indexes = [
            models.Index(
                fields=["next_poll_at"], name="remote_due", condition=Q(next_poll_at__isnull=False)
            ),
            models.Index(fields=["next_poll_at"], name="remote_asked", condition=Q(asked=True)),
            models.Index(fields=["host"], name="remote_host"),
            models.Index(
                fields=["waits_since"],
                name="remote_waits",
                condition=Q(waits_since__isnull=False),
            ),
            models.Index(
                fields=["synced_at"], name="remote_synced", condition=Q(synced_at__isnull=False)
            ),
        ]

    @property
    def is_at_work(self) -> bool:
        """True while a poll or a sync has the remote, or one waits for it."""
        return self.claim_id is not None or self.waits_since is not None

    @property
    def setbacks(self) -> int:
        """The number of failed polls since the last answer, whoever failed."""
        return self.failures + self.put_off


class Link(models.Model):
    """A link: the files under `path` of what it follows feed configurations.

    What people ask for: one of `branch`, `tag`, `commit` and `semver`, a range of versions; all
    are empty for the remote's HEAD, see `refs`. `path` is kept as it was sent,
    `root` is its normal form: no slash at either end, empty for the whole repository.
    `include` and `exclude` are globs of paths; `id_prefix` stands before every id that a file
    names. `prune` archives a configuration that lost its file. With `allowed_signers`, in
    OpenSSH's format of that name, or `allowed_openpgp_keys`, armoured, only commits that one of
    them signed are applied. With `fail_on` `weaker` a commit that weakens what is in force is held;
    so it is with `four_eyes`, by which a second person confirms what is held, and edits.
    `minimum_coverage` and `minimum_killed` are gates for the tests in its files, in percent; 0 asks
    for nothing, see `kt.policy.mutants.gates`.
    `webhook_secret` is sealed. `generation` counts the edits.

    What syncs observed: `observed_generation` and `observed_rules` are those of the last attempt
    (when the rules change, only refused files are judged again);
    `last_commit` and `tree_id` those of the last sync that was applied, from `last_ref` (the full
    name of a ref; empty for a commit by its id) of `last_url`; both are empty while that is not
    known. `settled`: of a commit by its id nothing more is to be asked until somebody edits the
    link or asks for a sync. While its branch stands at
    `failed_commit`, a link is not tried again before `retry_at`. A request for a sync raises
    `requested_seq`; an attempt that began after it sets `served_seq`. `held` has the commit that
    waits for a person and why, `confirmed_commit` the one that a person confirmed. Until
    `expected_until` the forge is polled often for `expected_commit`, which a webhook announced.
    `last_delivery_at` is the time of the last genuine webhook. `cases_not_run` counts
    the tests in its files that need a model which is not there. `let_off` names the checks of git
    that objects of `last_commit` fail without harm.
    """

    # The change counters of what people write of links, and of what syncs that decide do.
    EDITS, SYNCS = "git-repos", "git-syncs"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    remote = models.ForeignKey(Remote, on_delete=models.PROTECT, related_name="links")

    url = models.CharField(max_length=2000)
    branch = models.CharField(max_length=250, default="")
    # `db_default`: a worker of the release before, which knows no such columns, goes on writing.
    tag = models.CharField(max_length=250, default="", db_default="")
    commit = models.CharField(max_length=64, default="", db_default="")
    semver = models.CharField(max_length=200, default="", db_default="")
    path = models.CharField(max_length=1000, default="")
    root = models.CharField(max_length=1000, default="")
    auto_create_configuration = models.BooleanField(default=False)
    adopt = models.BooleanField(default=False)
    poll_interval_seconds = models.PositiveIntegerField(default=300)
    webhook_poll_interval_seconds = models.PositiveIntegerField(null=True)
    webhook_secret = models.TextField(default="")
    id_prefix = models.CharField(max_length=100, default="")
    include = models.JSONField(default=list)
    exclude = models.JSONField(default=list)
    prune = models.BooleanField(default=False)
    allowed_signers = models.TextField(default="")
    # `db_default`: a web of the release before, which knows no such column, goes on writing.
    allowed_openpgp_keys = models.TextField(default="", db_default="")
    suspended = models.BooleanField(default=False)
    # `db_default`: a web of the release before, which knows no such columns, goes on writing.
    four_eyes = models.BooleanField(default=False, db_default=False)
    fail_on = models.CharField(max_length=10, default="", db_default="")
    minimum_coverage = models.PositiveSmallIntegerField(default=0, db_default=0)
    minimum_killed = models.PositiveSmallIntegerField(default=0, db_default=0)
    generation = models.PositiveIntegerField(default=1)

    observed_generation = models.PositiveIntegerField(default=0)
    observed_rules = models.CharField(max_length=64, default="")
    last_commit = models.CharField(max_length=64, default="")
    # `db_default`: a worker of the release before, which knows no such columns, goes on writing.
    last_url = models.CharField(max_length=2000, default="", db_default="")
    last_ref = models.CharField(max_length=300, default="", db_default="")
    tree_id = models.CharField(max_length=64, default="")
    settled = models.BooleanField(default=False, db_default=False)
    last_synced_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=40, default="")
    error_message = models.CharField(max_length=2000, default="")
    error_since = models.DateTimeField(null=True)
    failed_commit = models.CharField(max_length=64, default="")
    retry_at = models.DateTimeField(null=True)
    held = models.JSONField(null=True)
    confirmed_commit = models.CharField(max_length=64, default="")
    expected_commit = models.CharField(max_length=64, default="")
    expected_until = models.DateTimeField(null=True)
    last_delivery_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)
    let_off = models.CharField(max_length=1000, default="", db_default="")
    cases_not_run = models.PositiveIntegerField(default=0, db_default=0)
    requested_seq = models.PositiveIntegerField(default=0)
    served_seq = models.PositiveIntegerField(default=0)
    # Of the last request for a sync.
    trace_id = models.CharField(max_length=32, default="", db_default="")

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    # Its columns in groups, by which they are read and written.
    REQUESTS = (
        "generation", "observed_generation", "requested_seq", "served_seq", "trace_id",
        "expected_commit", "expected_until", "last_delivery_at",
    )  # fmt: skip
    OBSERVED = (
        "observed_rules", "last_commit", "last_ref", "settled", "error_code", "failed_commit",
        "retry_at", "held",
    )  # fmt: skip

    class Meta:
        db_table = "gitrepos_gitrepo"
        constraints = [
            models.UniqueConstraint(
                fields=["url", "branch", "tag", "commit", "semver", "root"], name="link_identity"
            ),
        ]
        indexes = [
            models.Index(
                fields=["remote"],
                name="link_expecting",
                condition=Q(expected_until__isnull=False),
            ),
            models.Index(fields=["created_at", "id"], name="link_order"),
        ]

    @property
    def has_signers(self) -> bool:
        """True when only commits that somebody signed are applied."""
        return bool(self.allowed_signers or self.allowed_openpgp_keys)

    @classmethod
    def expecting(cls, now: datetime) -> Q:
        """Links with a commit that a webhook announced and no check saw yet."""
        return Q(expected_until__gt=now) & ~Q(expected_commit="")

    @classmethod
    def behind(cls) -> Q:
        """Links that were edited, or asked to sync, after their last attempt began."""
        return Q(suspended=False) & (
            Q(requested_seq__gt=F("served_seq")) | Q(generation__gt=F("observed_generation"))
        )

    @classmethod
    def polled(cls) -> Q:
        """Links for which their forge is asked: not suspended, and not settled since an edit."""
        return Q(suspended=False, settled=False) | cls.behind()


class PreviewRequest(models.Model):
    """A request for the preview of a sync, kept until a worker takes it.

    `asked` is the link and its remote, saved or not, with the secret sealed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asked = models.JSONField()
    created_at = models.DateTimeField(db_index=True)


class LinkedFile(models.Model):
    """A file of a link as git last had it, and its outcome.

    `configuration` is the id that the file names, empty while it names no readable one.
    `blob` and `content_hash` are those last seen in git, in force or not; an empty `blob` has the
    file read again. `renamed_from` is the former id of its policy.
    """

    class Outcome(models.TextChoices):
        SYNCED = "synced"
        UNLINKED = "unlinked"
        QUARANTINED = "quarantined"
        CONFLICT = "conflict"
        PINNED = "pinned"
        MISSING = "missing"
        ARCHIVED = "archived"

    link = models.ForeignKey(
        Link, on_delete=models.CASCADE, related_name="files", db_column="repo_id"
    )
    path = models.CharField(max_length=1024)
    configuration = models.CharField(max_length=200, default="", db_index=True)
    renamed_from = models.CharField(max_length=200, default="")
    blob = models.CharField(max_length=64)
    content_hash = models.CharField(max_length=64, default="")
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    findings = models.JSONField(default=list)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "path", "configuration"], name="file_identity"),
        ]
        indexes = [
            models.Index(
                fields=["link"],
                name="file_refused",
                condition=Q(outcome__in=["quarantined", "unlinked", "conflict"]),
            ),
        ]

    @classmethod
    def refused(cls) -> Q:
        """Files that may not be enforced as they are in git; each poll looks for these."""
        return Q(outcome__in=["quarantined", "unlinked", "conflict"])


class SyncRun(models.Model):
    """A sync that changed something or failed. The same failure again updates its row.

    `files` lists the changed files: path, configuration, outcome, version, findings.
    """

    class Trigger(models.TextChoices):
        POLL = "poll"
        WEBHOOK = "webhook"
        MANUAL = "manual"

    link = models.ForeignKey(
        Link, on_delete=models.CASCADE, related_name="runs", db_column="repo_id"
    )
    trigger = models.CharField(max_length=8, choices=Trigger.choices)
    from_commit = models.CharField(max_length=64, default="")
    to_commit = models.CharField(max_length=64, default="")
    error_code = models.CharField(max_length=40, default="")
    error_message = models.CharField(max_length=2000, default="")
    files = models.JSONField(default=list)
    occurrences = models.PositiveIntegerField(default=1)
    trace_id = models.CharField(max_length=32, default="", db_default="")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["link", "-id"], name="run_history")]
