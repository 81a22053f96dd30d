"""Checksums and ranges of numbers."""

from __future__ import annotations

import pytest

from kt.policy.decision.detectors import checks, phones

TABLE = [
    (checks.card, "4111111111111111", True),
    (checks.card, "4111111111111112", False),
    (checks.card, "378282246310005", True),
    (checks.card, "30569309025904", True),
    (checks.card, "6011111111111117", True),
    (checks.card, "0000000000000000", False),
    (checks.card, "9999999999999995", False),
    (checks.iban, "GB82WEST12345698765432", True),
    (checks.iban, "GB82WEST12345698765433", False),
    (checks.iban, "GB82WEST1234569876543", False),
    (checks.iban, "XX82WEST12345698765432", False),
    (checks.ssn, "123456789", True),
    (checks.ssn, "666456789", False),
    (checks.ssn, "000456789", False),
    (checks.ssn, "900456789", False),
    (checks.ssn, "123006789", False),
    (checks.ssn, "123450000", False),
    (checks.ssn, "078051120", False),
    (checks.npi, "1234567893", True),
    (checks.npi, "1234567890", False),
    (checks.npi, "3234567893", False),
    (checks.luhn, "79927398713", True),
    (checks.luhn, "79927398714", False),
    (checks.ipv4, "203.0.113.7", True),
    (checks.ipv4, "256.0.113.7", False),
    (checks.ipv4, "127.0.0.1", False),
    (checks.ipv4, "255.255.255.0", False),
    (checks.ipv6, "2001:db8::1", True),
    (checks.ipv6, "add::face", False),
    (checks.ipv6, "::1", False),
    (checks.ipv6, "12:34:56", False),
    (phones.international, "12125550187", True),
    (phones.international, "11125550187", False),
    (phones.international, "442079460018", True),
    (phones.international, "4402079460018", True),
    (phones.international, "44207", False),
    (phones.international, "35312345678", True),
    (phones.north_american, "2125550187", True),
    (phones.north_american, "2125110187", False),
    (phones.north_american, "2119550187", False),
    (phones.national, "02079460018", True),
    (phones.national, "00079460018", False),
]


@pytest.mark.parametrize(("check", "text", "valid"), TABLE)
def test_a_number_is_what_its_digits_say(check: object, text: str, valid: bool) -> None:
    """Valid and invalid ones of each sort."""
    assert callable(check)
    assert check(text) is valid


def test_every_iban_length_is_in_the_range_of_the_standard() -> None:
    """ISO 13616 allows up to 34 characters, and Norway's fifteen are the fewest."""
    assert {15 <= length <= 34 for length in checks.IBAN_LENGTHS.values()} == {True}
