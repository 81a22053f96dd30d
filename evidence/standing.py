"""The entries that tell what stood at a time: of a gateway, or of a configuration."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Q

from evidence.models import Entry
from kt.evidence import leaves

# Of a configuration that changes very often, the confirmation is among as many changes before.
_MOST_CHANGES = 200


def of_gateway(gateway_id: str, at: datetime) -> list[Entry]:
    """What was desired, handed out and running at a gateway, and where it came from."""
    found = list(_last(f"gateway/{gateway_id}", ("bound", "handed", "report"), at))
    for entry in list(found):
        facts = leaves.read(bytes(entry.leaf)).facts
        if "configuration" in facts and entry.kind == "bound":
            found += of_configuration(facts["configuration"], at)
        elif "configuration" in facts:
            found += _of_version(facts["configuration"], at, number=facts.get("version"))
    return _sorted(found)


def of_configuration(configuration_id: str, at: datetime) -> list[Entry]:
    """What was in force of a configuration, and where it came from."""
    return _sorted(_of_version(configuration_id, at))


def _of_version(configuration_id: str, at: datetime, number: int | None = None) -> list[Entry]:
    """A version, by default the last, with the changes that made it and who confirmed them."""
    subject = f"configuration/{configuration_id}"
    rows = Entry.objects.filter(subject=subject, kind="version", at__lte=at)
    if number is not None:
        rows = rows.filter(number=number)
    version = rows.order_by("-at", "-pk").first()
    if version is None:
        return []
    facts = leaves.read(bytes(version.leaf)).facts
    subjects = [subject, *([f"link/{facts['link']}"] if "link" in facts else [])]
    changes = Entry.objects.filter(subject__in=subjects, kind="audit", at__lte=at)
    near = changes.order_by("-at", "-pk")[:_MOST_CHANGES]
    return [version, *(one for one in near if _concerns(one, facts))]


def _concerns(entry: Entry, version: leaves.Facts) -> bool:
    return leaves.concerns(leaves.read(bytes(entry.leaf)), version)


def _last(subject: str, kinds: Iterable[str], at: datetime) -> Iterator[Entry]:
    for kind in kinds:
        rows = Entry.objects.filter(Q(subject=subject, kind=kind, at__lte=at))
        if (found := rows.order_by("-at", "-pk").first()) is not None:
            yield found


def _sorted(entries: Iterable[Entry]) -> list[Entry]:
    return sorted({entry.pk: entry for entry in entries}.values(), key=lambda entry: entry.pk)
