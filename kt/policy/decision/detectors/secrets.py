"""Rules for credentials in well-known formats.

Most are those of the table in `formats`. The others have no mark of their own, or no end.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator

from kt.policy.decision.detectors import assigned
from kt.policy.decision.detectors.formats import FORMATS
from kt.policy.decision.detectors.randomness import entropy, placeholder
from kt.policy.decision.matching.context import apart
from kt.policy.decision.matching.patterns import Check, PatternRule, Spans
from kt.policy.decision.reading.views import View

VIEWS = (View.RAW, View.SIGNS, View.PLAIN)

_AZURE = r"(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)"
_AWS_PAIR = (
    r"(?i:aws|secret)(?i:[\w.\- ]{0,24}key)[\w.\- ]{0,8}[\"']?\s{0,3}(?:=>|:=|=|:)\s{0,3}[\"']?"
    r"([A-Za-z0-9/+]{40})"
)
_URL_CREDENTIAL = r"[a-z][a-z0-9+.\-]{1,20}://[^\s:/@\"'<>]{0,64}:([^\s@/\"'<>]{3,128})@[\w.\-]+"
_JWT = r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{4,}\.[A-Za-z0-9_\-]{8,}"
# Without its last line a key runs to the end of the text: what was cut off is still a key.
_PRIVATE_KEY = (
    r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"
    r"(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|.*)"
)
# A stream waits for the last line, and no longer: between the two is anything but `-----END`.
_PRIVATE_KEY_BEGUN = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"
    r"(?:[^\-]|-{1,4}[^\-]|-+(?:[^\-E]|E[^N]|EN[^D]))*"
    r"-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"
)

_PLACEHOLDER_WORDS = "password passwd pass pwd secret token changeme example"
_PLACEHOLDERS = frozenset(_PLACEHOLDER_WORDS.split())


# Characters before and behind a token that tell whether it is a word of its own.
_AROUND = (2, 4)


def rules() -> Iterator[PatternRule]:
    """The built-in rules of `dlp-filter`."""
    for one in FORMATS:
        yield PatternRule(
            one.name,
            one.name,
            one.pattern,
            VIEWS,
            _varied(one.entropy),
            one.group,
            keyword=one.keyword,
            around=_AROUND,
        )
    yield PatternRule("azure_key", "azure_key", _AZURE, VIEWS, group=1)
    yield PatternRule(
        "aws_secret_key", "aws_secret_key", _AWS_PAIR, VIEWS, _token, 1, around=_AROUND
    )
    yield PatternRule("url_password", "url_password", _URL_CREDENTIAL, VIEWS, _password, 1)
    yield PatternRule("jwt", "jwt", _JWT, VIEWS, _jwt, around=_AROUND)
    yield PatternRule("private_key", "private_key", _PRIVATE_KEY, VIEWS, begun=_PRIVATE_KEY_BEGUN)
    yield from assigned.rules()


def _varied(least: float) -> Check:
    """A check that confirms a token that is none of documentation's, by its entropy and signs."""

    def confirm(text: str, start: int, end: int) -> Spans:
        value = text[start:end]
        real = entropy(value) >= least and not placeholder(value)
        return _token(text, start, end) if real else ()

    return confirm


def _token(text: str, start: int, end: int) -> Spans:
    """A token that is a word of its own; `monkey_test_…` holds no `key_test_…`.

    With an underscore and more behind it, it is a longer name; in `__token__` it is emphasised.
    """
    before, after = text[max(0, start - 2) : start], text[end : end + 4]
    hyphened = before[1:] == "-" and before[0].isalnum()
    longer = after[:1] == "_" and after.lstrip("_")[:1].isalnum()
    whole = apart(text, start, end) and not (hyphened or longer)
    return ((start, end),) if whole else ()


def _password(text: str, start: int, end: int) -> Spans:
    """A password, and no placeholder as documentation has them."""
    password = text[start:end]
    placeholder = password.lower() in _PLACEHOLDERS or (
        password[0] in "$*{%[x." and password[-1] in "*}%]x."
    )
    return () if placeholder else ((start, end),)


def _jwt(text: str, start: int, end: int) -> Spans:
    """A JSON Web Token: its header is a JSON object that names its algorithm (RFC 7515)."""
    header = text[start:end].partition(".")[0]
    try:
        fields = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError):
        return ()
    return _token(text, start, end) if isinstance(fields, dict) and "alg" in fields else ()
