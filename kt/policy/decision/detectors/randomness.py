"""The randomness of a value, and the values that stand in documentation instead of a secret."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import log2

# `xxxx…`, `0000…`, `****`: what is written where a value is left out. Bytes of zero are `AAAA…`.
_RUN = re.compile(r"([^A])\1{5}|[xX]{4}|[*#.]{3}")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}")
_SPOKEN = re.compile(
    r"(?i)example|placeholder|redacted|change_?me|replace_?me|not_?real|"
    r"(?:^|[^a-z])(?:your|insert|dummy|sample|todo|fixme)(?:$|[^a-z])|(?:^|[^a-z])here(?:$|[^a-z])"
)


def entropy(text: str) -> float:
    """Shannon's entropy of the characters of a text, in bits a character."""
    size = len(text)
    return -sum(count / size * log2(count / size) for count in Counter(text).values())


def restlessness(text: str) -> float:
    """How often a text changes between small letters, capitals and digits, a character.

    Words do so where one ends (`publicKey2`), less than once in five characters; a random value
    about every second time. A capital before a small letter begins a word and is no change.
    """
    kinds = [
        "0" if one.isdigit() else "A" if one.isupper() else "a" for one in text if one.isalnum()
    ]
    changes = sum(a != b and (a, b) != ("A", "a") for a, b in pairwise(kinds))
    return changes / len(text)


def unspeakable(text: str) -> bool:
    """Whether a text has a digit and five consonants in a row, as words and names do not."""
    return _CONSONANTS.search(text) is not None and any(map(str.isdecimal, text))


def placeholder(text: str) -> bool:
    """Whether a value only shows what one looks like: `xxxx`, `…EXAMPLE`, `your-token-here`."""
    return any(known.search(text) for known in (_RUN, _SPOKEN))
