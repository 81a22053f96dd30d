# ruff: noqa: RUF001 - every script is what is tested.
"""Where a value ends: beside letters of any script, escapes and colours, and not within a word."""

from __future__ import annotations

import re
from itertools import product

import pytest

from kt.policy.decision import Request, compile_policy
from tests.kt.policy.builders import ask, chat, content, policy, reply
from tests.kt.policy.decision.texts import releasable
from tests.kt.policy.everyday import AFTER, BEFORE, ENDS

BLOCKS = {
    "pii-detector": {"healthcare_mode": True},
    "dlp-filter": {"blocked_terms": ["Project Falcon"]},
}
WATCHED = compile_policy(policy("pii-detector", "dlp-filter", blocks=BLOCKS))
MARKER = r"\[REDACTED:[A-Z_]+\]"

NUMBERS = {
    "card": "4111111111111111",
    "card in groups": "4111 1111 1111 1111",
    "amex": "3782 822463 10005",
    "ssn": "536-90-4399",
    "iban": "DE89370400440532013000",
    "mbi": "1EG4-TE5-MK73",
}
PHONES = {
    "phone": "+81 3-1234-5678",
    "american phone": "415-555-2671",
    "american phone, brackets": "(415) 555-2671",
    "national phone": "030 1234 5678",
    "phone with extension": "986-898-3093x002",
}
ADDRESSES = {
    "email": "maria.lopez@example.org",
    "ipv4": "203.0.113.7",
    "ipv6": "2001:db8::8a2e:7334",
}
SECRETS = {
    "github": "ghp_" + "a1B2" * 9,
    "aws": "AKIA" + "Q3EGZ5KXM7TWJ4LD",
    "google": "AIza" + "Sy0-_" * 7,
    "slack": "xoxb-" + "123456789012-" + "a1B2" * 5,
    "anthropic": "sk-ant-" + "api03-" + "a1B2" * 6,
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + "a1B2" * 5,
    "term": "Project Falcon",
}
# What a name says a number is: the name stays.
NAMED = {"mrn": ("MRN ", "00482913"), "npi": ("NPI: ", "1234567893"), "cvv": ("CVV ", "123")}
VALUES = {
    name: ("", value) for name, value in (NUMBERS | PHONES | ADDRESSES | SECRETS).items()
} | NAMED

SCRIPTS = {
    "Han": ("我的号码是", "请勿外传"),
    "kana": ("番号は", "です"),
    "Hangul": ("번호는", "입니다"),
    "Thai": ("หมายเลขคือ", "ครับ"),
    "Khmer": ("លេខ", "អរគុណ"),
    "Myanmar": ("နံပါတ်", "ပါ"),
    "Cyrillic": ("номер", "спасибо"),
    "Greek": ("αριθμός", "ευχαριστώ"),
    "Armenian": ("համար", "շնորհակալություն"),
    "Georgian": ("ნომერი", "გმადლობთ"),
    "Arabic": ("الرقم", "شكرا"),
    "Hebrew": ("המספר", "תודה"),
    "Devanagari": ("नंबर", "धन्यवाद"),
    "Tamil": ("எண்", "நன்றி"),
    "Amharic": ("ቁጥር", "አመሰግናለሁ"),
}
SIGNS = {
    "full width": ("：", "，"),
    "corners": ("「", "」"),
    "ideographic stop": ("。", "。"),
    "line end": ("saved\\n", "\\nok"),
    "tab": ("saved\\t", "\\tok"),
    "escaped twice": ("saved\\\\n", "\\\\nok"),
    "colour": ("\x1b[31m", "\x1b[0m"),
    "colours": ("\x1b[1;31m", "\x1b[39;49m"),
    "colour, escaped": ("\\u001b[31m", "\\u001b[0m"),
}


# Some of their letters are read as Latin ones, which a token may go on with.
LOOK_ALIKE = {SCRIPTS[name] for name in ("Cyrillic", "Greek", "Armenian")}


def left(text: str) -> str:
    """What is left of a text."""
    decision = ask(WATCHED, text)
    return text if decision.body is None else str(content(decision))


@pytest.mark.parametrize("around", [*SCRIPTS.values(), *SIGNS.values()], ids=[*SCRIPTS, *SIGNS])
def test_a_value_is_cut_out_of_what_stands_around_it(around: tuple[str, str]) -> None:
    """Of each kind, on either side and on both: all of the value, and nothing but the value."""
    sides = (around, ("", around[1]), (around[0], ""))
    cases = [(a + name, value, b) for (a, b), (name, value) in product(sides, VALUES.values())]
    shown = left("\n\n".join(map("".join, cases))).split("\n\n")
    for (before, value, after), line in zip(cases, shown, strict=True):
        found = re.fullmatch(f"(.*){MARKER}(.*)", line)
        assert found, f"{before}{value}{after}"
        if around in LOOK_ALIKE:
            assert before.startswith(found[1])
            assert after.endswith(found[2])
        else:
            assert found.groups() == (before, after)


DISGUISES = {
    "full width": str.maketrans("0123456789-", "０１２３４５６７８９－"),
    "Arabic digits": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "zero width": str.maketrans({"1": "1\u200b"}),
}


@pytest.mark.parametrize("around", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_a_number_in_disguise_is_found_beside_every_script(
    disguise: dict[int, str], around: tuple[str, str]
) -> None:
    """Its digits are read as ASCII, the letters beside it are not."""
    shown = [value.translate(disguise) for value in NUMBERS.values() if value.isascii()]
    assert [
        left(number.join(around)) for number in shown if number in left(number.join(around))
    ] == []


@pytest.mark.parametrize("value", (NUMBERS | SECRETS).values(), ids=NUMBERS | SECRETS)
def test_a_piece_of_a_longer_word_is_no_value(value: str) -> None:
    """ASCII letters and digits go on with it; most secrets may be of any length."""
    longer = [f"a{value}", f"1{value}", f"Z{value}9"]
    longer += [f"{value}x", f"{value}7"] if value in NUMBERS.values() else []
    assert [text for text in longer if value in left(text)] == longer


DECORATIONS = ["__{}__", "_{}_", "**{}**", "***{}***", "___{}___", "~~{}~~", "`{}`"]
DECORATIONS += ["1️⃣{}", "1️⃣ {}", "{} 2️⃣", "9⃣{}", "#️⃣{}", "*️⃣{}", "①{}", ": __{}__,", "({})"]
IN_KEYCAPS = ["{}2️⃣", "{}3⃣", "1️⃣{}2️⃣"]


@pytest.mark.parametrize("decoration", DECORATIONS + IN_KEYCAPS)
def test_decoration_is_no_part_of_a_value(decoration: str) -> None:
    """Emphasis on it, or a keycap beside it, hides none."""
    texts = [name + decoration.format(value) for name, value in VALUES.values()]
    shown = left("\n\n".join(texts)).split("\n\n")
    assert [
        text for (_, value), text in zip(VALUES.values(), shown, strict=True) if value in text
    ] == []


def test_keycaps_spell_a_number() -> None:
    """All of it, or a digit in the middle."""
    for text in ("".join(f"{digit}\ufe0f\u20e3" for digit in NUMBERS["card"]), "411111111111️⃣1111"):
        assert "[REDACTED" in left(text)


@pytest.mark.parametrize("name", ["ipv4", "ipv6", "aws", "american phone"])
def test_an_underscore_within_a_word_goes_on_with_a_value(name: str) -> None:
    """As in the names of packages and variables."""
    value = VALUES[name][1]
    texts = [f"pkg_{value}_x", f"A__{value}__b"]
    assert [left(text) for text in texts] == texts


@pytest.mark.parametrize("value", NUMBERS.values(), ids=NUMBERS)
def test_an_underscore_is_no_part_of_a_number(value: str) -> None:
    """As in italics and in names made of several parts."""
    found = [left(text.format(value)) for text in ("_{}_", "user_{}", "{}_old", "__{}__")]
    assert [text for text in found if value in text] == []


# A number may go on behind a full stop or colon without a blank, and a colon names what follows.
APART = [end for end in ENDS if end[-1] not in ".:"]
UNNAMED = [end for end in APART if not set(end) & set(":\t")]
NAMING = ("This is my order", "See the section", "That is the newest version", "Take the next part")
SENTENCES = [(one, APART) for one in BEFORE] + [(one, UNNAMED) for one in NAMING]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_no_sentence_beside_a_value_hides_it(value: tuple[str, str]) -> None:
    """Neither one that ends with a word that names other numbers, nor any other."""
    name, number = value
    texts = [
        before + first + name + number + second + AFTER[at]
        for at, (before, ends) in enumerate(SENTENCES)
        for first, second in zip(ends[at % 9 :: 9], APART[at % 7 :: 7], strict=False)
    ]
    assert number not in left("\n\n".join(texts))


ADDRESSED = [
    ("我的邮箱是maria@x.org谢谢", "我的邮箱是{}谢谢"),
    ("我的邮箱是maria@x.org。谢谢", "我的邮箱是{}。谢谢"),
    ("字" * 70 + "maria@x.org谢谢", "字" * 70 + "{}谢谢"),
    ("почтаmaria@x.orgспасибо", None),
    ("müller@x.de", "{}"),
    ("write to me...maria@x.org", "write to me...{}"),
    ("saved\\nmaria@x.org\\nok", "saved\\n{}\\nok"),
    ("иван@пример.рф", "{}"),
    ("пишите: иван@пример.рф, спасибо", "пишите: {}, спасибо"),
    ("用户@例子.广告", "{}"),
    ("maria@mail.例子.中国", "{}"),
    ("Mail git@example.org: thanks", "Mail {}: thanks"),
    ("git clone git@example.org:team/project", "git clone git@example.org:team/project"),
    ("a" * 65 + "@x.org", "a" * 65 + "@x.org"),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSED)
def test_an_address_is_cut_out_of_its_sentence(text: str, expected: str | None) -> None:
    """It begins where its own letters begin, and ends with a domain."""
    found = left(text)
    assert found == expected.format("[REDACTED:EMAIL]") if expected else "@" not in found


# Texts that a stream may bring in any pieces, and what of them must not be shown.
STREAMED = [
    (f"{before}{name}{value}{after}", value)
    for (before, after), (name, value) in product(
        (SCRIPTS["Han"], SIGNS["line end"]),
        (VALUES["card"], VALUES["phone"], VALUES["email"], VALUES["github"]),
    )
]


@pytest.mark.parametrize(("text", "secret"), STREAMED)
def test_a_stream_shows_no_piece_of_a_value_beside_any_script(text: str, secret: str) -> None:
    """Until the value is found, nothing of it may go; when it ended, it is found."""
    request = Request(chat("hello"))
    start = text.index(secret)
    for cut in range(start + 1, len(text) + 1):
        if reply(WATCHED, text[:cut]).verdict == "allow":
            assert cut < start + len(secret)
            assert releasable(WATCHED, request, text[:cut]) <= start
