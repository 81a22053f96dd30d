"""Telephone numbers of regions, with a name and without, and what only looks like one."""

from __future__ import annotations

import phonenumbers
import pytest

from kt.policy.decision.detectors import phones
from kt.policy.language.regions import PHONE_REGIONS, REGIONS
from tests.kt.policy.builders import ask, compiled, content

SNAPSHOT = compiled("pii-detector")
FOUND = (
    ("Ring 02-2123-4567 today", "02-2123-4567"),
    ("My number in Tokyo is 090-1234-5678.", "090-1234-5678"),
    ("Nås på 08-123 456 78 efter nio", "08-123 456 78"),
    ("Mobile: 912 34 567", "912 34 567"),
    ("You can call 8123 4567 until six", "8123 4567"),
    ("Tel: 11 2345-6789", "11 2345-6789"),
    ("They do not answer at 13812345678", "13812345678"),
    ("4123 4567 office, 4123 4568 fax", "4123 4567"),
    ("From +681 72 12 34 and +376 312 345", "+376 312 345"),
    ("From +681 72 12 34 and +376 312 345", "+681 72 12 34"),
)
NOT_FOUND = (
    "Boston, MA 02110-1301, USA",
    "ISBN 0-308-50685-5 is out of print",
    "Due 02-12-2024 09-12-2024, as agreed",
    "Office: 2019 2020 2021, then we moved",
    "Call on 2024-01-02 at noon",
    "lot 0123 456 789",
    "Order 118-4346808-6673988 shipped",
    "It calls the function 1000 times, 2000 at most",
    "messages: 1024 2048",
)


@pytest.mark.parametrize(("text", "number"), FOUND)
def test_a_number_is_cut_out(text: str, number: str) -> None:
    """Of countries that write it with dashes, without a trunk zero, in few digits."""
    assert number not in content(ask(SNAPSHOT, text))


@pytest.mark.parametrize("text", NOT_FOUND)
def test_other_numbers_stay(text: str) -> None:
    """Postcodes, dates, years, books, orders."""
    assert ask(SNAPSHOT, text).verdict == "allow"


def test_a_policy_names_the_regions() -> None:
    """Without its region a number with nothing but a verb before it is none."""
    text = "You can call 8123 4567 until six"
    assert ask(compiled("pii-detector", {"phone_regions": ["US"]}), text).verdict == "allow"
    assert ask(compiled("pii-detector", {"phone_regions": ["SG"]}), text).verdict == "redact"


def test_the_regions_are_those_of_the_library() -> None:
    """Each that it has a plan of, and no other."""
    assert set(REGIONS) == set(phonenumbers.SUPPORTED_REGIONS)
    assert set(PHONE_REGIONS) <= set(REGIONS)


@pytest.mark.parametrize("region", REGIONS)
def test_the_example_of_each_region_is_a_number(region: str) -> None:
    """Its international form, and its national one with the trunk prefix and without."""
    example = phonenumbers.example_number(region)
    assert example is not None
    number = phonenumbers.national_significant_number(example)
    assert phones.international(f"{example.country_code}{number}")
    assert phones.of_regions(number, (region,))
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    digits = "".join(filter(str.isdecimal, written))
    # Within these, some numbers are dialled with digits that are no prefix of the library's.
    assert phones.of_regions(digits, (region,)) or region in ("AR", "BY", "MX")
