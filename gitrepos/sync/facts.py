"""The rows that a plan needs, read from the database, and the plan made of them."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from configurations.models import Configuration
from gitrepos.models import Link, LinkedFile
from gitrepos.sync.candidates import Candidate, Linked
from gitrepos.sync.plan import Holder, LinkTerms, Plan, plan


def decide(link: Link, candidates: Sequence[Candidate], before: Sequence[Linked]) -> Plan:
    """The plan for `candidates`, given the files of the last sync."""
    terms = LinkTerms(
        str(link.pk),
        link.url,
        auto_create=link.auto_create_configuration,
        adopt=link.adopt,
        prune=link.prune,
    )
    return plan(candidates, linked=before, holders=_holders(candidates, before), link=terms)


def linked(link_id: UUID) -> list[Linked]:
    """The files of a link as of its last sync.

    A file that must go into force although it did not change has an empty blob, so that it is
    read again.
    """
    awaited = Configuration.objects.filter(owner=str(link_id), git_hash="").values_list("pk")
    waiting = {pk for (pk,) in awaited}
    files = LinkedFile.objects.filter(link=link_id).order_by("path")
    names = ("path", "configuration", "blob", "outcome", "content_hash")
    rows = [Linked(*row) for row in files.values_list(*names)]
    return [replace(row, blob="") if row.configuration in waiting else row for row in rows]


def _holders(candidates: Sequence[Candidate], before: Sequence[Linked]) -> dict[str, Holder]:
    ids = {c.configuration for c in candidates} | {row.configuration for row in before}
    configurations = Configuration.objects.filter(pk__in=ids).only(
        "name", "owner", "origin_url", "content_hash", "git_hash", "status", "pinned_at"
    )
    return {
        row.pk: Holder(
            row.name,
            row.owner,
            row.origin_url,
            row.content_hash,
            row.git_hash,
            archived=row.status == Configuration.Status.ARCHIVED,
            pinned=row.pinned_at is not None,
        )
        for row in configurations
    }
