"""Batches for whoever does not see all configurations: what they would see by asking."""

from dataclasses import replace

from configurations.seen import Seen
from events.models import AuditEntry, Event
from events.queries import Part
from gateways.api import logs
from gateways.feed.past import Batch
from gateways.feed.tails import Row
from gitrepos.links import narrowing
from gitrepos.models import Link, SyncRun


def seen_of(batch: Batch, seen: Seen) -> Batch:
    """The rows of a batch that are seen, as they are seen.

    Raises:
        Error: the database could not be read.
    """
    entries, events = logs.entries_of(seen), logs.events_of(seen)
    if entries is None or events is None:
        return batch
    pks = [row["pk"] for row in batch.runs]
    runs = SyncRun.objects.filter(narrowing.links(seen, "link"), pk__in=pks) if pks else ()
    linked = {run.pk for run in runs}
    return replace(
        batch,
        audited=_of_entries(batch, entries),
        events=_of_events(batch, events),
        runs=[row for row in batch.runs if row["pk"] in linked],
    )


def sees_link(link_id: str, seen: Seen) -> bool:
    """Whether a link is seen."""
    return not seen.is_narrowed or Link.objects.filter(narrowing.links(seen), pk=link_id).exists()


def _of_entries(batch: Batch, part: Part) -> list[Row]:
    pks = [row["pk"] for row in batch.audited]
    if not pks:
        return []
    found = AuditEntry.objects.filter(part.where, pk__in=pks).values()
    shown = {row["id"] for row in found if part.shown(row) is not None}
    return [row for row in batch.audited if row["pk"] in shown]


def _of_events(batch: Batch, part: Part) -> list[Row]:
    pks = [row["pk"] for row in batch.events]
    if not pks:
        return []
    seen = set(Event.objects.filter(part.where, pk__in=pks).values_list("pk", flat=True))
    shown = (part.shown(row) for row in batch.events if row["pk"] in seen)
    return [row for row in shown if row is not None]
