"""Models of change counters, shared by all packages."""

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
