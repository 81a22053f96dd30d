"""Texts of an answer that `jq -r` would print raw."""

import unicodedata
from collections.abc import Iterator
from typing import Any

_LINES = {
    "allowed_openpgp_keys", "allowed_signers", "client_certificate", "description", "known_hosts",
    "message", "note", "public_key",
}  # fmt: skip
_JOINERS = "\u200c\u200d"


def unprintable(value: Any) -> list[str]:
    """The texts, keys included, that have a control, a separator of lines or a mark of direction.

    Line feeds and tabs may stand in fields that people write lines in.
    """
    return [text for text, has_lines in _texts(value) if _is_raw(text, has_lines=has_lines)]


def _texts(value: Any, *, name: str = "") -> Iterator[tuple[str, bool]]:
    if isinstance(value, str):
        yield value, name in _LINES
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key, False
            yield from _texts(one, name=key)


def _is_raw(text: str, *, has_lines: bool) -> bool:
    return any(
        unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs")
        or unicodedata.bidirectional(char)
        in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        or char in "\u200b\u200e\u200f\u061c\ufeff"
        for char in (text.replace("\r\n", "\n") if has_lines else text)
        if not (has_lines and char in "\n\t") and char not in _JOINERS
    )
