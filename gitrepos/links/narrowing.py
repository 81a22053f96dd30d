"""Links, files and syncs as they are for whoever does not see all configurations.

A link is seen when it feeds a configuration that is seen, or has a file that names one. Of its
files, findings and messages only what is about those is left.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from configurations.models import Configuration
from configurations.seen import Seen
from gitrepos import errors
from gitrepos.links.listed import Listed
from gitrepos.models import LinkedFile

Raw = dict[str, Any]

HELD = "A commit waits until somebody confirms it, or git changes."
# What a hold says of its commit.
_OF_COMMIT = ("commit", "since", "tag", "tag_object")
_FAILED = "The link failed; whoever sees all configurations sees why."
_WAITS = "it lost its file and stays in force"


def links(seen: Seen, column: str = "pk") -> Q:
    """The links that are seen, by a column with a link's id."""
    if not seen.is_narrowed:
        return Q()
    named = LinkedFile.objects.filter(seen.where("configuration")).values_list("link_id", flat=True)
    fed = Configuration.objects.filter(seen.where()).exclude(owner="")
    owners = fed.values_list("owner", flat=True).distinct()
    return Q(**{f"{column}__in": {*named.distinct(), *map(UUID, owners)}})


def trim(rows: Sequence[Listed], seen: Seen) -> list[Listed]:
    """The rows without what is not seen, for whoever does not see all."""
    ids = [UUID(row.key) for row in rows]
    files = LinkedFile.objects.filter(seen.where("configuration"), link__in=ids)
    # In an order: that of groups hangs on how many rows there are, those not seen included.
    counted = files.values_list("link_id", "outcome").annotate(Count("pk")).order_by("outcome")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for link_id, outcome, number in counted:
        counts[str(link_id)][outcome] = number
    return [
        row._replace(
            counts=dict(counts[row.key]),
            error_message=reworded(row.error_code),
            held=trimmed_hold(row.held, seen),
            # The globs name files, and the objects may be those of any.
            include=None,
            exclude=None,
            let_off="",
            cases_not_run=0,
            # It may be of what the link feeds.
            broken_glass=None,
        )
        for row in rows
    ]


def reworded(code: str) -> str:
    """What an error of a link means; its own message may name any file."""
    kind = errors.by_code().get(code)
    return "" if not code else f"{kind.meaning.capitalize()}." if kind else _FAILED


def trimmed_hold(held: Mapping[str, Any] | None, seen: Seen) -> dict[str, Any] | None:
    """A held commit, with what it would remove of what is seen; what holds it may be another's."""
    if held is None or not seen.is_narrowed:
        return None if held is None else dict(held)
    removed = [row for row in held.get("would_remove", ()) if row["configuration"] in seen]
    told = {name: held[name] for name in _OF_COMMIT if name in held}
    return {"reason": "held", "message": HELD, **told, "would_remove": removed}


def files(raws: Sequence[Raw], seen: Seen) -> list[Raw | None]:
    """The files that name what is seen; None for another."""
    return list(raws) if not seen.is_narrowed else [_file(raw, seen) for raw in raws]


def _file(raw: Raw, seen: Seen) -> Raw | None:
    if raw["configuration"] not in seen:
        return None
    former = raw["renamed_from"] if raw["renamed_from"] in seen else ""
    return {**raw, "renamed_from": former, "findings": findings(raw["findings"])}


def runs(raws: Sequence[Raw], seen: Seen) -> list[Raw | None]:
    """The syncs that failed or changed what is seen; None for another. Their numbers count all."""
    return list(raws) if not seen.is_narrowed else [_run(raw, seen) for raw in raws]


def _run(raw: Raw, seen: Seen) -> Raw | None:
    told = [_reported(one, seen) for one in raw["files"] if one["configuration"] in seen]
    if not told and not raw["error_code"]:
        return None
    message = reworded(raw["error_code"])
    return {**raw, "id": None, "files": told, "error_message": message}


def _reported(one: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    former = one.get("renamed_from", "")
    shown = {"renamed_from": former if former in seen else ""} if "renamed_from" in one else {}
    return {**one, **shown, "findings": findings(one["findings"])}


def findings(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings of a file that is seen; why a removal waits may be another file's."""
    return [
        {**one, "message": _WAITS} if one["code"] == "prune_waits" else {**one} for one in found
    ]
