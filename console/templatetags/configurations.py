"""Tags and filters of policies: shares of gateways, lengths of time, lines that differ."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.comparing import Row
from keeptrusts.api.printable import printable

register = template.Library()

_LONGEST = 500
_MARKS = {"gone": ("-", "taken out"), "new": ("+", "put in")}
_LENGTHS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@register.simple_tag
def share(part: int, whole: int) -> SafeString:
    """A bar of how many of a number; the number itself stands beside it as text."""
    width = 100 * part // whole if whole else 0
    kind = "good" if part >= whole else "warn"
    return format_html(
        '<svg class="meter" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="idle" width="100" height="10"/>'
        '<rect class="{}" width="{}" height="10"/></svg>',
        kind, width,
    )  # fmt: skip


@register.simple_tag
def options(name: str, default: str, asked: str | None, *known: str) -> SafeString:
    """A choice of a filter: nothing, with the words for that, or a value; `value:its words`."""
    pairs = [
        ("", default),
        *((one.partition(":")[0], one.partition(":")[2] or one) for one in known),
    ]
    chosen = SafeString(" selected")
    inner = format_html_join(
        "", '<option value="{}"{}>{}</option>',
        ((value, chosen if value == (asked or "") else "", words) for value, words in pairs),
    )  # fmt: skip
    return format_html('<select name="{}">{}</select>', name, inner)


@register.simple_tag
def mark_of(row: Row) -> SafeString:
    """The mark of a line that differs, with words for whoever does not see it."""
    if row.kind not in _MARKS:
        return SafeString('<span class="mark" aria-hidden="true"> </span>')
    mark, words = _MARKS[row.kind]
    return format_html('<span class="mark" title="{}">{}</span>', words, mark)


@register.filter
def bounded(text: str) -> str:
    """A line of a policy as a page shows it."""
    clean = str(printable(text[: _LONGEST + 1], keeps_lines=False))
    return clean if len(clean) <= _LONGEST else f"{clean[:_LONGEST]}…"


@register.filter
def lasting(value: object) -> str:
    """Seconds as a length of time."""
    seconds = float(str(value))
    if seconds < 1:
        return "under 1 s"
    return next(f"{seconds / n:.3g} {unit}" for n, unit in _LENGTHS if seconds >= n)


@register.filter
def sentence_kind(path: str) -> str:
    """Whether a sentence is about an entry of the chain, a setting of its kind, or neither."""
    if path.startswith("policies.chain["):
        return "entry"
    return "setting" if path.startswith("policy.") else "beside"


@register.filter
def last_number(lines: Sequence[Any]) -> int:
    """The number of the last line; 0 where there is none."""
    return lines[-1].number if lines else 0


@register.filter
def first_line(text: object) -> SafeString:
    """The line break that browsers take away after `<textarea>`, where the text begins with one."""
    return SafeString("\n" if str(text or "").startswith("\n") else "")
