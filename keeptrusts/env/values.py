"""Values of settings: numbers, lists of words, one of several."""

import re
from collections.abc import Mapping

from keeptrusts.env.errors import EnvError

_HIGHEST = 86_400


def positive(environ: Mapping[str, str], name: str, default: int) -> int:
    """A number in the unit that ends the name."""
    value = environ.get(name) or str(default)
    number = whole(value, _HIGHEST)
    if number is None:
        unit = name.rpartition("_")[2].lower()
        raise EnvError(f"{name}={value!r}: write whole {unit} from 1 to {_HIGHEST}")
    return number


def limit(environ: Mapping[str, str], name: str) -> int | None:
    """A number from 1 to 99999; None where it is not set."""
    value = environ.get(name) or ""
    number = whole(value, 99_999)
    if value and number is None:
        raise EnvError(f"{name}={value!r}: write a whole number from 1 to 99999")
    return number


def rate(environ: Mapping[str, str], name: str, default: int) -> int:
    """A number from 1 to 99999, or 0 for no limit."""
    value = environ.get(name) or str(default)
    number = 0 if value == "0" else whole(value, 99_999)
    if number is None:
        raise EnvError(f"{name}={value!r}: write a whole number from 1 to 99999, or 0 for no limit")
    return number


def days(environ: Mapping[str, str], name: str, default: int) -> int:
    """Days from 1 to 3650."""
    value = environ.get(name) or str(default)
    days = whole(value, 3650)
    if days is None:
        raise EnvError(f"{name}={value!r}: write whole days from 1 to 3650")
    return days


def most_days(environ: Mapping[str, str], name: str) -> int | None:
    """As `days`; None where it is not set."""
    return days(environ, name, 0) if environ.get(name) else None


def whole(text: str, highest: int) -> int | None:
    """`text` as a number from 1 to `highest`; None for anything else."""
    number = int(text) if re.fullmatch("[0-9]{1,5}", text) else 0
    return number if 0 < number <= highest else None


def words(value: str) -> tuple[str, ...]:
    """The words between commas, without blanks around them."""
    return tuple(word.strip() for word in value.split(",") if word.strip())
