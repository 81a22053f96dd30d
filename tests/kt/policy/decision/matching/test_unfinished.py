# ruff: noqa: RUF001 - disguises are what is tested.
"""Unfinished matches: a stream never sends a piece of what the whole answer is refused for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision import HOLD_LIMIT, Request, Snapshot, compile_policy
from kt.policy.decision.detectors.harmful import MODES
from tests.kt.policy.builders import chat, compiled, policy, reply
from tests.kt.policy.corpus import harm_start
from tests.kt.policy.decision.texts import releasable

REQUEST = Request(chat("hello"), model="gpt-4o-mini")
BLOCKS = {
    "pii-detector": {"healthcare_mode": True, "detect_patterns": ["EMP[0-9]{5}"]},
    "dlp-filter": {"blocked_terms": ["Project Falcon"], "fuzzy_matching": True},
    "human-oversight": {"require_human_for": ["wire transfer"]},
}
WHOLE = compile_policy(
    policy("safety-filter", "pii-detector", "dlp-filter", "human-oversight", blocks=BLOCKS)
)

LETTERS = "abcdefghijklmnopqrstuvwxyz "
AROUND = (("", "."), ("The garden is green, and ", " at home, said he."), ("How to do it: ", ""))
DISGUISES = (
    str,
    str.upper,
    lambda phrase: phrase.replace(" ", "\n  - "),
    lambda phrase: phrase.replace("e", "\u0435").replace("o", "o\u200b"),
    lambda phrase: " ".join(phrase),
)

# (answer, what must not be shown in part)
ANSWERS = [
    ("Sure, write to jane.doe@example.com about it.", "jane.doe@example.com"),
    ("Her number is +44 20 7946 0018, I think.", "+44 20 7946 0018"),
    ("The card is 4111 1111 1111 1111 as you know.", "4111 1111 1111 1111"),
    ("SSN 123-45-6789 is on file.", "123-45-6789"),
    ("Pay to GB82 WEST 1234 5698 7654 32 today.", "GB82 WEST 1234 5698 7654 32"),
    ("MRN: 00482913 was seen.", "00482913"),
    ("Employee EMP12345 left.", "EMP12345"),
    ("The key is AKIA" + "Q3EGZ5KXM7TWJ4LD in the file.", "AKIA"),
    ("Here: -----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\nok", "-----BEGIN"),
    ("This is how to make a pipe bomb at home.", "how to make"),
    ("All about project \n falcon and more.", "project"),
    ("All about Projekt Falcon and more.", "Projekt"),
    ("Then a wire  transfer is made.", "wire"),
    ("Then ｗｉｒｅ\u200b transfer is made.", "ｗｉｒｅ"),
    ("So h o w  t o  m a k e  a  p i p e  b o m b now.", "h o w  t o"),
]


@pytest.mark.parametrize(("text", "secret"), ANSWERS, ids=[secret for _, secret in ANSWERS])
def test_no_piece_of_a_violation_is_let_go(text: str, secret: str) -> None:
    """Wherever the chunks of a stream are cut, before the violation is found."""
    start = text.index(secret)
    assert reply(WHOLE, text).verdict != "allow"
    for cut in range(len(text)):
        if reply(WHOLE, text[:cut]).verdict != "allow":
            return
        assert releasable(WHOLE, REQUEST, text[:cut]) <= start


def test_prose_is_let_go_but_for_its_last_words() -> None:
    """Text that is the beginning of nothing does not wait for the longest pattern."""
    text = "The weather will be fine tomorrow, with a little wind in the north. " * 40
    kept = len(text) - releasable(WHOLE, REQUEST, text)
    assert kept < 64


def test_a_phrase_that_was_only_begun_waits_for_no_more_than_its_words() -> None:
    """Answers say `how to` and `explain` all the time, and what they go on with is harmless."""
    text = (
        "Sure, I can help you with that. First explain the steps of the process to your team, "
        "then I want to show you how to make a good plan for the garden, the roof and the house. "
    ) * 5
    snapshot = compiled("safety-filter")
    kept = [cut - releasable(snapshot, REQUEST, text[:cut]) for cut in range(1, len(text))]
    assert max(kept) < 100


@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_no_phrase_begins_to_show(data: st.DataObject) -> None:
    """Any text that any phrase of any mode matches, wherever the stream stands before it hits."""
    _shows_no_beginning(data)


@pytest.mark.soak
@given(data=st.data())
@settings(max_examples=1000, deadline=None)
def test_no_phrase_of_many_begins_to_show(data: st.DataObject) -> None:
    """As above."""
    _shows_no_beginning(data)


def _shows_no_beginning(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(sorted(MODES)))
    pattern = data.draw(st.sampled_from(MODES[mode])).replace("~", " ")
    phrase = data.draw(st.from_regex(re.compile(pattern), fullmatch=True, alphabet=LETTERS))
    before, after = data.draw(st.sampled_from(AROUND))
    text = before + data.draw(st.sampled_from(DISGUISES))(phrase) + after
    snapshot = compiled("safety-filter", {"mode": mode})

    found = [harm_start(mode, text[:cut]) for cut in range(len(text) + 1)]
    for cut, start in enumerate(found):
        first = min((later for later in found[cut:] if later is not None), default=len(text))
        assert start is not None or releasable(snapshot, REQUEST, text[:cut]) <= first


@pytest.mark.parametrize(
    "snapshot",
    [
        compiled("rbac"),
        compiled({"pii-detector": {"stage": "pre-request"}}),
        compiled({"pii-detector": {"when": {"path": "/other"}}}),
        compile_policy(policy("pii-detector") | {"pack": {"enabled": False}}),
    ],
    ids=["no text", "other stage", "other path", "off"],
)
def test_nothing_waits_where_no_policy_looks_at_the_answer(snapshot: Snapshot) -> None:
    """The stream passes as it comes."""
    assert releasable(snapshot, REQUEST, "jane@exam") == len("jane@exam")


@pytest.mark.parametrize(
    ("opening", "filling"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----\n", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJ4", "Zm9vYmFy"),
        ("ghp_", "abcDEF0123"),
        ("Project", " \n"),
        ("CASE-1 ", "and so on, "),
    ],
)
@pytest.mark.parametrize("count", [1, 40, 4_000])
def test_no_length_lets_a_match_go_that_has_begun(opening: str, filling: str, count: int) -> None:
    """It waits from its first character."""
    blocks = {**BLOCKS, "pii-detector": {"detect_patterns": ["CASE-[0-9]+ .* END"]}}
    snapshot = compile_policy(policy("pii-detector", "dlp-filter", blocks=blocks))
    before = "The garden is green, and "

    kept = releasable(snapshot, REQUEST, before + opening + filling * count)
    assert len(before) - 20 < kept <= len(before)


@pytest.mark.parametrize("text", ["a", "A0", "0f", "ab/", "- ", "= ", "1."])
def test_a_text_that_begins_nothing_is_let_go(text: str) -> None:
    """Its last characters wait, however long its words are."""
    said = text * 3 * HOLD_LIMIT
    kept = len(said) - releasable(WHOLE, REQUEST, said)
    assert kept < 500


def test_what_follows_a_private_key_is_let_go() -> None:
    """A key ends with its last line, though without one it has no end."""
    dashes = "x--y ---- -----BEGIN END-- "
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{dashes}MIIEvQ\n-----END RSA PRIVATE KEY-----"
    said = f"Here it is: {key}\n" + "The garden is green, and the roof is red. " * 9

    for cut in range(len("Here it is: ") + 10, len("Here it is: ") + len(key)):
        assert releasable(WHOLE, REQUEST, said[:cut]) <= len("Here it is: ")
    assert releasable(WHOLE, REQUEST, said) > len(said) - 100
