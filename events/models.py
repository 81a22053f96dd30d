"""The tables of events and of the audit log."""

from django.db import models


class Event(models.Model):
    """One thing that happened; nothing that it says is ever updated.

    `git_repo` and `configuration` are ids, empty where the event is about neither. `message` is
    for people; `details` holds plain values for programs, by kind. `notified` says that it waits
    for no notification to be made of it: each that has one, or that nobody is to hear of.
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
        CHANGE_REQUESTED = "change_requested"
        BREAK_GLASS = "break_glass"
        ENDPOINT_FAILING = "endpoint_failing"
        ENDPOINT_RECOVERED = "endpoint_recovered"
        ENDPOINT_DISABLED = "endpoint_disabled"
        GATEWAY_OFFLINE = "gateway_offline"
        GATEWAY_DRIFTED = "gateway_drifted"
        GATEWAY_STALE = "gateway_stale"
        GATEWAY_RECOVERED = "gateway_recovered"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    git_repo = models.CharField(max_length=36, default="", db_index=True)
    configuration = models.CharField(max_length=200, default="", db_index=True)
    message = models.CharField(max_length=2000)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)
    notified = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "-id"], name="event_kind"),
            models.Index(
                fields=["id"], name="event_unnotified", condition=models.Q(notified=False)
            ),
        ]


class AuditEntry(models.Model):
    """One change that somebody made; never updated, and never removed.

    `target` is the id of what was changed; its kind is the first word of `action`. `before` and
    `after` hold the fields that differ, without secrets: `before` is null for what was made, and
    `after` for what was removed. `actor_id` is that of a token, trust, gateway or link.
    """

    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200, db_index=True)
    actor_name = models.CharField(max_length=2000)
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=200, db_index=True)
    trace_id = models.CharField(max_length=32, default="", db_default="")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["action", "-id"], name="audit_action")]
