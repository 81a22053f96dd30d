"""Named forms of text: a check, and words for what is expected.

A form is given twice: as a function, because compiling nine expressions takes longer than
linting a file, and as an expression for the JSON Schema. A test holds both against each other.
The expressions mean the same in Python, in RE2 and in JavaScript, and none can backtrack.
"""

from __future__ import annotations

from collections.abc import Callable

from kt.policy.frozen import Frozen


class Form(Frozen):
    """A form of text: `accepts` and `pattern` check a whole text, `words` say what is expected."""

    __slots__ = ("accepts", "pattern", "suggest", "words")

    def __init__(
        self,
        accepts: Callable[[str], bool],
        pattern: str,
        words: str,
        suggest: Callable[[str], str] = lambda _text: "",
    ) -> None:
        self.accepts = accepts
        self.pattern = pattern
        self.words = words
        self.suggest = suggest


_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _LOWER + _LOWER.upper()
_HEX = frozenset(_DIGITS + "abcdef")
_ID = frozenset(_LOWER + _DIGITS + "._-")
_NAME = frozenset(_LETTERS + _DIGITS + "_")
_TOKEN = frozenset(_LETTERS + _DIGITS + "!#$%&'*+.^_`|~-")
_PROVIDER = frozenset(_LETTERS + _DIGITS + "._-")
# Azure's routes ask for it, and nothing else that stands in a query is an address.
_API_VERSION = "?api-version="
_PRINTED = frozenset(map(chr, range(0x20, 0x7F)))
_NOT_IN_A_HOST = frozenset("/?#@")


def _is_semver(text: str) -> bool:
    numbers = text.split(".")
    return len(numbers) == 3 and all(
        _all_in(number, frozenset(_DIGITS))
        and len(number) <= 9
        and (number == "0" or number[0] != "0")
        for number in numbers
    )


def is_id(text: str) -> bool:
    """True when a text may be a configuration's id."""
    return _all_in(text, _ID) and text[0] not in "._-" and len(text) <= 200


def _is_line(text: str) -> bool:
    return text.strip(" ") != "" and not any(c < " " or c == "\x7f" for c in text)


def _is_model(text: str) -> bool:
    return _is_line(text) and not {"*", "?"}.intersection(text)


def _is_path(text: str) -> bool:
    return text.startswith("/") and _all_in(text, _PRINTED - {" "})


def _is_url(text: str) -> bool:
    url, mark, version = text.partition(_API_VERSION)
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return (
        scheme in ("http", "https")
        and _is_dense(rest)
        and host != ""
        and not _NOT_IN_A_HOST.intersection(host)
        and not {"?", "#"}.intersection(path)
        and (not mark or _all_in(version, _PROVIDER))
    )


def _is_dense(text: str) -> bool:
    """True when a text is printable ASCII without a space."""
    return text.isascii() and not any(c <= " " or c == "\x7f" for c in text)


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and _HEX.issuperset(text)


def _is_env(text: str) -> bool:
    return _all_in(text, _NAME) and text[0] not in _DIGITS


def _is_provider(text: str) -> bool:
    name, *rest = text.split(":", 2)
    if not _all_in(name, _PROVIDER) or name[0] in "._-" or len(rest) == 1:
        return False
    return not rest or (_all_in(rest[0], _PROVIDER) and rest[1] != "" and _is_dense(rest[1]))


def _all_in(text: str, allowed: frozenset[str]) -> bool:
    return text != "" and allowed.issuperset(text)


def _semver(text: str) -> str:
    """A suggestion: `1.0` → `1.0.0`; the `v` of tags, a pre-release and a build are dropped."""
    numbers = text.strip().lstrip("vV").partition("-")[0].partition("+")[0].split(".")
    if not 1 <= len(numbers) <= 4 or not all(n.isascii() and n.isdigit() for n in numbers):
        return "write MAJOR.MINOR.PATCH, for example 1.0.0"
    full = [str(int(number[:9])) for number in numbers] + ["0", "0"]
    return f"did you mean {'.'.join(full[:3])}?"


def slug(text: str) -> str:
    """Make an id of a name: accents dropped, a hyphen for every run of other characters.

    "" when nothing of the name is left.
    """
    # Imported here: a library of a megabyte that few runs need.
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = "".join(c if c in _ID and c != "-" else " " for c in plain).split()
    return "-".join(words).strip("-._")[:200].rstrip("-._")


def _id(text: str) -> str:
    return f"did you mean {slug(text)}?" if slug(text) else ""


def _https(text: str) -> str:
    return f"did you mean https://{text}?" if "://" not in text else ""


def _slash(text: str) -> str:
    return f"did you mean /{text}?"


FORMS: dict[str, Form] = {
    "semver": Form(
        _is_semver,
        r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})",
        "a version MAJOR.MINOR.PATCH",
        _semver,
    ),
    "id": Form(
        is_id,
        r"[a-z0-9][a-z0-9._-]{0,199}",
        "lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit",
        _id,
    ),
    "line": Form(_is_line, r" *[^\x00-\x20\x7f][^\x00-\x1f\x7f]*", "a line of text"),
    "model": Form(
        _is_model,
        r" *[^\x00-\x20\x7f*?][^\x00-\x1f\x7f*?]*",
        "the name of a model, which has no * and no ?",
    ),
    "header": Form(
        lambda text: _all_in(text, _TOKEN),
        r"[A-Za-z0-9!#$%&'*+.^_`|~-]+",
        "the name of an HTTP header",
    ),
    "header_value": Form(
        _PRINTED.issuperset, r"[\x20-\x7e]*", "the value of an HTTP header: printable ASCII"
    ),
    "path": Form(_is_path, r"/[!-~]*", "a path that begins with '/'", _slash),
    "url": Form(
        _is_url,
        r'https?://[!-"$-.0->A-~]+(/[!-"$->@-~]*)?([?]api-version=[A-Za-z0-9._-]+)?',
        "an http or https URL, without query but for ?api-version=",
        _https,
    ),
    "env": Form(_is_env, r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable"),
    "sha256": Form(
        _is_sha256,
        r"[0-9a-f]{64}",
        "a sha256: 64 of the digits 0-9 and a-f",
        lambda text: f"did you mean {text.lower()}?" if _is_sha256(text.lower()) else "",
    ),
    "provider": Form(
        _is_provider,
        r"[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9._-]+:[!-~]+)?",
        "a provider",
    ),
}
