"""Gateways and client keys as they are for whoever does not see all configurations.

A gateway is seen when what it is bound to is, whatever its labels; a client key when it is for a
gateway that is seen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from configurations.seen import Seen
from gateways.models import Binding, Gateway
from gateways.registry import keylists
from gateways.registry.selectors import SelectorRule, bind

Raw = dict[str, Any]


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


def client_keys(raws: Sequence[Raw], seen: Seen) -> list[Raw | None]:
    """Rows of keys, each with those of its gateways that are seen; None for a key for no such."""
    if not seen.is_narrowed:
        return list(raws)
    gateways = Gateway.objects.filter(seen.where("bound__pk"), deleted_at=None)
    labels = dict(gateways.values_list("pk", "labels"))
    return [_trimmed(raw, labels) for raw in raws]


def _trimmed(raw: Raw, gateways: Mapping[str, Mapping[str, str]]) -> Raw | None:
    key = keylists.ScopedKey(None, raw["gateways"], raw["selector"])
    if not any(key.concerns(pk, labels) for pk, labels in gateways.items()):
        return None
    named = raw["gateways"]
    return {**raw, "gateways": named and [pk for pk in named if pk in gateways]}
