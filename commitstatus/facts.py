"""Facts of links, read for many at once: how each stands, its files, and who enforces them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count

from commitstatus.due import LinkFacts, RefusedFile
from gateways.models import Gateway
from gitrepos.models import NO_POLICY_FILES, Link, LinkedFile

_REFUSED = (LinkedFile.Outcome.QUARANTINED, LinkedFile.Outcome.CONFLICT)
# A link may feed thousands of files; a count of gateways is asked for by their configurations.
_AT_ONCE = 500

# Gateways that are bound, and of these who runs each content.
_Running = Mapping[str, Mapping[str, int]]


def read(links: Collection[Link]) -> dict[UUID, LinkFacts]:
    """The facts of links, by id."""
    ids = [link.pk for link in links]
    refused = _refused(ids)
    fed = _fed(ids)
    running = _running({name for files in fed.values() for name, _ in files})
    return {
        link.pk: _facts(link, refused.get(link.pk, ()), fed.get(link.pk, ()), running)
        for link in links
    }


def _facts(
    link: Link,
    refused: Sequence[RefusedFile],
    fed: Sequence[tuple[str, str]],
    running: _Running,
) -> LinkFacts:
    held: dict[str, Any] | None = link.held
    return LinkFacts(
        is_current=not link.suspended and link.generation == link.observed_generation,
        is_moved=link.last_url != link.url,
        commit=link.last_commit,
        is_empty=link.error_code == NO_POLICY_FILES,
        error_code="" if link.error_code == NO_POLICY_FILES else link.error_code,
        failed_commit=link.failed_commit,
        held=(held["commit"], held["reason"]) if held else None,
        counts=link.counts,
        refused=tuple(refused),
        gateways=sum(sum(running.get(name, {}).values()) for name, _ in fed),
        enforcing=sum(running.get(name, {}).get(content, 0) for name, content in fed),
    )


def _refused(ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RefusedFile]]:
    rows = LinkedFile.objects.filter(link__in=ids, outcome__in=_REFUSED).order_by("path")
    found: dict[UUID, list[RefusedFile]] = defaultdict(list)
    for link_id, path, outcome, findings in rows.values_list(
        "link_id", "path", "outcome", "findings"
    ):
        first = _gravest(findings)
        found[link_id].append(RefusedFile(path, outcome, first.get("line"), first.get("code", "")))
    return found


def _gravest(findings: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first error, since warnings before it refuse nothing; else the first finding, or none."""
    errors = (one for one in findings if one.get("severity") == "error")
    return next(errors, findings[0] if findings else {})


def _fed(ids: Sequence[UUID]) -> Mapping[UUID, Sequence[tuple[str, str]]]:
    """For each link the configurations that its files name, and what git has of each."""
    taken = (LinkedFile.Outcome.SYNCED, LinkedFile.Outcome.PINNED)
    rows = LinkedFile.objects.filter(link__in=ids, outcome__in=taken).exclude(configuration="")
    found: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    for link_id, name, content in rows.values_list("link_id", "configuration", "content_hash"):
        found[link_id].append((name, content))
    return found


def _running(names: Collection[str]) -> _Running:
    """For each configuration how many of the gateways bound to it run each content."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    asked = sorted(names)
    for at in range(0, len(asked), _AT_ONCE):
        rows = Gateway.objects.filter(deleted_at=None, bound__in=asked[at : at + _AT_ONCE])
        counted = rows.values_list("bound", "state__running_hash").annotate(Count("pk"))
        for bound, content, count in counted.order_by():
            found[bound][content or ""] = count
    return found
