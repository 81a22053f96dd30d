"""The table of events."""

from django.db import models


class Event(models.Model):
    """One thing that happened; never updated.

    `git_repo` and `configuration` are ids, empty where the event is about neither. `message` is
    for people; `details` holds plain values for programs, by kind.
    """

    class Kind(models.TextChoices):
        FAILED = "failed"
        RECOVERED = "recovered"
        HISTORY_REWRITTEN = "history_rewritten"
        HELD = "held"
        CONFIRMED = "confirmed"
        QUARANTINED = "quarantined"
        RELEASED = "released"
        OVERRIDDEN = "overridden"
        OVERRIDE_REPLACED = "override_replaced"
        PINNED = "pinned"
        UNPINNED = "unpinned"
        ARCHIVED = "archived"
        RENAMED = "renamed"
        REBOUND = "rebound"
        CREDENTIAL_CHANGED = "credential_changed"
        CREDENTIAL_EXPIRING = "credential_expiring"
        CLIENT_KEY_CHANGED = "client_key_changed"
        CLIENT_KEYS_SWITCHED = "client_keys_switched"
        RESTORED = "restored"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    git_repo = models.CharField(max_length=36, default="", db_index=True)
    configuration = models.CharField(max_length=200, default="", db_index=True)
    message = models.CharField(max_length=2000)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"], name="event_kind")]
