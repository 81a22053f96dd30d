"""Checks of telephone numbers: international ones, and six countries' national formats.

Sources: ITU-T E.164 (country codes and lengths), the North American Numbering
Plan, and the national plans of GB, DE, FR, IN and AU.
"""

from __future__ import annotations

# Country code → how many digits its national numbers have. Codes not named: 7 to 12.
_NATIONAL_LENGTHS = {
    "1": (10, 10), "7": (10, 10), "20": (8, 10), "27": (9, 9), "30": (10, 10), "31": (9, 9),
    "32": (8, 9), "33": (9, 9), "34": (9, 9), "36": (8, 9), "39": (8, 11), "40": (9, 9),
    "41": (9, 9), "43": (7, 13), "44": (9, 10), "45": (8, 8), "46": (7, 10), "47": (8, 8),
    "48": (9, 9), "49": (6, 12), "51": (8, 9), "52": (10, 10), "54": (10, 11), "55": (10, 11),
    "56": (9, 9), "57": (8, 10), "60": (8, 10), "61": (9, 9), "62": (8, 12), "63": (8, 10),
    "64": (8, 10), "65": (8, 8), "66": (8, 9), "81": (9, 10), "82": (8, 10), "84": (9, 10),
    "86": (10, 11), "90": (10, 10), "91": (10, 10), "92": (9, 10), "94": (9, 9),
    "351": (9, 9), "352": (6, 11), "353": (7, 9), "358": (6, 11), "380": (9, 9), "420": (9, 9),
    "421": (9, 9), "852": (8, 8), "880": (8, 10), "886": (8, 9), "966": (8, 9), "971": (8, 9),
    "972": (8, 9),
}  # fmt: skip
_ANY_LENGTH = (7, 12)
_ONE_DIGIT_ZONES = "17"
# E.164 zones where two digits are a whole country code; elsewhere codes have three.
_TWO_DIGIT_WORDS = (
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 "
    "60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"
)
_TWO_DIGIT_CODES = frozenset(_TWO_DIGIT_WORDS.split())


def international(digits: str) -> bool:
    """True for the digits after `+` or `00`: a country code and a number of its length.

    A trunk zero in brackets, as in +44 (0)20, may be among the digits.
    """
    code = _country_code(digits)
    number = digits[len(code) :]
    if code == "1":
        return north_american(number)
    least, most = _NATIONAL_LENGTHS.get(code, _ANY_LENGTH)
    if number.startswith("0") and code != "39":
        number = number[1:]
    return least <= len(number) <= most and digits[0] != "0"


def _country_code(digits: str) -> str:
    if digits[0] in _ONE_DIGIT_ZONES:
        return digits[0]
    return digits[:2] if digits[:2] in _TWO_DIGIT_CODES else digits[:3]


def north_american(digits: str) -> bool:
    """True for ten digits: area code and exchange from 2 to 9, neither of them a service (N11)."""
    return len(digits) == 10 and all(
        part[0] in "23456789" and part[1:] != "11" for part in (digits[:3], digits[3:6])
    )


def national(digits: str) -> bool:
    """True for digits with one trunk zero, as written inside GB, DE, FR, IN and AU."""
    return digits[0] == "0" and digits[1:2] not in ("", "0") and 8 <= len(digits) <= 12
