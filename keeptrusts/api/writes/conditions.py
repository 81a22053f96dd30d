"""Headers by which a caller makes a write conditional, and which of them an endpoint honours. Pure.

One that is not honoured is refused: whoever sends it counts on it.
"""

import re
from collections.abc import Collection, Mapping

from keeptrusts.api.errors import FieldError

IF_MATCH, IDEMPOTENCY_KEY = "If-Match", "Idempotency-Key"
# With what helps where it is not honoured.
NAMES: Mapping[str, str] = {
    IF_MATCH: "nothing that is there is changed here; leave it out",
    "If-None-Match": (
        "a write never takes the place of what it does not name: an id or name that is taken is"
        " answered with 409; leave it out"
    ),
    "If-Unmodified-Since": "a second is long; send If-Match with the ETag of what you saw",
    "If-Modified-Since": "it is for reads; send If-Match with the ETag of what you saw",
    IDEMPOTENCY_KEY: (
        "only a POST takes it; this may be sent again as it is, and If-Match says upon which state"
    ),
}
_KEY = re.compile("[\x20-\x7e]{1,255}")


def check(given: Mapping[str, str], honoured: Collection[str]) -> None:
    """Check that a write has no condition but those that its endpoint honours.

    Raises:
        FieldError: it has another one (`not_honoured`).
    """
    for name, help_ in NAMES.items():
        if name in given and name not in honoured:
            raise FieldError(name, f"is not honoured here: {help_}", code="not_honoured")


def idempotency_key(given: Mapping[str, str]) -> str | None:
    """The idempotency key of a request; None without one.

    Raises:
        FieldError: it is too long, empty, or not of printable ASCII.
    """
    key = given.get(IDEMPOTENCY_KEY)
    if key is not None and not _KEY.fullmatch(key):
        raise FieldError(IDEMPOTENCY_KEY, "must be 1 to 255 printable characters of ASCII")
    return key
