"""Checksums and tables that tell a real number from one that only looks like it."""

from __future__ import annotations

from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

# ISO 13616: the length of an IBAN by country, from the SWIFT IBAN registry.
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24,
    "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31,
    "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23,
    "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip

# ISO/IEC 7812 issuer ranges: first digits from and to, and the lengths issued.
_CARDS = (
    ("4", "4", (13, 16, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("300", "305", (14,)),
    ("36", "36", (14,)),
    ("38", "39", (14, 16)),
    ("6011", "6011", (16, 19)),
    ("644", "659", (16, 19)),
    ("2131", "2131", (15,)),
    ("1800", "1800", (15,)),
    ("35", "35", (16, 19)),
    ("62", "62", (16, 17, 18, 19)),
    ("5018", "5020", (12, 13, 15, 16, 18, 19)),
    ("5038", "5038", (12, 13, 15, 16, 18, 19)),
    ("5612", "5899", (12, 13, 15, 16, 18, 19)),
    ("6304", "6304", (12, 13, 15, 16, 18, 19)),
    ("6759", "6763", (12, 13, 15, 16, 18, 19)),
)

_CARDS_FROM = {
    digit: tuple(row for row in _CARDS if row[0][0] <= digit <= row[1][0]) for digit in "123456"
}

# Twice a digit, its own digits added up.
_DOUBLED = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}

# Numbers printed in advertisements and never issued (Social Security Administration).
_NEVER_ISSUED_SSNS = frozenset({"078051120", "219099999"})


def luhn(digits: str) -> bool:
    """True for a valid check digit (ISO/IEC 7812-1): the weighted sum is a multiple of ten."""
    odd = sum(map(int, digits[-1::-2]))
    even = sum(map(_DOUBLED.__getitem__, digits[-2::-2]))
    return (odd + even) % 10 == 0


@cache
def card_lengths(first_four: str) -> frozenset[int]:
    """The possible lengths of a card that begins with these four digits; none without an issuer."""
    return frozenset(
        length
        for first, last, lengths in _CARDS_FROM.get(first_four[0], ())
        if first <= first_four[: len(first)] <= last
        for length in lengths
    )


def card(digits: str) -> bool:
    """True for a payment card number: an issuer's range, one of its lengths, the check digit."""
    return len(digits) in card_lengths(digits[:4]) and luhn(digits) and len(set(digits)) > 1


def iban(text: str) -> bool:
    """True for an IBAN (ISO 13616): the country's length, and the whole number mod 97 is one."""
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not text.isascii():
        return False
    moved = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def ssn(digits: str) -> bool:
    """True for a US social security number in a range that is issued (SSA, since 2011)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return (
        area not in ("000", "666")
        and area < "900"
        and group != "00"
        and serial != "0000"
        and digits not in _NEVER_ISSUED_SSNS
    )


def npi(digits: str) -> bool:
    """True for a US National Provider Identifier: Luhn with prefix 80840 (45 CFR 162.406)."""
    return digits[0] in "12" and luhn("80840" + digits)


def ipv4(text: str) -> bool:
    """True for an IPv4 address of a host: not unspecified, loopback, a netmask or broadcast."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text.startswith("255."))


def ipv6(text: str) -> bool:
    """True for an IPv6 address of a host, and not a word with colons such as `add::face`."""
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return False
    numeric = any(sign.isdecimal() for sign in text) and text.count(":") > 1
    long = len(text.replace(":", "")) >= 5
    return numeric and long and not (address.is_loopback or address.is_unspecified)
