"""Gateways and client keys as they are for whoever does not see all configurations.

A gateway is seen when what it is bound to is, whatever its labels; a client key when it is for a
gateway that is seen.
"""

from collections.abc import Iterable, Mapping

from configurations.seen import Seen
from gateways.models import Binding, ClientKey, Gateway
from gateways.registry import keylists
from gateways.registry.selectors import SelectorRule, bind


def ambiguous(seen: Seen) -> set[str]:
    """The gateways about which selectors that are seen disagree: the others tell nothing."""
    selectors = Binding.objects.filter(seen.where("configuration__pk"))
    rules = [SelectorRule(*row) for row in selectors.values_list("configuration", "selector")]
    gateways = Gateway.objects.filter(seen.where("bound__pk"), ambiguous=True, deleted_at=None)
    return {
        pk
        for pk, labels in gateways.values_list("pk", "labels")
        if bind(rules, named=None, labels=labels, before=None).ambiguous
    }


def trim(rows: Iterable[Gateway], seen: Seen) -> list[Gateway]:
    """The rows, which are not saved again, without what is not seen."""
    trimmed = list(rows)
    if seen.is_narrowed:
        disagreed = ambiguous(seen)
        for row in trimmed:
            row.ambiguous = row.pk in disagreed
    return trimmed


def client_keys(rows: Iterable[ClientKey], seen: Seen) -> list[ClientKey]:
    """The keys that are for a gateway that is seen, each with those of its gateways."""
    if not seen.is_narrowed:
        return list(rows)
    gateways = Gateway.objects.filter(seen.where("bound__pk"), deleted_at=None)
    labels = dict(gateways.values_list("pk", "labels"))
    found = [row for row in rows if _concerns_any(row, labels)]
    for row in found:
        if row.gateways is not None:
            row.gateways = [pk for pk in row.gateways if pk in labels]
    return found


def _concerns_any(row: ClientKey, gateways: Mapping[str, Mapping[str, str]]) -> bool:
    key = keylists.scoped(row)
    return any(key.concerns(pk, labels) for pk, labels in gateways.items())
