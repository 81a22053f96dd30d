"""The model of change counters, shared by all packages."""

from django.db import models


class Counter(models.Model):
    """A counter that grows with each visible change of a resource; values never repeat."""

    name = models.CharField(primary_key=True, max_length=40)
    value = models.BigIntegerField(default=0)
