"""Rules for personal data, by entity. Numbers are confirmed by a check, not only matched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kt.policy.decision.detectors import checks, emails, phones
from kt.policy.decision.matching.context import alone, apart, named_otherwise, near
from kt.policy.decision.matching.patterns import PatternRule, Spans
from kt.policy.decision.reading.views import View

VIEWS = (View.RAW, View.SIGNS, View.PLAIN)

# What may stand between a name and its value: `MRN: 1`, `"cvv": "1"`, `MRN number is **1**`.
_SIGNS = r"""[\s"'=:#.|(*~`\-]*"""
_IS = rf"{_SIGNS}(?:(?:is|was|number|no|num|code|value|id)\b{_SIGNS}){{0,2}}"
# What stands around a number; `\b` takes an underscore for a letter.
_EDGE = r"(?:\b|_)"
# What may follow a telephone number at once.
_EXTENDED = r"(?:\b|_|[xX]\d|[eE]xt)"
_GROUP = re.compile(r"\d+")
# Digits in one run, in fours, or as American Express and Diners print them.
_CARD = r"([1-6]\d{11,18}|[2-6]\d{3}(?:[ \-]\d{4}){2}[ \-]\d{1,7}|3\d{3}[ \-]\d{6}[ \-]\d{4,5})"
_EXTENSION = re.compile(r"(?i)[ ]?(?:x|ext\.?|extension)[ ]?\d{1,6}")

_CARD_WORDS = "cards?|visa|mastercard|amex|maestro|credit|debit|charged?|paid|payment|pay|pan"

# A name shortly before a number, for numbers that say nothing by themselves.
_PHONE_WORDS = (
    r"(?i)(?:^|[^a-z])(?:phones?|telephone|tel|cell|mobile|handy|calls?|dial|ring|fax|text|sms|"
    r"whatsapp|reach|contact|(?:my|his|her|their|our|your) number|telefon|rufnummer|hotline)"
    r"[^0-9\n]{0,32}"
)
_SSN_WORDS = r"(?i)(?:^|[^a-z])(?:ssns?|social security|social|tax id|itin)[^0-9\n]{0,32}"
_NPI_WORDS = (
    r"(?i)(?:^|[^a-z])(?:npi|national provider|provider id(?:entifier)?|prescriber)[^0-9\n]{0,32}"
)


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _whole(valid: Callable[[str], bool]) -> Callable[[str, int, int], Spans]:
    """A check that confirms a number that stands alone and whose digits `valid` accepts."""

    def confirm(text: str, start: int, end: int) -> Spans:
        good = alone(text, start, end) and valid(_digits(text[start:end]))
        return ((start, end),) if good else ()

    return confirm


def _dashed_ssn(text: str, start: int, end: int) -> Spans:
    return () if named_otherwise(text, start) else _whole(checks.ssn)(text, start, end)


def _group_ends(text: str, start: int, end: int) -> list[int]:
    """The ends of the groups of digits, each of which may be the number's last."""
    return [start + match.end() for match in _GROUP.finditer(text[start:end])]


def _card(text: str, start: int, end: int) -> Spans:
    """The longest card that begins here: another number may follow after a space."""
    # Every way of writing a card begins with four digits.
    lengths = checks.card_lengths(text[start : start + 4])
    for last in reversed(_group_ends(text, start, end)) if lengths else ():
        digits = _digits(text[start:last])
        if len(digits) in lengths and checks.card(digits) and alone(text, start, last):
            return _short_card(text, start, last) if len(digits) == 13 else ((start, last),)
    return ()


# Thirteen digits are what most article numbers have too.
_short_card = near(_CARD_WORDS, lambda _text, start, end: ((start, end),))


def _iban(text: str, start: int, end: int) -> Spans:
    """The IBAN, cut to the country's length, since words in capitals may follow it."""
    length = checks.IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    kept = [at for at in range(start, end) if text[at].isalnum()][:length]
    if len(kept) < length or not length:
        return ()
    last = kept[-1] + 1
    whole = apart(text, start, last)
    good = whole and checks.iban("".join(text[at] for at in kept).upper())
    return ((start, last),) if good else ()


def _ipv4(text: str, start: int, end: int) -> Spans:
    before = text[max(0, start - 12) : start].lower()
    versioned = before.rstrip(" \t").endswith((" v", "rv:")) or (
        # `Chrome/31.0.1.2`, and not `http://10.1.2.3`.
        before[-1:] == "/" and "a" <= before[-2:-1] <= "z"
    )
    numbered = versioned or named_otherwise(text, start)
    # Packages have a version between two underscores.
    whole = alone(text, start, end) and text[end : end + 1] != "_"
    good = whole and not numbered and checks.ipv4(text[start:end])
    return ((start, end),) if good else ()


def _ipv6(text: str, start: int, end: int) -> Spans:
    # A colon behind an address is punctuation, behind eight groups it goes on.
    punctuated = text[end - 1] == ":" and text[end - 2] != ":"
    stop = end - punctuated
    longer = not punctuated and text[end : end + 1] == ":"
    good = apart(text, start, stop) and not longer and checks.ipv6(text[start:stop])
    return ((start, stop),) if good else ()


def _longest(text: str, start: int, end: int, valid: Callable[[str], bool]) -> Spans:
    """The longest telephone number from here on, with its extension.

    A year or another number may follow after a space.
    """
    for last in reversed(_group_ends(text, start, end)):
        extension = _EXTENSION.match(text, last)
        stops = (extension.end(), last) if extension else (last,)
        whole = (stop for stop in stops if alone(text, start, stop))
        if valid(text[start:last]) and (stop := next(whole, None)):
            return ((start, stop),)
    return ()


def _international(text: str, start: int, end: int) -> Spans:
    def valid(found: str) -> bool:
        digits = _digits(found).removeprefix("00")
        return digits != "" and phones.international(digits)

    return (
        () if text[max(0, start - 1) : start] in ("+", ".") else _longest(text, start, end, valid)
    )


def _continued(text: str, start: int) -> bool:
    """True when a group of digits stands directly before: this is the rest of that number."""
    before = text[max(0, start - 2) : start]
    return before[:1].isdecimal() and before[1:] in (" ", "-")


def _national(text: str, start: int, end: int) -> Spans:
    """A national number: a trunk zero and groups apart by spaces, not the end of a longer one."""

    def valid(found: str) -> bool:
        digits = _digits(found)
        grouped = "-" not in found and any(sign in " (/" for sign in found)
        return grouped and len(digits) >= 9 and phones.national(digits)

    return () if _continued(text, start) else _longest(text, start, end, valid)


def _american(text: str, start: int, end: int) -> Spans:
    def valid(found: str) -> bool:
        digits = _digits(found)
        return len(digits) in (10, 11) and phones.north_american(digits[-10:])

    return _longest(text, start, end, valid)


def _named(text: str, start: int, end: int) -> Spans:
    """Digits that a word beside them calls a telephone number."""

    def valid(found: str) -> bool:
        digits = _digits(found)
        mobile = len(digits) == 10 and digits[0] in "6789"
        american = phones.north_american(digits.removeprefix("1"))
        return mobile or american or phones.national(digits)

    return () if _continued(text, start) else _longest(text, start, end, valid)


def _numbered(text: str, start: int, end: int) -> Spans:
    """An identifier of five digits or more, so that a word after `Member ID` is none."""
    return ((start, end),) if len(_digits(text[start:end])) >= 5 else ()


def base() -> Iterator[PatternRule]:
    """The rules of `pii-detector` in every mode."""
    yield PatternRule("email", "email", emails.PATTERN, VIEWS, emails.address, begun=emails.BEGUN)
    dashed = _EDGE + r"(\d{3}-\d{2}-\d{4})" + _EDGE
    yield PatternRule("ssn", "ssn", dashed, VIEWS, _dashed_ssn, group=1)
    named = _SSN_WORDS + r"(\d{3}[ .\-]?\d{2}[ .\-]?\d{4})" + _EDGE
    yield PatternRule("ssn_named", "ssn", named, VIEWS, _whole(checks.ssn), group=1)
    yield PatternRule(
        "card", "credit_card", _EDGE + _CARD + _EDGE, VIEWS, _card, group=1, retry=True
    )
    iban = _EDGE + r"([A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]){11,30})"
    yield PatternRule("iban", "iban", iban, VIEWS, _iban, group=1, retry=True)
    ipv4 = r"(?:^|[^\w.])(\d{1,3}(?:\.\d{1,3}){3})"
    yield PatternRule("ipv4", "ip_address", ipv4, VIEWS, _ipv4, group=1)
    ipv6 = r"([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?)"
    before = r"(?:^|[^\w:.]|[^0-9A-Fa-f:.]:)"
    yield PatternRule("ipv6", "ip_address", before + ipv6, VIEWS, _ipv6, group=1)
    yield from _phone_rules()


def _phone_rules() -> Iterator[PatternRule]:
    international = r"(?:\+|\b00)[ ]?\(?[1-9](?:[ \t().\-/]{0,3}\d){6,16}"
    yield PatternRule("phone", "phone", international, VIEWS, _international, retry=True)
    american = r"((?:\b1[ .\-]?)?(?:\(\d{3}\)[ ]?|\b\d{3}[ .\-])\d{3}[ .\-]\d{4})" + _EXTENDED
    yield PatternRule("phone_us", "phone", american, VIEWS, _american, group=1)
    national = r"((?:\(|\b)0\d{1,5}\)?(?:[ /\-]{0,2}\d){4,10})" + _EXTENDED
    yield PatternRule("phone_national", "phone", national, VIEWS, _national, group=1, retry=True)
    number = r"(\(?\d(?:[ ().\-/]{0,2}\d){6,11})" + _EXTENDED
    yield PatternRule("phone_named", "phone", _PHONE_WORDS + number, VIEWS, _named, group=1)


def payment() -> Iterator[PatternRule]:
    """The rules that `pci_mode` adds."""
    code = rf"(?i){_EDGE}(?:cvv2?|cvc2?|card verification (?:value|code)|security code)\b"
    yield PatternRule("cvv", "cvv", code + _IS + r"(\d{3,4})" + _EDGE, VIEWS, group=1)
    holder = r"(?i:card[\s_]?holder(?:'s)?(?:[\s_]?name)?|name[\s_]on[\s_](?:the[\s_])?card)"
    name = r"(\p{Lu}[\p{Lu}\p{Ll}'\x{2019}\-]+(?:[ ]\p{Lu}(?:\.|[\p{Lu}\p{Ll}'\x{2019}\-]+)){1,2})"
    yield PatternRule("cardholder", "cardholder", holder + _IS + name, VIEWS, group=1)


def health() -> Iterator[PatternRule]:
    """The rules that `healthcare_mode` adds."""
    record = rf"(?i){_EDGE}(?:mrn|medical[\s_]record(?:[\s_](?:number|no))?|patient[\s_]id)"
    record += _IS + r"([A-Z]{0,3}-?\d{4,12})" + _EDGE
    yield PatternRule("mrn", "mrn", record, VIEWS, _numbered, group=1)
    provider = _NPI_WORDS + r"([12]\d{9})" + _EDGE
    yield PatternRule("npi", "npi", provider, VIEWS, _whole(checks.npi), group=1)
    member = rf"(?i){_EDGE}(?:member|subscriber|insurance|policy|group|beneficiary)[\s_]?"
    number = r"(?:id|identifier|no|number|num|#)" + _IS + r"([A-Z0-9][A-Z0-9\-]{4,19})" + _EDGE
    yield PatternRule("insurance", "insurance_id", member + number, VIEWS, _numbered, group=1)
    # The Medicare Beneficiary Identifier has a format of its own (CMS, 11 characters).
    letter, either = "[AC-HJKMNP-RT-Y]", "[AC-HJKMNP-RT-Y0-9]"
    medicare = rf"{_EDGE}([1-9]{letter}{either}\d-?{letter}{either}\d-?{letter}{{2}}\d{{2}}){_EDGE}"
    yield PatternRule("mbi", "insurance_id", medicare, VIEWS, _whole(bool), group=1)
