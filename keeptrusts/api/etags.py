"""ETags, and the conditions that callers make with them. Pure.

Source: RFC 9110, sections 8.8.3 and 13.1.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.utils.http import parse_etags

from keeptrusts.api.errors import FieldError
from keeptrusts.api.printable import encode

_DIGITS = 32
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


def of(row: Mapping[str, Any], *, without: Collection[str] = ()) -> str:
    """The ETag of a row as the API shows it, of all its fields but some."""
    shown = orjson.loads(encode({name: row[name] for name in row if name not in without}))
    # Databases differ in the order in which they keep keys.
    told = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.sha256(told).hexdigest()[:_DIGITS]}"'


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of an `If-Match`: one of some ETags, or any state where `is_any`."""

    tags: frozenset[str] = frozenset()
    is_any: bool = False

    def is_met(self, etag: str) -> bool:
        """Whether the present state is one of those; a weak ETag is none, whatever it says."""
        return self.is_any or etag in self.tags


def condition(if_match: str | None) -> Condition | None:
    """The condition that a request makes; None for one without `If-Match`.

    Raises:
        FieldError: it is neither `*` nor a list of ETags.
    """
    if if_match is None:
        return None
    if if_match.strip() == "*":
        return Condition(is_any=True)
    if not _LIST.fullmatch(if_match):
        raise FieldError("If-Match", 'must be * or ETags as answers have them, such as "5d41402a"')
    return Condition(frozenset(re.findall(_TAG, if_match)))


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether the caller has the body of this ETag already, by its `If-None-Match`.

    That is a list, compared weakly, or `*` for any; empty for a request without it.
    """
    named = parse_etags(if_none_match)
    return "*" in named or etag in {tag.removeprefix("W/") for tag in named}
