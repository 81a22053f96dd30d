"""Disguises of values and phrases, as a text can have them."""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Callable
from urllib.parse import quote

Disguise = Callable[[str], str]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _groups(text: str, size: int, between: str = " ") -> str:
    return between.join(text[at : at + size] for at in range(0, len(text), size))


def _each(form: str) -> Disguise:
    return lambda text: "".join(form.format(ord(sign), sign) for sign in text)


def _middle(sign: str) -> Disguise:
    return lambda text: text[: len(text) // 2] + sign + text[len(text) // 2 :]


# A code of a whole value, which stands between blanks.
CODES: dict[str, Disguise] = {
    "base64": lambda text: _b64(text.encode()),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 twice": lambda text: _b64(_b64(text.encode()).encode()),
    "base64 of UTF-16": lambda text: _b64(text.encode("utf-16-le")),
    "base64 of percent": lambda text: _b64("".join(f"%{ord(sign):02X}" for sign in text).encode()),
    "base64 with other letters": lambda text: _b64(f"Это {text} тут".encode()),
    "base64 of UTF-16 with its mark": lambda text: _b64(text.encode("utf-16")),
    "base64 in groups of 8": lambda text: _groups(_b64(text.encode()), 8),
    "base64 in lines": lambda text: _groups(_b64(text.encode()), 20, "\n"),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base32 in small letters": lambda text: base64.b32encode(text.encode()).decode().lower(),
    "base32 in groups of 8": lambda text: _groups(base64.b32encode(text.encode()).decode(), 8),
    "hex of UTF-16": lambda text: text.encode("utf-16-le").hex(),
    "hex of UTF-16, the other way round": lambda text: text.encode("utf-16-be").hex(),
    "hex": lambda text: text.encode().hex(),
    "hex of percent": lambda text: "".join(f"%{ord(sign):02x}" for sign in text).encode().hex(),
    "hex of references": lambda text: "".join(f"&#{ord(sign)};" for sign in text).encode().hex(),
    "decimal of JSON": lambda text: " ".join(map(str, json.dumps(json.dumps([text])).encode())),
    "hex apart": lambda text: text.encode().hex(" "),
    "hex with 0x": _each("0x{0:02x} "),
    "octal": lambda text: " ".join(f"{ord(sign):03o}" for sign in text),
    "decimal": lambda text: " ".join(str(ord(sign)) for sign in text),
    "binary": lambda text: " ".join(f"{ord(sign):08b}" for sign in text),
    "tag characters": lambda text: "".join(chr(0xE0000 + ord(sign)) for sign in text),
    "variation selectors": lambda text: "".join(chr(0xE0100 + ord(sign) - 16) for sign in text),
    "spaced": " ".join,
}

# Escapes of each character, and what readers do not see.
ESCAPES: dict[str, Disguise] = {
    "percent": _each("%{0:02X}"),
    "percent twice": _each("%25{0:02x}"),
    "percent of signs": lambda text: quote(text, safe=""),
    "u": _each("\\u{0:04x}"),
    "u in braces": _each("\\u{{{0:x}}}"),
    "u twice": _each("\\\\u{0:04x}"),
    "x": _each("\\x{0:02x}"),
    "decimal references": _each("&#{0};"),
    "hexadecimal references": _each("&#x{0:X};"),
    "references twice": _each("&amp;#{0};"),
    "quoted-printable": _each("={0:02X}"),
    "a tag": _middle("<b></b>"),
    "a comment": _middle("<!-- -->"),
    "a comment of C": _middle("/**/"),
    "two strings": _middle('" + "'),
    "piled accents": _each("{1}\u0329\u0353"),
    "zero-width": "\u200b".join,
}


def rot13(text: str) -> str:
    """Letters moved by thirteen."""
    return codecs.encode(text, "rot13")


# What hides phrases alone.
WORDINGS: dict[str, Disguise] = {
    "leetspeak": lambda text: text.translate(str.maketrans("aeios", "43105")),
    "moved by 13": rot13,
    "moved and in base64": lambda text: _b64(rot13(text).encode()),
    "alphabet turned round": lambda text: text.lower().translate(
        str.maketrans("abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba")
    ),
    "backwards": lambda text: text[::-1],
    "words backwards": lambda text: " ".join(reversed(text.split())),
    "each word backwards": lambda text: " ".join(word[::-1] for word in text.split()),
    "accents": lambda text: text.translate(str.maketrans("aeiou", "áéíóú")),
    "tags": lambda text: " ".join(f"<i>{word}</i>" for word in text.split()),
    "lines": "\n".join,
    "joined": lambda text: text.replace(" ", ""),
    "camel case": lambda text: text.title().replace(" ", ""),
    "dark squares": lambda text: "".join(
        chr(0x1F170 + ord(sign) - 65) if sign.isalpha() else sign for sign in text.upper()
    ),
    "flags": lambda text: "".join(
        chr(0x1F1E6 + ord(sign) - 65) if sign.isalpha() else sign for sign in text.upper()
    ),
}
