"""Events and the audit log as they are for whoever does not see all configurations.

What is recorded about a configuration that is seen is shown as it was recorded, and what names
another one besides is left out or said in other words.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from rest_framework.request import Request

from configurations.seen import Seen, of
from events.log import Kind
from events.queries import Part, Row
from gateways.models import Gateway
from gitrepos.links import narrowing
from gitrepos.models import Link

_WORDS = {
    Kind.RENAMED: "Its file, or the id that its file names, is another one now.",
    Kind.REBOUND: "What was bound to its former id is bound to it now.",
    # Why may name what a gateway runs instead.
    Kind.GATEWAY_OFFLINE: "A gateway that is bound to it is offline.",
    Kind.GATEWAY_DRIFTED: "A gateway that is bound to it runs something else.",
    Kind.GATEWAY_STALE: "A gateway that is bound to it does not take what is new.",
    Kind.GATEWAY_RECOVERED: "A gateway that is bound to it does what it should again.",
}
# Fields of entries about gateways and bindings that have the id of a configuration.
_NAMING = ("configuration_id", "bound_id")
# Fields of entries about links that may name any file.
_OF_FILES = ("include", "exclude")


def events(request: Request) -> Part | None:
    """The events that the bearer of a request sees."""
    return events_of(of(request))


def events_of(seen: Seen) -> Part | None:
    """The events for whoever sees some configurations: those of them, not of links."""
    return Part(seen.where("configuration"), _event) if seen.is_narrowed else None


def entries(request: Request) -> Part | None:
    """The entries of the audit log that the bearer of a request sees."""
    return entries_of(of(request))


def entries_of(seen: Seen) -> Part | None:
    """The entries for whoever sees some configurations: about those, links, bindings, gateways."""
    if not seen.is_narrowed:
        return None
    links = [
        str(pk) for pk in Link.objects.filter(narrowing.links(seen)).values_list("pk", flat=True)
    ]
    gateways = Gateway.objects.filter(seen.where("bound__pk"), deleted_at=None)
    where = (
        Q(action__startswith="configuration.") & seen.where("target")
        | Q(action__startswith="git_repo.", target__in=links)
        | Q(action__startswith="gateway.", target__in=gateways.values("pk"))
        | Q(action__startswith="gateway_binding.")
    )
    return Part(where, lambda row: _entry(row, seen))


def _event(row: Row) -> Row:
    if row["kind"] in _WORDS:
        return {**row, "id": None, "message": _WORDS[row["kind"]], "details": {}}
    # Numbers count all events, and all requests.
    details = {name: value for name, value in row["details"].items() if name != "request"}
    if "findings" in details:
        details["findings"] = narrowing.findings(details["findings"])
    return {**row, "id": None, "details": details}


def _entry(row: Row, seen: Seen) -> Row | None:
    row, kind = {**row, "id": None}, row["action"].partition(".")[0]
    if kind == "git_repo":
        return {**row, **{name: _of_link(row[name], seen) for name in ("before", "after")}}
    if kind in ("gateway", "gateway_binding"):
        sides = [row["before"] or {}, row["after"] or {}]
        named = {side[name] for side in sides for name in _NAMING if side.get(name)}
        return row if named and all(pk in seen for pk in named) else None
    return row


def _of_link(fields: Mapping[str, Any] | None, seen: Seen) -> Mapping[str, Any] | None:
    if fields is None:
        return None
    if "would_remove" in fields:
        return narrowing.trimmed_hold(fields, seen)
    return {name: value for name, value in fields.items() if name not in _OF_FILES}
