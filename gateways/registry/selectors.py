"""Choice of the configuration that a gateway is bound to, pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SelectorRule:
    """A rule that binds gateways with all labels of `selector` to `configuration`."""

    configuration: str
    selector: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bound:
    """The result of binding; `configuration` is None for a gateway that nothing binds."""

    configuration: str | None
    ambiguous: bool = False


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether labels include all of a selector; an empty one selects everything."""
    return selector.items() <= labels.items()


def bind(
    rules: Iterable[SelectorRule],
    *,
    named: str | None,
    labels: Mapping[str, str],
    before: str | None,
) -> Bound:
    """Choose a gateway's configuration: its own, else that of the most specific rule.

    `named` is the gateway's own configuration. Of the rules that match, those with the most
    labels decide; where they disagree, `before` stays.
    """
    if named is not None:
        return Bound(named)
    matching = [rule for rule in rules if selects(rule.selector, labels)]
    most = max((len(rule.selector) for rule in matching), default=0)
    best = {rule.configuration for rule in matching if len(rule.selector) == most}
    if len(best) > 1:
        return Bound(before, ambiguous=True)
    return Bound(best.pop() if best else None)
