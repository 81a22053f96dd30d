"""The values of unquoted scalars: the core schema of YAML 1.2.

`yes`, `no`, `on` and `off` are words, `1.0.0` and `2026-01-31` are text, `0o17` is fifteen and
`017` seventeen. YAML 1.1, which PyYAML's loaders read, would make a block-listed term `no` a
boolean and a sexagesimal number of `22:30`.
"""

from __future__ import annotations

_WORDS: dict[str, bool | float | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_STARTS = frozenset("-+.0123456789")
_BASES = {"0o": (8, frozenset("01234567")), "0x": (16, frozenset("0123456789abcdefABCDEF"))}
_FLOAT = frozenset("-+.0123456789eE")

# Python refuses to convert longer ones (a quadratic algorithm), and no field holds them.
_MAX_DIGITS = 300


def resolve(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar. Text that is no constant or number stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS or len(text) > _MAX_DIGITS:
        return text
    digits = text[1:] if text[0] in "-+" else text
    if digits.isascii() and digits.isdigit():
        return int(text)
    if text[:2] in _BASES:
        return _in_base(text)
    return _float(text)


def _in_base(text: str) -> int | str:
    base, allowed = _BASES[text[:2]]
    digits = text[2:]
    return int(digits, base) if digits and allowed.issuperset(digits) else text


def _float(text: str) -> float | str:
    # Python's own grammar is YAML's, once underscores, spaces and other digits are kept out.
    if not _FLOAT.issuperset(text):
        return text
    try:
        return float(text)
    except ValueError:
        return text
