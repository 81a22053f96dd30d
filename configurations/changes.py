"""Changes of what is in force, as bodies of the API ask for them: checked first, then written.

Each function checks a body and returns the writer's call. An endpoint makes that at once; a request
that a second person confirms makes it then.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from configurations import checks, pins, queries, versions
from configurations.models import Configuration
from configurations.requests import guard
from configurations.requests.kinds import Caller, Kind
from configurations.seen import ALL, Seen
from configurations.serializers import (
    ArchivalInput,
    ConfigurationEdit,
    PinInput,
    RollbackInput,
)
from configurations.versions import Origin, Source
from keeptrusts.api.errors import ConflictError
from keeptrusts.api.fields import valid

_FIELDS = ("name", "description", "labels", "four_eyes")
_MOST_WEAKENED = 50


def edit(
    configuration_id: str, body: Any, caller: Caller, *, seen: Seen = ALL
) -> Callable[[], object]:
    """Change fields of a configuration, and its content; by whom, it stays `seen`."""
    given = valid(ConfigurationEdit, body)
    if "labels" in given:
        seen.check_labels(configuration_id, given["labels"])
    content = given.get("content")
    if content is not None:
        pack = checks.check(content, asker=caller.asker)
        checks.identity(pack, asked=configuration_id)
    return lambda: versions.edit(
        configuration_id,
        content=content,
        origin=_origin(caller, given.get("note", "")),
        fields={key: given[key] for key in _FIELDS if key in given},
        override=given["override"],
        restore="status" in given,
    )


def archive(configuration_id: str, body: Any, caller: Caller) -> Callable[[], object]:
    """Take a configuration out of force."""
    override = valid(ArchivalInput, body)["override"]
    return lambda: versions.archive(configuration_id, override=override)


def rollback(configuration_id: str, body: Any, caller: Caller) -> Callable[[], object]:
    """Make the content of an earlier version the next one."""
    given = valid(RollbackInput, body)
    number = given["version"]
    note = given.get("note", f"Rollback to version {number}.")
    return lambda: versions.rollback(configuration_id, number, origin=_origin(caller, note))


def pin(configuration_id: str, body: Any, caller: Caller) -> Callable[[], object]:
    """Pin a version."""
    given = valid(PinInput, body)
    return lambda: pins.pin(
        configuration_id,
        number=given.get("version"),
        origin=_origin(caller, given["reason"]),
        reason=given["reason"],
        expires_at=given.get("expires_at"),
    )


def standings(targets: Collection[str]) -> Mapping[str, str]:
    """The states of configurations, by id."""
    rows = Configuration.objects.filter(pk__in=targets).only("version", "updated_at")
    return {row.pk: guard.standing(row) for row in rows}


def _weakened_by_content(target: str, body: Any, caller: Caller) -> list[str] | None:
    content = body.get("content")
    return _weakened(target, content.encode(), caller) if content is not None else []


def _weakened_by_version(target: str, body: Any, caller: Caller) -> list[str] | None:
    number = body.get("version")
    if number is None:
        return []
    return _weakened(target, queries.content(target, number)[0], caller)


def _weakened(target: str, after: bytes, caller: Caller) -> list[str] | None:
    """What a content weakens of the one in force; None where the two cannot be compared."""
    try:
        weakened = checks.weakened(queries.content(target)[0], after, asker=caller.asker)
    except ConflictError:
        return None
    return [message[:500] for message in weakened[:_MOST_WEAKENED]]


def _origin(caller: Caller, note: str) -> Origin:
    return Origin(source=Source.API, actor=caller.name[:200], note=note)


KINDS = {
    "configuration.edit": Kind("configurations.edit", edit, standings, _weakened_by_content),
    "configuration.archive": Kind("configurations.edit", archive, standings),
    "configuration.rollback": Kind(
        "configurations.edit", rollback, standings, _weakened_by_version
    ),
    "configuration.pin": Kind("configurations.pin", pin, standings, _weakened_by_version),
}
