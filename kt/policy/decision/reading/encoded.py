"""Text hidden in text: base64, tag characters that no screen shows, escapes, decoration."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from kt.policy.decision.reading.engine import compiled
from kt.policy.decision.reading.passages import Passage
from kt.policy.decision.reading.reading import Reading
from kt.policy.decision.reading.views import View

# Sixteen letters hold twelve characters: no phrase worth hiding is shorter. Encoders
# wrap lines at 64 or 76, so a full line may go on in the next.
_BASE64 = compiled(r"(?:[A-Za-z0-9+/_\-]{60,76}\r?\n)*[A-Za-z0-9+/_\-]{16,}={0,2}")
_TAGS = compiled(r"[\x{E0020}-\x{E007E}]+")
_TAG_BASE = 0xE0000
_PRINTABLE_SHARE = 0.9

# `\n` as two characters, with more backslashes in JSON within JSON, and a terminal's colours.
_ESCAPE = re.compile(r"\\+[nrt]|(?:\x1b|\\(?:033|[xX]1[bB]|u001[bB]|e))\[[0-9;]*m")


# A digit in a keycap or a circle, and Markdown's emphasis with underscores. Within an ASCII
# word, or beside a hyphen, an underscore is a letter of a name or token.
_NUMBERED = r"[0-9*#]\ufe0f?\u20e3|[\u2460-\u249b\u24ea-\u24ff\u2776-\u2793]"
_OPENS = r"(?<![A-Za-z0-9_\-])_+(?=[^\s_])"
_CLOSES = r"(?<=[^\s_])_+(?![A-Za-z0-9_\-])"
_DECORATION = re.compile(f"{_NUMBERED}|{_OPENS}|{_CLOSES}")


def readings(passage: Passage) -> Iterator[Reading]:
    """A passage as it is and, where it has escapes or decoration, with blanks for them.

    The letter of `\\n4111 1111 …` is no part of the number, and neither are the signs
    of `__4111 …__`. What is blanked and its blanks are equally long.
    """
    yield Reading(passage)
    text = passage.text
    if "\\" in text or "\x1b" in text:
        blanked = _ESCAPE.sub(_blank, text)
        if blanked != text:
            yield Reading(passage, blanked)
            text = blanked
    if "_" in text or not text.isascii():
        blanked = _DECORATION.sub(lambda signs: " " * len(signs[0]), text)
        if blanked != text:
            yield Reading(passage, blanked)


def _blank(escape: re.Match[str]) -> str:
    last = "\n" if escape[0][-1] in "nr" else " "
    return last.rjust(len(escape[0]))


def decoded(reading: Reading) -> Iterator[Reading]:
    """Yield a reading of every base64 run that holds text."""
    plain = reading.show(View.PLAIN)
    if not _BASE64.search(plain.data):
        return
    for match in _BASE64.finditer(plain.text):
        start, end = match.span()
        text = _text(plain.text[start:end])
        if text:
            yield reading.derive(text, [plain.origin(start, end)] * len(text))


def tagged(reading: Reading) -> Iterator[Reading]:
    """Yield a reading of every run of tag characters, which spell ASCII invisibly."""
    if reading.text.isascii():
        return
    raw = reading.show(View.RAW)
    for match in _TAGS.finditer(raw.text):
        text = "".join(chr(ord(sign) - _TAG_BASE) for sign in match.group())
        yield reading.derive(text, [match.span()] * len(text))


def _text(run: str) -> str:
    """The text of a base64 run, "" when it is no text."""
    letters = run.replace("\n", "").replace("\r", "").rstrip("=")
    plain = letters.replace("-", "+").replace("_", "/")
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        return ""
    text = data.decode("utf-8", "replace")
    printable = sum(sign != "\ufffd" and (sign.isprintable() or sign.isspace()) for sign in text)
    return text if printable >= _PRINTABLE_SHARE * len(text) else ""
