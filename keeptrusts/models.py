"""The one table that belongs to no package: a change counter for each resource."""

from django.db import models


class Counter(models.Model):
    """Grows with each change of a resource that a reader can see; no value comes twice."""

    name = models.CharField(primary_key=True, max_length=40)
    value = models.BigIntegerField(default=0)
