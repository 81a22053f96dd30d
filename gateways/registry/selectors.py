"""Which configuration a gateway is bound to. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SelectorRule:
    """Gateways with all labels of `selector` are bound to `configuration`."""

    configuration: str
    selector: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bound:
    """`configuration` is None for a gateway that nothing binds."""

    configuration: str | None
    ambiguous: bool = False


def bind(
    rules: Iterable[SelectorRule],
    *,
    named: str | None,
    labels: Mapping[str, str],
    before: str | None,
) -> Bound:
    """What a gateway is bound to: its own configuration, else what most of its labels say.

    `named` is the gateway's own configuration. Among the rules that match, those with the most
    labels count; where they disagree, `before` stays.
    """
    if named is not None:
        return Bound(named)
    matching = [rule for rule in rules if rule.selector.items() <= labels.items()]
    most = max((len(rule.selector) for rule in matching), default=0)
    best = {rule.configuration for rule in matching if len(rule.selector) == most}
    if len(best) > 1:
        return Bound(before, ambiguous=True)
    return Bound(best.pop() if best else None)
