"""National identity numbers: examples that issuers and standards print, and one digit off."""

from __future__ import annotations

import pytest

from kt.policy.decision.detectors import nationalids
from kt.policy.language.regions import ID_COUNTRIES
from tests.kt.policy.builders import ask, compiled, content

ALL = compiled("pii-detector", {"national_ids": list(ID_COUNTRIES)})
EXAMPLES = {
    "BE": ["85.07.30-033.28"],
    "BR": ["390.533.447-05"],
    "DE": ["36 574 261 809", "36574261809"],
    "ES": ["54362315K", "X-2482300-W"],
    "FI": ["131052-308T"],
    "FR": ["2 95 10 99 126 111 93", "295109912611193"],
    "IN": ["2341 2341 2346"],
    "IT": ["RCCMNL83S18D969H"],
    "NL": ["111222333"],
    "PL": ["44051401359"],
}
# A name beside digits that say nothing by themselves.
NAMES = {"DE": "Steuer-ID: ", "NL": "BSN ", "PL": "PESEL: "}
CASES = [(country, one) for country, ones in EXAMPLES.items() for one in ones]


def test_the_countries_are_those_of_the_language() -> None:
    """A policy may name each of them."""
    assert tuple(EXAMPLES) == ID_COUNTRIES


@pytest.mark.parametrize(("country", "number"), CASES)
def test_a_number_is_found_where_its_country_is_asked_for(country: str, number: str) -> None:
    """And is cut out whole; without the key nothing says that it is one."""
    text = f"It is {NAMES.get(country, '')}{number}, thanks."
    only = compiled("pii-detector", {"national_ids": [country]})
    found = ask(only, text)
    assert {one.label for one in found.detections} == {"national_id"}
    assert content(found) == f"It is {NAMES.get(country, '')}[REDACTED:NATIONAL_ID], thanks."
    labels = {one.label for one in ask(compiled("pii-detector"), text).detections}
    assert "national_id" not in labels


@pytest.mark.parametrize(("country", "number"), CASES)
def test_another_digit_is_no_number(country: str, number: str) -> None:
    """Each place, each other digit: a check digit notices."""
    rule = next(iter(nationalids.rules((country,))))
    places = [at for at, sign in enumerate(number) if sign.isdecimal()]
    text = NAMES.get(country, "")
    wrong = [
        f"{number[:at]}{digit}{number[at + 1 :]}"
        for at in places
        for digit in "0123456789"
        if digit != number[at]
    ]
    passed = [one for one in wrong if tuple(rule.check(text + one, len(text), len(text + one)))]
    # The Belgian number has a second rule since 2000, and the Brazilian one reads ten as nought.
    assert len(passed) <= (2 if country in ("BE", "BR") else 0)


@pytest.mark.parametrize("country", sorted(NAMES))
def test_digits_alone_need_their_name(country: str) -> None:
    """One of ten or eleven numbers has the right check digit."""
    text = f"Order {EXAMPLES[country][0]} was sent."
    labels = {one.label for one in ask(ALL, text).detections}
    assert "national_id" not in labels
