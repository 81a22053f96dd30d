"""Unicode's table of characters that look alike (UTS #39), made into a module of the product.

    python -m supply.confusables > kt/policy/decision/reading/confusables.py

The table comes with the package `confusables`, which `requirements-dev.txt` pins by its hash.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from string import ascii_letters

_ROW = re.compile(r"([0-9A-F]{4,6}) ;\t([0-9A-F ]+) ;\tMA")
_VERSION = re.compile(r"# Version: (\S+)")
# In the alphabets of these a language is written that has texts of its own: there, letters are
# what they are, and look-alikes only within a word of Latin letters.
_WRITTEN = frozenset(
    (
        *("ARABIC", "HEBREW", "SYRIAC", "THAANA", "NKO", "DEVANAGARI", "BENGALI"),
        *("GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA"),
        *("THAI", "LAO", "MYANMAR", "GEORGIAN", "ETHIOPIC", "KHMER", "TIBETAN", "MONGOLIAN"),
        *("HANGUL", "CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "YI"),
    )
)
_HEAD = '''"""Letters that look like ASCII ones, by the confusables table of Unicode {version}.

Made by `python -m supply.confusables`; not written by hand. It has those that NFKC leaves as they
are. `ALIKE` are of alphabets that no text is written in, or that Latin is often mixed with;
`WITHIN_LATIN` are of the other ones.
"""

from __future__ import annotations

# fmt: off
'''
# What is no letter to Unicode and reads as one, and the sign of Kannada that is a circle.
_SYMBOLS = "\u212e\u0c82\u0c02\u0d02\u0d82"
_WIDTH = 80


def table() -> tuple[str, Mapping[str, str]]:
    """The version of Unicode's table, and what each character of it looks like."""
    text = Path(str(distribution("confusables").locate_file("confusables/assets/confusables.txt")))
    lines = text.read_text(encoding="utf-8-sig").splitlines()
    version = next(found[1] for line in lines if (found := _VERSION.match(line)))
    rows = (found for line in lines if (found := _ROW.match(line)))
    return version, {chr(int(row[1], 16)): _characters(row[2]) for row in rows}


def _characters(points: str) -> str:
    return "".join(chr(int(point, 16)) for point in points.split())


def pairs(looks: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Letters with the ASCII letter that they look like; a digit is never made of one."""
    # Of several with one look the last: `l` of `I` and `l`.
    by_look = {looks.get(sign, sign): sign for sign in ascii_letters.swapcase()}
    for sign, look in sorted(looks.items()):
        apart = not sign.isascii() and unicodedata.normalize("NFKC", sign) == sign
        if apart and look in by_look and (sign.isalpha() or sign in _SYMBOLS):
            yield sign, by_look[look]


def module() -> str:
    """The text of the module."""
    version, looks = table()
    rows: dict[str, dict[str, list[str]]] = {
        "ALIKE": defaultdict(list),
        "WITHIN_LATIN": defaultdict(list),
    }
    for sign, read in pairs(looks):
        script = unicodedata.name(sign, "").partition(" ")[0]
        rows["WITHIN_LATIN" if script in _WRITTEN else "ALIKE"][read].append(sign)
    tables = (_written(name, letters) for name, letters in rows.items())
    return "\n".join([_HEAD.format(version=version), *tables])


def _written(name: str, letters: Mapping[str, list[str]]) -> str:
    lines = [f"{name} = {{"]
    for read, signs in sorted(letters.items()):
        written = [*_wrapped([_escaped(sign) for sign in signs])]
        if len(written) == 1:
            lines.append(f'    "{read}": {written[0].strip()},')
        else:
            lines += [f'    "{read}": (', *written, "    ),"]
    return "\n".join([*lines, "}", ""])


def _escaped(sign: str) -> str:
    point = ord(sign)
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _wrapped(escaped: list[str]) -> Iterator[str]:
    line = ""
    for one in escaped:
        if len(line) + len(one) > _WIDTH:
            yield f'        "{line}"'
            line = ""
        line += one
    yield f'        "{line}"'


if __name__ == "__main__":
    print(module(), end="")
