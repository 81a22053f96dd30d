"""Markers: the text in the place of what was cut out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Marker: TypeAlias = Callable[[str, str], str]
"""Given a label and the text that is cut, what replaces it."""

_STARS = 8
_SHOWN = 4


def label_marker(label: str, _text: str) -> str:
    """The marker with a label: `[REDACTED:EMAIL]`."""
    return f"[REDACTED:{label.upper()}]"


def marker(redaction: Mapping[str, Any]) -> Marker:
    """The marker of a `redaction` block whose fields are complete."""
    custom = redaction["custom_markers"]
    form = _FORMS[redaction["marker_format"]]
    keep = redaction["preserve_length"]

    def mark(label: str, text: str) -> str:
        if label in custom:
            return _fitted(custom[label], text) if keep else str(custom[label])
        shown = form(label, text, keep)
        # `a@b.io`, or signs without a letter or digit: nothing of them would be hidden.
        return shown if shown != text else "*" * len(text)

    return mark


def _label(label: str, text: str, keep: bool) -> str:
    mark = label_marker(label, text)
    return _fitted(mark, text) if keep else mark


def _asterisks(_label: str, text: str, keep: bool) -> str:
    return "*" * (len(text) if keep else _STARS)


def _partial(label: str, text: str, keep: bool) -> str:
    """The last four letters or digits, or an address's first letter and domain."""
    local, at, domain = text.rpartition("@")
    if label == "email" and at:
        # The first of one letter is all of it.
        first = local[0] if len(local) > 1 else "*" if keep else ""
        return first + "*" * (len(local) - 1 if keep else 3) + at + domain
    signs = [place for place, sign in enumerate(text) if sign.isalnum()]
    # Four of fewer than eight would tell more than they hide.
    visible = signs[-_SHOWN:] if len(signs) >= 2 * _SHOWN else []
    hidden = frozenset(signs) - frozenset(visible)
    if keep:
        return "".join("*" if place in hidden else sign for place, sign in enumerate(text))
    return "*" * _SHOWN + "".join(text[place] for place in visible)


def _fitted(mark: str, text: str) -> str:
    return mark[: len(text)].ljust(len(text), "*")


_FORMS: dict[str, Callable[[str, str, bool], str]] = {
    "label": _label,
    "asterisks": _asterisks,
    "partial": _partial,
}
