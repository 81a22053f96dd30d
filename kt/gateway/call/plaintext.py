"""Answers that are no JSON, read as text: a target's error page, or one line of a proxy."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The charsets in which ASCII is not itself. In every other its bytes can be read as UTF-8.
_WIDE = re.compile(r"charset=[\"']?(utf-?(?:16|32)(?:le|be)?)", re.IGNORECASE)
_KEEPING = "surrogateescape"


def decode(data: bytes, content_type: str) -> tuple[str, str]:
    """A text and the encoding that `encode` writes it with. No byte of it is lost."""
    found = _WIDE.search(content_type)
    wide = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    wide = wide or (found[1].lower() if found else "")
    if wide:
        try:
            return data.decode(wide), wide
        except UnicodeDecodeError:
            pass
    return data.decode("utf-8", _KEEPING), "utf-8"


def encode(text: str, encoding: str) -> bytes:
    """The bytes of a text that `decode` read."""
    try:
        return text.encode(encoding, _KEEPING if encoding == "utf-8" else "replace")
    except UnicodeEncodeError:
        # Half of a surrogate pair, in a value that was put back.
        return text.encode(encoding, "replace")
