"""Doors: which class of callers a request is of, and what is looked at before its body."""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Door:
    """A class of callers, by the paths that they call.

    `places` is how many threads of the web they may hold. `check` is called with method, path and
    headers (in lower case) before a body is read; it raises `ApiError` for what is hopeless.
    """

    name: str
    path: re.Pattern[str]
    places: int
    check: Callable[[str, str, Headers], None] = lambda _method, _path, _headers: None


# Health checks have places of their own, and are answered while all others wait.
HEALTH = Door("health", re.compile("/healthz|/readyz"), places=4)
PEOPLE = Door("people", re.compile(".*", re.DOTALL), places=12)


@functools.cache
def sharing() -> tuple[Door, ...]:
    """The doors that share the places: those of packages, and at last that of people."""
    return (*(import_string(name) for name in settings.DOORS), PEOPLE)


def of(path: str) -> Door:
    """The door of a path."""
    return next(door for door in (HEALTH, *sharing()) if door.path.fullmatch(path))
