"""Rules for personal data, by entity. Numbers are confirmed by a check, not only matched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kt.policy.decision.detectors import checks, emails, phones
from kt.policy.decision.matching.context import (
    ALONE,
    NAMED,
    alone,
    apart,
    named_otherwise,
    near,
)
from kt.policy.decision.matching.patterns import Check, PatternRule, Spans
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
_CARD = (
    r"([1-6]\d{11,18}|[2-6]\d{3}(?:[ \-]\d{4}){2,3}(?:[ \-]\d{1,7})?|3\d{3}[ \-]\d{6}[ \-]\d{4,5})"
)
_EXTENSION = re.compile(r"(?i)[ ]?(?:x|ext\.?|extension)[ ]?\d{1,6}")
# Characters before and behind a telephone number that its checks look at: what numbers a thing, and
# the longest extension with what stands behind it.
_AROUND_PHONES = (NAMED[0], len(" extension 123456") + ALONE[1])

_CARD_WORDS = "cards?|visa|mastercard|amex|maestro|credit|debit|charged?|paid|payment|pay|pan"

# A name shortly before a number, for numbers that say nothing by themselves.
_PHONE_WORDS = (
    r"(?i)(?:^|[^a-z])(?:phones?|telephone|tel|cell|mobile|handy|calls?|dial|ring|fax|text|sms|"
    r"whatsapp|reach|contact|(?:my|his|her|their|our|your) number|telefon|rufnummer|hotline)"
    r"[^0-9\n]{0,32}"
)
_PHONE_LABELS = (
    r"(?i)(?:^|[^a-z])(?:"
    r"(?:phone|telephone|telefon|tel|mobile|cell|handy|fax|desk|office|whatsapp|hotline)"
    r"(?: (?:number|no\.?|nr\.?))?[ ]{0,2}(?:[:=#]|is\b)|"
    r"(?:call|text|ring|dial|reach|answer(?:ing)?|messages?)(?: (?:me|us|him|her|them))?"
    r" (?:at|on|to|under|unter)\b)[ ]{0,3}"
)
_PHONE_LABELS_AFTER = r"[ ]{0,2}[\-(]?[ ]{0,2}(?:office|fax|mobile|desk|home|cell|work)\b"
_SSN_WORDS = r"(?i)(?:^|[^a-z])(?:ssns?|social security|social|tax id|itin)[^0-9\n]{0,32}"
_NPI_WORDS = (
    r"(?i)(?:^|[^a-z])(?:npi|national provider|provider id(?:entifier)?|prescriber|"
    r"(?:rendering|referring|attending|ordering|billing) (?:provider|physician))[^0-9\n]{0,32}"
)
_TAGS = r"(?:<[^<>\n]{0,40}>[\s]*){0,3}"
_MRN_NAME = (
    r"(?i)(?:\b|_)(?:mrn|mr[ ]?#|(?:medical|med\.?)[\s_]rec(?:ords?|\.)?(?:[\s_](?:number|no|#))?|"
    r"patient[\s_]?id|(?:hospital|chart)[\s_](?:number|no|id)|empi|mrn/csn)"
    + _IS
    + r"(?:\(?(?:optional|for (?:the |this )?patient|of (?:the |this )?patient)\)?"
    + _IS
    + r")?"
    + _TAGS
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
            return _short_card(text, start, last) if len(digits) <= 13 else ((start, last),)
    return ()


# Twelve and thirteen digits are what most article numbers have too.
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


# `Boston, MA 02110-1301`
_ZIP = re.compile(r"\d{5}-\d{4}(?!\d)")


def _national(regions: tuple[str, ...]) -> Check:
    """A check of a national number: a trunk zero and groups, not the end of a longer one."""

    def valid(found: str) -> bool:
        digits = _digits(found)
        if len(digits) < 9 or not any(sign in " (/-" for sign in found):
            return False
        known = "-" not in found and phones.national(digits)
        # `0-308-50685-5` is a book.
        area = found.lstrip("(")[:2].isdecimal() and not phones.dated(found)
        return known or (area and phones.of_regions(digits, regions))

    def confirm(text: str, start: int, end: int) -> Spans:
        other = _continued(text, start) or _ZIP.match(text, start) or named_otherwise(text, start)
        return () if other else _longest(text, start, end, valid)

    return confirm


def _american(text: str, start: int, end: int) -> Spans:
    def valid(found: str) -> bool:
        digits = _digits(found)
        return len(digits) in (10, 11) and phones.north_american(digits[-10:])

    return _longest(text, start, end, valid)


def _named(regions: tuple[str, ...]) -> Check:
    """A check of digits that a word beside them calls a telephone number."""

    def valid(found: str) -> bool:
        digits = _digits(found)
        mobile = len(digits) == 10 and digits[0] in "6789"
        american = phones.north_american(digits.removeprefix("1"))
        return (
            mobile
            or american
            or phones.national(digits)
            or (not phones.dated(found) and phones.of_regions(digits, regions))
        )

    def confirm(text: str, start: int, end: int) -> Spans:
        return () if _continued(text, start) else _longest(text, start, end, valid)

    return confirm


def _labelled(regions: tuple[str, ...]) -> Check:
    """A check of digits with a label: any number in groups, or one of the regions."""

    def valid(found: str) -> bool:
        digits = _digits(found)
        known = len(digits) >= 7 and phones.of_regions(digits, regions)
        return not phones.dated(found) and (known or phones.labelled(found))

    def confirm(text: str, start: int, end: int) -> Spans:
        return () if _continued(text, start) else _longest(text, start, end, valid)

    return confirm


def _numbered(text: str, start: int, end: int) -> Spans:
    """An identifier of five digits or more, so that a word after `Member ID` is none."""
    return ((start, end),) if len(_digits(text[start:end])) >= 5 else ()


def base(regions: tuple[str, ...]) -> Iterator[PatternRule]:
    """The rules of `pii-detector` in every mode, with national telephone numbers of regions."""
    yield PatternRule(
        "email",
        "email",
        emails.PATTERN,
        VIEWS,
        emails.address,
        begun=emails.BEGUN,
        around=emails.AROUND,
    )
    dashed = _EDGE + r"(\d{3}-\d{2}-\d{4})" + _EDGE
    yield PatternRule("ssn", "ssn", dashed, VIEWS, _dashed_ssn, group=1, around=NAMED)
    named = _SSN_WORDS + r"(\d{3}[ .\-]?\d{2}[ .\-]?\d{4})" + _EDGE
    yield PatternRule("ssn_named", "ssn", named, VIEWS, _whole(checks.ssn), group=1, around=ALONE)
    card = _EDGE + _CARD + _EDGE
    yield PatternRule("card", "credit_card", card, VIEWS, _card, 1, retry=True, around=NAMED)
    iban = _EDGE + r"([A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]){11,30})"
    yield PatternRule("iban", "iban", iban, VIEWS, _iban, group=1, retry=True, around=ALONE)
    ipv4 = r"(?:^|[^\w.])(\d{1,3}(?:\.\d{1,3}){3})"
    yield PatternRule("ipv4", "ip_address", ipv4, VIEWS, _ipv4, group=1, around=NAMED)
    ipv6 = r"([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?)"
    before = r"(?:^|[^\w:.]|[^0-9A-Fa-f:.]:)"
    yield PatternRule("ipv6", "ip_address", before + ipv6, VIEWS, _ipv6, group=1, around=ALONE)
    yield from _phone_rules(regions)


def _phone_rules(regions: tuple[str, ...]) -> Iterator[PatternRule]:
    around = _AROUND_PHONES
    international = r"(?:\+|\b00)[ ]?\(?[1-9](?:[ \t().\-/]{0,3}\d){6,16}"
    yield PatternRule(
        "phone", "phone", international, VIEWS, _international, retry=True, around=around
    )
    american = r"((?:\b1[ .\-]?)?(?:\(\d{3}\)[ ]?|\b\d{3}[ .\-])\d{3}[ .\-]\d{4})" + _EXTENDED
    yield PatternRule("phone_us", "phone", american, VIEWS, _american, 1, around=around)
    national = r"((?:\(|\b)0\d{1,5}\)?(?:[ /\-]{0,2}\d){4,10})" + _EXTENDED
    check = _national(regions)
    yield PatternRule(
        "phone_national", "phone", national, VIEWS, check, group=1, retry=True, around=around
    )
    number = r"(\(?\d(?:[ ().\-/]{0,2}\d){6,11})" + _EXTENDED
    named = _PHONE_WORDS + number
    yield PatternRule("phone_named", "phone", named, VIEWS, _named(regions), 1, around=around)
    digits = r"(\(?\d(?:[ ().\-/]{0,2}\d){5,12})"
    check = _labelled(regions)
    label = _PHONE_LABELS + digits + _EXTENDED
    yield PatternRule("phone_labelled", "phone", label, VIEWS, check, 1, around=around)
    label = r"(?i)(?:^|[^0-9\-/.])" + digits + _PHONE_LABELS_AFTER
    yield PatternRule(
        "phone_labelled_after", "phone", label, VIEWS, check, group=1, retry=True, around=around
    )


def payment() -> Iterator[PatternRule]:
    """The rules that `pci_mode` adds."""
    code = rf"(?i){_EDGE}(?:cvv2?|cvc2?|card verification (?:value|code)|security code)\b"
    yield PatternRule("cvv", "cvv", code + _IS + r"(\d{3,4})" + _EDGE, VIEWS, group=1)
    holder = r"(?i:card[\s_]?holder(?:'s)?(?:[\s_]?name)?|name[\s_]on[\s_](?:the[\s_])?card)"
    name = r"(\p{Lu}[\p{Lu}\p{Ll}'\x{2019}\-]+(?:[ ]\p{Lu}(?:\.|[\p{Lu}\p{Ll}'\x{2019}\-]+)){1,2})"
    yield PatternRule("cardholder", "cardholder", holder + _IS + name, VIEWS, group=1)


def health() -> Iterator[PatternRule]:
    """The rules that `healthcare_mode` adds."""
    record = r"([A-Z]{0,3}-?\d{4,12})"
    yield PatternRule("mrn", "mrn", _MRN_NAME + record + _EDGE, VIEWS, _numbered, group=1)
    # `PID|1||00482913^^^HOSP^MR`, HL7's field of identifiers: number, authority, type.
    hl7 = r"[|~]([A-Za-z0-9\-]{4,20})\^[^|~\n]{0,60}\^MR(?:[\^|~\s]|$)"
    yield PatternRule("mrn_hl7", "mrn", hl7, VIEWS, _numbered, group=1)
    # FHIR says the type first, in XML and in JSON.
    fhir = r"[\"'>]MR[\"'<][^0-9]{0,120}value[\"'>=:\s]{1,6}([A-Za-z]{0,3}-?\d{4,12})" + _EDGE
    yield PatternRule("mrn_fhir", "mrn", fhir, VIEWS, _numbered, group=1)
    behind = rf"(?i){_EDGE}([A-Z]{{0,3}}-?\d{{4,12}})[ ]?[(\[](?:mrn|mr#)[)\]]"
    yield PatternRule("mrn_behind", "mrn", behind, VIEWS, _numbered, group=1)
    provider = _NPI_WORDS + r"([12]\d{9})" + _EDGE
    yield PatternRule("npi", "npi", provider, VIEWS, _whole(checks.npi), group=1)
    # X12: the qualifier `XX` says that an NPI follows.
    segment = rf"\*XX\*([12]\d{{9}}){_EDGE}"
    yield PatternRule("npi_x12", "npi", segment, VIEWS, _whole(checks.npi), group=1)
    behind = rf"(?i){_EDGE}([12]\d{{9}})[ )\],]{{1,3}}(?:is )?(?:the |his |her |my )?npi\b"
    yield PatternRule("npi_behind", "npi", behind, VIEWS, _whole(checks.npi), group=1)
    member = rf"(?i){_EDGE}(?:member|subscriber|insurance|policy|group|beneficiary)[\s_]?"
    number = r"(?:id|identifier|no|number|num|#)" + _IS + r"([A-Z0-9][A-Z0-9\-]{4,19})" + _EDGE
    yield PatternRule("insurance", "insurance_id", member + number, VIEWS, _numbered, group=1)
    # The Medicare Beneficiary Identifier has a format of its own (CMS, 11 characters).
    letter, either = "[AC-HJKMNP-RT-Y]", "[AC-HJKMNP-RT-Y0-9]"
    medicare = rf"{_EDGE}([1-9]{letter}{either}\d-?{letter}{either}\d-?{letter}{{2}}\d{{2}}){_EDGE}"
    yield PatternRule("mbi", "insurance_id", medicare, VIEWS, _whole(bool), group=1)
