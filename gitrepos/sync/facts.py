"""The facts of the database that a plan needs, and the plan on them."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from configurations.models import Configuration
from gitrepos.models import Link, LinkedFile
from gitrepos.sync.candidates import Candidate, Linked
from gitrepos.sync.plan import Holder, LinkTerms, Plan, plan


def decide(link: Link, candidates: Sequence[Candidate], before: Sequence[Linked]) -> Plan:
    """What `candidates` would change, given what git said before and who holds which id."""
    terms = LinkTerms(
        str(link.pk),
        link.url,
        auto_create=link.auto_create_configuration,
        adopt=link.adopt,
        prune=link.prune,
    )
    return plan(candidates, linked=before, holders=_holders(candidates, before), link=terms)


def linked(link_id: UUID) -> list[Linked]:
    """What git last said of each file of a link.

    Where it shall go into force although it did not change, no bytes count as known.
    """
    awaited = Configuration.objects.filter(owner=str(link_id), git_hash="").values_list("pk")
    waiting = {pk for (pk,) in awaited}
    files = LinkedFile.objects.filter(link=link_id).order_by("path")
    names = ("path", "configuration", "blob", "outcome", "content_hash")
    rows = [Linked(*row) for row in files.values_list(*names)]
    return [replace(row, blob="") if row.configuration in waiting else row for row in rows]


def _holders(candidates: Sequence[Candidate], before: Sequence[Linked]) -> dict[str, Holder]:
    ids = {c.configuration for c in candidates} | {row.configuration for row in before}
    found = Configuration.objects.filter(pk__in=ids).only(
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
        for row in found
    }
