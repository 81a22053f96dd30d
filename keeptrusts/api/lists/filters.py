"""Filters that many lists have, of rows of a database."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from keeptrusts.api import parameters
from keeptrusts.api.lists.labels import HasLabels
from keeptrusts.api.lists.listing import Filter


def equal(name: str, about: str, *, column: str = "") -> Filter[Any]:
    """A filter by a text, which a column has exactly."""
    return Filter(parameters.text(name, about), lambda value, _: Q(**{column or name: value}))


def among(name: str, about: str, *, known: Sequence[str]) -> Filter[Any]:
    """A filter by words, one of which a column of the same name has."""
    words = parameters.words(name, about, known=known, default=None)
    return Filter(words, lambda value, _: Q(**{f"{name}__in": value}))


def labelled(about: str) -> Filter[Any]:
    """A filter by labels, all of which the column of labels has."""
    pairs = parameters.labels("labels", about)
    return Filter(pairs, lambda value, _: Q(HasLabels("labels", value)))


def between(column: str) -> tuple[Filter[Any], Filter[Any]]:
    """Filters by a time: `since` is included, `until` is not."""
    since = parameters.moment("since", f"From this time of `{column}` on, which is included.")
    until = parameters.moment("until", f"Before this time of `{column}`, which is not included.")
    return (
        Filter(since, lambda value, _: Q(**{f"{column}__gte": value})),
        Filter(until, lambda value, _: Q(**{f"{column}__lt": value})),
    )
