"""Models of change counters and kept answers, shared by all packages."""

from django.db import models


class Counter(models.Model):
    """A counter that grows with each visible change of a resource; values never repeat."""

    name = models.CharField(primary_key=True, max_length=40)
    value = models.BigIntegerField(default=0)


class Count(models.Model):
    """A value that a counter was given: each once, which the database holds.

    What a process read before must be among them; else the database lost changes since.
    """

    counter = models.CharField(max_length=40)
    value = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["counter", "value"], name="count_given_once"),
        ]


class KeptAnswer(models.Model):
    """The answer to a POST with an `Idempotency-Key`; only `api.writes.kept` writes it.

    `id` is the sha256 of credential, path and key, `body_mac` a MAC of the body that was sent,
    `sees` the sha256 of what the credential may see. `target` is the id of what was written, and
    `body` what was answered, null where that showed a secret.
    """

    id = models.CharField(primary_key=True, max_length=64)
    body_mac = models.CharField(max_length=64)
    sees = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    target = models.CharField(max_length=200)
    body = models.TextField(null=True)
    created_at = models.DateTimeField(db_index=True)
