"""Numbers of patients, providers and cards, as systems and people write them."""

from __future__ import annotations

import pytest

from tests.kt.policy.builders import ask, compiled, content

SNAPSHOT = compiled("pii-detector", {"healthcare_mode": True})
CASES = (
    ("MRN: <strong>00482913</strong>", "00482913", "MRN"),
    ("MR# 482913 was seen", "482913", "MRN"),
    ("Med. Rec. #: 00482913", "00482913", "MRN"),
    ("PatientID=00482913;ward=3", "00482913", "MRN"),
    ("hospital number 00482913", "00482913", "MRN"),
    ("the MRN for the patient is 00482913", "00482913", "MRN"),
    ("PID|1||00482913^^^HOSP^MR||DOE^JANE", "00482913", "MRN"),
    ("PID|1||A1~00482913^^^HOSP^MR^X||DOE^JANE", "00482913", "MRN"),
    ("<type>MR</type><value>482913</value>", "482913", "MRN"),
    ('{"type": {"code": "MR"}, "value": "00482913"}', "00482913", "MRN"),
    ("record 482913 (MRN)", "482913", "MRN"),
    ("NM1*85*2*CLINIC*****XX*1234567893~", "1234567893", "NPI"),
    ("rendering provider: 1234567893", "1234567893", "NPI"),
    ("the physician (1234567893) NPI", "1234567893", "NPI"),
    ('{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}', "1234567893", "NPI"),
    ("card 4475-9255-1631-0268-815", "4475-9255-1631-0268-815", "CREDIT_CARD"),
    ("card 4111 1111 1111 1111 123", "4111 1111 1111 1111", "CREDIT_CARD"),
)
HARMLESS = (
    "PID|1||||DOE^JANE",
    "<type>MR</type><value>4</value>",
    "Mr. 2000 won the race",
    "chart number one of 2024",
    "provider: 1234567890",
    "NM1*85*2*CLINIC*****XX*1234567890~",
    "4475-9255-1631-0268-816 is the serial",
)


@pytest.mark.parametrize(("text", "number", "label"), CASES)
def test_a_number_is_cut_out_and_its_name_stays(text: str, number: str, label: str) -> None:
    """In markup, HL7, FHIR and X12 too."""
    assert content(ask(SNAPSHOT, text)) == text.replace(number, f"[REDACTED:{label}]")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_has_a_name_and_no_number_stays(text: str) -> None:
    """Wrong check digits, short values, other words."""
    assert ask(SNAPSHOT, text).verdict == "allow"
