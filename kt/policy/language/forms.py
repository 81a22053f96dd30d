"""Named forms of text: the expression that decides, and the words that explain.

The expressions are plain enough to mean the same in Python, in RE2 and in a JSON Schema, and
none of them can backtrack over long text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """`pattern` must match the whole text; `words` complete "expected …"."""

    pattern: str
    words: str
    suggest: Callable[[str], str] = lambda _text: ""


def _semver(text: str) -> str:
    """`1.0` → `1.0.0`; the `v` that tags carry goes, and so do a pre-release and a build."""
    numbers = text.strip().lstrip("vV").partition("-")[0].partition("+")[0].split(".")
    if not 1 <= len(numbers) <= 4 or not all(n.isascii() and n.isdigit() for n in numbers):
        return "write MAJOR.MINOR.PATCH, for example 1.0.0"
    full = [str(int(number[:9])) for number in numbers] + ["0", "0"]
    return f"did you mean {'.'.join(full[:3])}?"


def slug(text: str) -> str:
    """Make an id of a name: accents dropped, a hyphen for every run of anything else.

    Empty when nothing of the name is left.
    """
    # Imported here: a library of a megabyte that few runs need.
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    hyphened = re.sub(r"[^a-z0-9._]+", "-", plain)
    return hyphened.strip("-._")[:200].rstrip("-._")


def _https(text: str) -> str:
    return f"did you mean https://{text}?" if "://" not in text else ""


FORMS: dict[str, Form] = {
    "semver": Form(
        r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})",
        "a version MAJOR.MINOR.PATCH",
        _semver,
    ),
    "id": Form(
        r"[a-z0-9][a-z0-9._-]{0,199}",
        "lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit",
        lambda text: f"did you mean {slug(text)}?" if slug(text) else "",
    ),
    "line": Form(r" *[^\x00-\x20\x7f][^\x00-\x1f\x7f]*", "a line of text"),
    "header": Form(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "the name of an HTTP header"),
    "header_value": Form(r"[\x20-\x7e]*", "the value of an HTTP header: printable ASCII"),
    "path": Form(r"/[!-~]*", "a path that begins with '/'", lambda text: f"did you mean /{text}?"),
    "url": Form(r"https?://[^\s/?#@]+(/[^\s?#]*)?", "an http or https URL without query", _https),
    "env": Form(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable"),
    "provider": Form(r"[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9._-]+:.+)?", "a provider"),
}
