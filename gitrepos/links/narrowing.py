"""Links, files and syncs as they are for whoever does not see all configurations.

A link is seen when it feeds a configuration that is seen, or has a file that names one. Of its
files, findings and messages only what is about those is left.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, Q

from configurations.models import Configuration
from configurations.seen import Seen
from gitrepos import errors
from gitrepos.models import Link, LinkedFile, SyncRun

_AnyLink = TypeVar("_AnyLink", bound=Link)

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


def trim(rows: Sequence[_AnyLink], seen: Seen) -> Sequence[_AnyLink]:
    """The rows, which are not saved again, without what is not seen."""
    if not seen.is_narrowed:
        return rows
    counted = LinkedFile.objects.filter(seen.where("configuration"), link__in=rows)
    counts: dict[UUID, Counter[str]] = defaultdict(Counter)
    for link_id, outcome, number in counted.values_list("link_id", "outcome").annotate(Count("pk")):
        counts[link_id][outcome] = number
    for row in rows:
        row.counts = dict(counts[row.pk])
        row.error_message = reworded(row.error_code)
        row.held = trimmed_hold(row.held, seen)
        # The globs name files, and the objects may be those of any.
        row.include = row.exclude = None
        row.let_off = ""
        if hasattr(row, "broken_glass"):
            # It may be of what the link feeds.
            row.broken_glass = None
    return rows


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


def files(rows: Iterable[LinkedFile], seen: Seen) -> list[LinkedFile]:
    """The files that name what is seen."""
    if not seen.is_narrowed:
        return list(rows)
    found = [row for row in rows if row.configuration in seen]
    for row in found:
        row.renamed_from = row.renamed_from if row.renamed_from in seen else ""
        row.findings = findings(row.findings)
    return found


def runs(rows: Iterable[SyncRun], seen: Seen, *, most: int) -> list[SyncRun]:
    """The first syncs that failed or changed what is seen. Their numbers count all syncs."""
    if not seen.is_narrowed:
        return list(islice(rows, most))
    return list(islice(filter(None, (_run(row, seen) for row in rows)), most))


def _run(row: SyncRun, seen: Seen) -> SyncRun | None:
    row.files = [_reported(one, seen) for one in row.files if one["configuration"] in seen]
    if not row.files and not row.error_code:
        return None
    row.error_message = reworded(row.error_code)
    row.pk = None
    return row


def _reported(one: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    former = one.get("renamed_from", "")
    shown = {"renamed_from": former if former in seen else ""} if "renamed_from" in one else {}
    return {**one, **shown, "findings": findings(one["findings"])}


def findings(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings of a file that is seen; why a removal waits may be another file's."""
    return [
        {**one, "message": _WAITS} if one["code"] == "prune_waits" else {**one} for one in found
    ]
