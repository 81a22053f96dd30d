"""Samples of what countries number: telephones and persons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from kt.policy.decision.detectors import phones
from kt.policy.mutants.patterns import samples

PERSONS: Mapping[str, str] = MappingProxyType(
    {
        "BE": "My number is 85.07.30-033.28",
        "BR": "My CPF is 390.533.447-05",
        "DE": "Steuer-ID: 36 574 261 809",
        "ES": "My DNI is 54362315K",
        "FI": "My number is 131052-308T",
        "FR": "My NIR is 2 95 10 99 126 111 93",
        "IN": "My Aadhaar is 2341 2341 2346",
        "IT": "My code is RCCMNL83S18D969H",
        "NL": "My BSN 111222333",
        "PL": "My PESEL 44051401359",
    }
)
"""A text with a number of each country in `national_ids`, as its issuer or a standard prints it."""

_SORTS = ("fixed_line", "mobile", "toll_free", "voip", "uan", "pager")
_OF_A_SORT = 12


def telephones(region: str, others: Sequence[str]) -> Iterator[str]:
    """Texts with a number as it is written within a region, and within none of the others."""
    elsewhere = tuple(others)
    for prefix, digits in dict.fromkeys(_numbers(region)):
        if not (elsewhere and phones.of_regions(f"{prefix}{digits}", elsewhere)):
            yield f"Phone: {prefix}{digits}"


def _numbers(region: str) -> Iterator[tuple[str, str]]:
    """Numbers of a plan with the prefix that may stand before them at home."""
    from phonenumbers import PhoneMetadata

    plan = PhoneMetadata.metadata_for_region(region)
    assert plan is not None, "lint has seen to it that there is one"
    sorts = [one for one in (getattr(plan, name) for name in _SORTS) if one]
    for prefix in ("", plan.national_prefix or ""):
        yield from ((prefix, one.example_number) for one in sorts if one.example_number)
    for one in sorts:
        for digits in samples(one.national_number_pattern or "", _OF_A_SORT):
            yield "", digits
