"""Values of the API as people write them into fields: labels, lists, dates."""

import re
from datetime import UTC, datetime

# What fits into JSON's numbers; how large each may be the API says.
_WHOLE = re.compile(r"-?[0-9]{1,15}")


def is_true(text: str) -> bool:
    """What a ticked field says."""
    return text == "true"


def whole(text: str) -> int:
    """A whole number.

    Raises:
        ValueError: it is none.
    """
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError("must be a whole number")
    return int(text)


def lines(text: str) -> list[str]:
    """A text of a value a line, or with commas between."""
    return [one.strip() for line in text.splitlines() for one in line.split(",") if one.strip()]


def labels(text: str) -> dict[str, str]:
    """Labels as `name=value`, a line each or with commas between.

    Raises:
        ValueError: one is not of this form.
    """
    pairs = [one.partition("=") for one in lines(text)]
    if wrong := [name for name, sign, _ in pairs if not sign]:
        raise ValueError(f"write name=value, with commas between; {wrong[0]!r} has no value")
    return {name.strip(): value.strip() for name, _, value in pairs}


def moment(text: str) -> str:
    """A date, or a date and a time in UTC, as the API takes them.

    Raises:
        ValueError: it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ValueError("write a date such as 2030-12-31, with or without a time") from exc
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
