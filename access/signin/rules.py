"""Rules of sign-in: which claims count, and which rule somebody meets. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

# What somebody is known by, as far as rules name it: texts by claim.
Known = Mapping[str, Collection[str]]


class Wants(Protocol):
    """A rule, as far as claims are concerned: one of the texts of each claim is wanted."""

    claims: Mapping[str, Collection[str]]


def texts(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """The texts that a claim has, by itself or in a list; none where it is of another form.

    An address counts where the provider says that it verified it, in lower case.
    """
    value = claims.get(name)
    if name == "email":
        is_verified = claims.get("email_verified") is True
        return frozenset({value.lower()} if isinstance(value, str) and is_verified else ())
    if isinstance(value, str):
        return frozenset({value})
    members = value if isinstance(value, list) else []
    return frozenset(one for one in members if isinstance(one, str))


def known(claims: Mapping[str, Any], rules: Iterable[Wants]) -> dict[str, list[str]]:
    """What a provider says of somebody that rules name, and nothing else of it."""
    wanted: dict[str, set[str]] = {}
    for rule in rules:
        for name, values in rule.claims.items():
            wanted.setdefault(name, set()).update(values)
    found = {name: sorted(texts(claims, name) & values) for name, values in wanted.items()}
    return {name: values for name, values in found.items() if values}


def is_met(rule: Wants, by: Known) -> bool:
    """Whether somebody has one of the texts of each claim of a rule."""
    return bool(rule.claims) and all(
        set(values) & set(by.get(name, ())) for name, values in rule.claims.items()
    )
