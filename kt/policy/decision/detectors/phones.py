"""Checks of telephone numbers: international ones, and the national numbers of regions.

Sources: ITU-T E.164 (country codes and lengths), the North American Numbering
Plan, and the numbering plans of all regions in `phonenumbers`. Its expressions are
compiled by RE2, those of a region when the first number asks for them: the library's
own search takes a hundred times as long, and a start would take longer for all of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from kt.policy.decision.reading.engine import compiled_set

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
    if digits[0] == "0":
        return False
    return least <= len(number) <= most or any(
        code in _codes() and _numbers(_codes()[code]).Match(digits[len(code) :].encode())
        for code in (digits[:1], digits[:2], digits[:3])
    )


def of_regions(digits: str, regions: tuple[str, ...]) -> bool:
    """True for digits as written within one of the regions, with its trunk prefix or without."""
    return bool(_numbers(regions, within=True).Match(digits.encode()))


_DATE = re.compile(r"(?:19|20)\d\d([-/. ])\d\d?\1\d\d?|\d\d?([-/.])\d\d?\2(?:19|20)?\d\d")
_YEARS = re.compile(r"(?:(?:19|20)\d\d\D*)+")
_GROUPED = re.compile(r"\(?\d{1,5}\)?(?:[ .\-/]{1,2}\(?\d{1,8}\)?){1,4}")


def labelled(text: str) -> bool:
    """True for seven digits or more in groups, where a label says that they are a number."""
    return bool(_GROUPED.fullmatch(text)) and 7 <= sum(map(str.isdecimal, text)) <= 12


def dated(text: str) -> bool:
    """True for what begins with a date, and for years."""
    return bool(_DATE.match(text) or _YEARS.fullmatch(text))


def load() -> None:
    """Read the plans of all regions, for a process that cannot open their files later."""
    from phonenumbers import PhoneMetadata

    PhoneMetadata.load_all()
    _codes()


@lru_cache(maxsize=1)
def _codes() -> dict[str, tuple[str, ...]]:
    """Calling code → its regions."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return {
        str(code): tuple(region for region in regions if region != _NO_REGION)
        for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
        if regions != (_NO_REGION,)
    }


# Numbers of no country, such as those of satellites.
_NO_REGION = "001"
_SORTS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip",
    "pager", "uan", "voicemail",
)  # fmt: skip


@lru_cache(maxsize=512)
def _numbers(regions: tuple[str, ...], *, within: bool = False) -> Any:
    """All numbers of the regions; `within` them, their trunk prefix may stand.

    A set says whether there is a match twenty times as fast as a pattern, which says where.
    """
    return compiled_set([f"^(?:{_of_region(region, within=within)})$" for region in regions])


def _of_region(region: str, *, within: bool) -> str:
    from phonenumbers import PhoneMetadata

    plan = PhoneMetadata.metadata_for_region(region)
    # Lint has seen to it that there is one.
    assert plan is not None
    sorts = (getattr(plan, sort) for sort in _SORTS)
    patterns = dict.fromkeys(one.national_number_pattern for one in sorts if one)
    numbers = "|".join(f"(?:{pattern})" for pattern in patterns if pattern)
    prefix = f"(?:{plan.national_prefix})?" if within and plan.national_prefix else ""
    return f"(?:{prefix}(?:{numbers}))"


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
