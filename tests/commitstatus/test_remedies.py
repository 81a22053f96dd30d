"""What to do about a status that cannot be told: the page for people has what the API says."""

import re

import pytest

from commitstatus.remedies import remedy
from tests.support.stack import ROOT

ROWS = re.findall(
    r"^\| (`\w+`(?:, `\w+`)*) \| [^|]+ \| ([^|]+) \|$",
    (ROOT / "docs/commit-status.md").read_text().split("## When it cannot be told")[1],
    re.MULTILINE,
)
TOLD = {code: action for codes, action in ROWS for code in re.findall(r"\w+", codes)}


def test_the_page_has_each_code_that_means_something_else_here() -> None:
    """In its table."""
    assert len(TOLD) == 10
    assert {code: remedy(code) for code in TOLD} == TOLD


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", None),
        ("timeout", "Wait: it is tried again."),
        ("no_such_code_any_more", "Look at the forge."),
        ("installation_gone", "Install the App, and send the new"),
    ],
)
def test_other_codes_are_those_of_syncs(code: str, told: str | None) -> None:
    """With what helps there; of one that is not known any more the forge is looked at."""
    found = remedy(code)

    assert found is None if told is None else str(found).startswith(told)
