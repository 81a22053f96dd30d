"""The tables of notifications: where events are sent, and what was sent."""

import uuid

from django.db import models
from django.db.models import Q


class Endpoint(models.Model):
    """A notification endpoint: where events are sent, in a form.

    What people ask for: `url` and the secrets are sealed; `place` is the host that a url names,
    for people. `recipients` are addresses of mail. `kinds`, `git_repos` and `labels` choose events,
    each nothing where it is empty. Until `previous_until` the secret before signs as well.

    What attempts observed: `failures` counts those that failed since one succeeded, `silent` those
    of them that were the first of their notification. `failing_since` is the time of the first of
    them, `told_at` when an event told of it. While it rests, until `rests_until`, nothing is sent.
    `gone` says that it answered 410, and was disabled for it.
    """

    class Form(models.TextChoices):
        WEBHOOK = "webhook"
        SLACK = "slack"
        TEAMS = "teams"
        MAIL = "mail"

    COUNTER = "notification-endpoints"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)
    form = models.CharField(max_length=10, choices=Form.choices)
    url = models.TextField(default="")
    place = models.CharField(max_length=300, default="")
    recipients = models.JSONField(default=list)
    kinds = models.JSONField(default=list)
    git_repos = models.JSONField(default=list)
    labels = models.JSONField(default=dict)
    enabled = models.BooleanField(default=True)
    secret = models.TextField(default="")
    previous_secret = models.TextField(default="")
    previous_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    failures = models.PositiveIntegerField(default=0)
    silent = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    rests_until = models.DateTimeField(null=True)
    gone = models.BooleanField(default=False)

    OBSERVED = ("failures", "silent", "failing_since", "told_at", "rests_until", "gone", "enabled")


_WAITS = Q(status="waiting")


class Notification(models.Model):
    """An event as it is sent to one endpoint; rows of an endpoint are in the order of the events.

    `id` is what the receiver knows it by. `git_repo`, `configuration` and `other` are its subjects,
    empty where there is none. `next_attempt_at` is null while an earlier one of a subject waits,
    and when nothing more is to be done. Who attempts it now has `claim`, until `lease_until`.
    `log` has the last attempts, `told` what is sent.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GAVE_UP = "gave_up"

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="notifications")
    event = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=20)
    git_repo = models.CharField(max_length=36, default="")
    configuration = models.CharField(max_length=200, default="")
    other = models.CharField(max_length=300, default="")
    told = models.JSONField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    log = models.JSONField(default=list)
    next_attempt_at = models.DateTimeField(null=True)
    give_up_at = models.DateTimeField()
    claim = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    SUBJECTS = ("git_repo", "configuration", "other")

    class Meta:
        indexes = [
            models.Index(fields=["endpoint", "-number"], name="notification_log"),
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                name="notification_due",
                condition=_WAITS & Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["endpoint", "git_repo", "number"],
                name="notification_of_link",
                condition=_WAITS,
            ),
            models.Index(
                fields=["endpoint", "configuration", "number"],
                name="notification_of_policy",
                condition=_WAITS,
            ),
            models.Index(
                fields=["endpoint", "other", "number"],
                name="notification_of_other",
                condition=_WAITS,
            ),
            models.Index(fields=["settled_at"], name="notification_settled"),
        ]
