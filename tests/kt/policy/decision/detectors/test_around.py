"""How far the checks of values look: as far as their rules say, and no further."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision.detectors import nationalids, personal, secrets
from kt.policy.decision.matching.patterns import PatternRule
from kt.policy.decision.reading.engine import compiled
from kt.policy.language.regions import ID_COUNTRIES, PHONE_REGIONS
from tests.kt.policy.decision.detectors.format_examples import EXAMPLES, example

RULES = {
    rule.name: rule
    for rules in (
        personal.base(PHONE_REGIONS),
        personal.payment(),
        personal.health(),
        nationalids.rules(ID_COUNTRIES),
        secrets.rules(),
    )
    for rule in rules
    if rule.around is not None
}
# A candidate of each rule that is no format's.
CANDIDATES = {
    "email": "maria@example.org",
    "ssn": "536-22-8145",
    "ssn_named": "ssn 536 22 8145",
    "card": "4111 1111 1111 1111",
    "iban": "DE89370400440532013000",
    "ipv4": " 10.20.30.40",
    "ipv6": " 2001:db8::8a2e:370:7334",
    "phone": "+49 30 901820",
    "phone_us": "(415) 555-2671",
    "phone_national": "030 901820-17",
    "phone_named": "call 415 555 2671",
    "phone_labelled": "tel: 030 901820",
    "phone_labelled_after": " 030 901820 office",
    "national_id_be": "85.07.30-033.28",
    "national_id_br": "390.533.447-05",
    "national_id_de": "36574261809",
    "national_id_es": "54362315K",
    "national_id_fi": "131052-308T",
    "national_id_fr": "295109912611193",
    "national_id_in": "2341 2341 2346",
    "national_id_it": "RCCMNL83S18D969H",
    "national_id_nl": "111222333",
    "national_id_pl": "44051401359",
    "aws_secret_key": "aws_secret_key = wJalrXUtnFEMI/K7MDENGbPxRfiCYzQ1w2e3r4t5",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlMTIz",
    "assigned_secret": 'api_key = "q7Xw2ZtR9bL4mN8v"',
}
# What checks look for around a candidate, and what ends or goes on with one.
PIECES = st.sampled_from(
    [
        *(
            "part ",
            "order no. ",
            "invoice: ",
            "заказ ",
            "订单号",
            "версия 1",
            "card",
            "visa ",
            "bsn ",
        ),
        *("steuer-id ", "pesel", " x123456", " extension 123456", "ext. 1", "https://u:", "user: "),
        *("Mozilla/", "rv:", "v", "-", ".", ",", "1", "12-", "a", "Z", "_", "__", "@", ":", "://"),
        *(
            " ",
            "  ",
            "\n",
            "\\n",
            "[0;31m",
            '"',
            "'",
            "=",
            "/",
            "—",
            "ж",
            "你",
            "\u0301",
            ".5",
            "-7",
        ),
        *("x" * 11, " " * 17, "authorization: basic ", "sort_", "public ", "csrf", "name.", "é"),
    ]
)
AROUND = st.lists(PIECES, max_size=24).map("".join)
# Formats share one check: a few of them say as much as all.
LOOKED_AT = (*CANDIDATES, *[*EXAMPLES][::24])


def candidates(rule: PatternRule, text: str) -> list[tuple[int, int]]:
    """The spans of what a rule's pattern takes of a text, in characters."""
    matches = compiled(rule.pattern).finditer(text)
    return [match.span(rule.group) for match in matches if match.group(rule.group)]


# Of a rule whose check asks for more of some candidates.
MORE = {"email": ("git@example.org",), "card": ("4222222222222",)}
# Words that tell what a candidate is, so far from it that they nearly count.
TELLING = ("part", "order no.", "https://u", "rv:", "visa", "public_key", "bsn", "steuer", "pesel")
FOLLOWING = ("visa", "x123456", "extension 123456", ":team", "_x", "-7", ".5", "pesel", "bsn")
ENDS = ("", ":", "=")
BEFORE = tuple(
    f"{word}{fill * size}{end}{{}} "
    for word in TELLING
    for fill in " x"
    for end in ENDS
    for size in range(0, 112, 4)
)
BEHIND = tuple(
    f"{before}{{}}{fill * size}{word}"
    for before in (" ", "bsn ")
    for word in FOLLOWING
    for fill in " x"
    for size in range(20)
)


def values(name: str) -> tuple[str, ...]:
    """Candidates of a rule."""
    return (CANDIDATES.get(name) or example(name)[0], *MORE.get(name, ()))


def assert_nothing_beyond_counts(rule: PatternRule, text: str) -> None:
    """The check of each candidate is that of the candidate with all else cut off."""
    assert rule.around is not None
    back, on = rule.around
    for start, end in candidates(rule, text):
        first = max(0, start - back)
        near = text[first : end + on]
        found = [(low - first, high - first) for low, high in rule.check(text, start, end)]
        assert list(rule.check(near, start - first, end - first)) == found, text


@pytest.mark.parametrize("name", LOOKED_AT)
def test_what_tells_of_a_candidate_tells_within_what_its_rule_says(name: str) -> None:
    """At each distance, before and behind it."""
    for frame in BEFORE + BEHIND:
        for value in values(name):
            assert_nothing_beyond_counts(RULES[name], frame.format(value))


@pytest.mark.parametrize("name", LOOKED_AT)
@settings(max_examples=40, deadline=None)
@given(before=AROUND, after=AROUND)
def test_a_check_sees_nothing_beyond_what_its_rule_says(name: str, before: str, after: str) -> None:
    """With all else cut off, a candidate is the same: what is remembered of it is true."""
    for value in values(name):
        assert_nothing_beyond_counts(RULES[name], f"{before}{value}{after}")


def test_every_rule_has_an_example_that_its_check_confirms() -> None:
    """So that the test above looks at checks that do not refuse at once."""
    named = {"national_id_de": "steuer-id ", "national_id_nl": "bsn ", "national_id_pl": "pesel "}
    refused = []
    for name, rule in RULES.items():
        text = f"{named.get(name, ' ')}{values(name)[0]} "
        if not any(list(rule.check(text, *span)) for span in candidates(rule, text)):
            refused.append(name)
    assert refused == []
    assert set(CANDIDATES) | set(EXAMPLES) == set(RULES)
