"""Secrets without a mark of their own, by what stands before them: a name, a header, an option.

`api_key = "…"`, `password: …`, `my token is …`, `Authorization: Bearer …`, `curl -u name:…`, the
fields of a Kubernetes Secret. A name alone says little, `sort_key = "created"`: what it names must
look like chance, or a password.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from kt.policy.decision.detectors.randomness import (
    entropy,
    placeholder,
    restlessness,
    unspeakable,
)
from kt.policy.decision.matching.patterns import PatternRule, Spans
from kt.policy.decision.reading.engine import compiled
from kt.policy.decision.reading.views import View

VIEWS = (View.RAW, View.SIGNS, View.PLAIN)

_WORDS = (
    r"passw(?:or)?d|passwort|passphrase|passcode|contraseña|senha|mot de passe|"
    r"pwd|secret|credentials?|token|key"
)
_QUOTES = r"[\"'`*]{0,3}"
_OPERATOR = (
    r"(?:[ \t]{0,4}(?:\|\|:|:=|=>|==|=|:|\x{FF1A})[ \t]{0,4}|"
    r"[ \t]{1,2}(?:is|was|ist|est|es|é)(?:[ \t]{1,2}|:[ \t]{0,2})|[ \t]?(?:是|为|為|は)[ \t]?|"
    r"</?[a-z]{0,4}>|\"?>)"
)
_VALUE = r"([A-Za-z0-9+/=_.\-~!@#$%^&*:?]{6,})"
_ASSIGNED = (
    rf"(?i)(?:{_WORDS})[\w\-]{{0,12}}[\"'`*\]]{{0,3}}{_OPERATOR}(?:[\[(][ ]?)?{_QUOTES}{_VALUE}"
)

# The name before a value, as `_ASSIGNED` found it: what stands between them says of which form.
_NAME = compiled(
    r"([\w.\-]{1,80})[\"'`*\]]{0,3}"
    r"([ \t]{0,4}(?:\|\|:|:=|=>|==|=|:|\x{FF1A})[ \t]{0,4}|\s+\pL{1,3}:?\s+|"
    r"[ \t]?[^\x00-\x7f][ \t]?|<[^>]*>|\"?>)"
    r"[\[( ]{0,2}[\"'`*]{0,3}$"
)
_LOOK_BACK = 110
_OPTION = re.compile(r"^-{1,2}D?(?=[a-z])")
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")

_HUMAN_WORDS = "password passwd passwort passphrase passcode pwd senha contraseña passe"
_PASSWORDS = frozenset(_HUMAN_WORDS.split())
_RANDOM_WORDS = "secret token key credential credentials apikey authtoken accesskey"
_TOKENS = frozenset(_RANDOM_WORDS.split())
# What may follow the word that says it: `SECRET_KEY_BASE`, `token_value`, `password_plain`.
_AFTER_WORDS = "base value text plain string live prod production test dev"
_AFTER = frozenset(_AFTER_WORDS.split())
# Names of what anybody may see, or of what is looked up.
_OPEN_WORDS = (
    "public pub csrf xsrf primary foreign partition sort cache idempotency page next prev "
    "continuation cursor row index shard unique composite natural authenticity verification "
    "translation message i18n event hot short shortcut press pressed up down code stop pad eos "
    "bos tokenizer site sitekey map object lookup group dedup registry"
)
_OPEN = frozenset(_OPEN_WORDS.split())

_CODE = re.compile(
    # A path, an address, a variable, a call, another name with dots, a date or a version.
    r"^(?:[./~@]|\w+://|[$%]|[A-Za-z_]+(?:[._:\-/]+[A-Za-z_]+)*$|v?\d+(?:[.:\-/]\d+)+)|[$%]\{|::"
)
_HEX = re.compile(r"(?i)[0-9a-f\-]+")
_LEAST_TOKEN = 10
_LEAST_PASSWORD = 6
_LEAST_KEY = 20

_PLAIN_WORDS = (
    "password passwd pass pwd secret token changeme example username user admin root none null "
    "true false string required optional test testing undefined"
)
_PLAIN_PASSWORDS = frozenset(_PLAIN_WORDS.split())


def random_value(value: str, least: int = _LEAST_TOKEN) -> bool:
    """Whether a value looks like chance, and like nothing that a person would write."""
    return (
        len(value) >= least
        and (restlessness(value) >= 0.22 or unspeakable(value))
        and entropy(value) >= 2.9
        and not _CODE.search(value)
        and not placeholder(value)
    )


def password(value: str) -> bool:
    """Whether a value may be a password: no word, no variable, no placeholder."""
    letters = any(sign.isalpha() for sign in value)
    others = any(sign.isdecimal() or sign in "!@#$%^&*~?+=" for sign in value)
    return (
        len(value) >= _LEAST_PASSWORD
        and letters
        and others
        and value.lower() not in _PLAIN_PASSWORDS
        and not _CODE.search(value)
        and not placeholder(value)
    )


def _named(text: str, start: int, end: int) -> Spans:
    """The value of a name that says that it is secret."""
    stop = start + len(text[start:end].rstrip(".:?!&"))
    value = text[start:stop]
    # Of most values that is enough.
    if not (password(value) or random_value(value)):
        return ()
    before = text[max(0, start - _LOOK_BACK) : start].encode("utf-8", "replace")
    name = _NAME.search(before)
    if not name:
        return ()
    said = name.group(2).decode("utf-8", "replace").strip(" \t\n\r:").isalpha()
    real = _meant(name.group(1).decode("utf-8", "replace"), said)
    return ((start, stop),) if real and real(value) else ()


def _meant(name: str, said: bool) -> Callable[[str], bool] | None:
    """The check of what a name names; None for a name of something that is no secret.

    `said` is that it stands in a sentence: `my key is …`.
    """
    # An option's marks, and the `D` of Java's, are no part of a name.
    words = [piece.lower() for piece in _PIECES.findall(_OPTION.sub("", name))]
    while words and words[-1] in _AFTER:
        words.pop()
    if not words or _OPEN.intersection(words):
        return None
    last = words[-1]
    if last in _PASSWORDS:
        return _spoken_password if said else password
    if last == "key" and len(words) == 1 and not said:
        return _bare_key
    return random_value if last in _TOKENS else None


def _spoken_password(value: str) -> bool:
    return password(value) and any(sign.isdecimal() for sign in value)


def _bare_key(value: str) -> bool:
    """A key that nothing says what for: no hash, which is what most are."""
    return random_value(value, _LEAST_KEY) and not _HEX.fullmatch(value) and entropy(value) >= 3.7


_HEADER = (
    r"(?i)authorization[\"']?[ ]?[:=][ ]?[\"']?(?:[a-z][a-z\-]{2,15}[ ]{1,2})?"
    r"([A-Za-z0-9+/=_.\-~!@#$%^&*:?]{8,})"
)
_BEARER = r"(?i)\bbearer[ ]{1,2}([A-Za-z0-9+/=_.\-~]{16,})"
_SCHEME = re.compile(r"(?i)basic[ ]{1,2}$")
_BASIC = r"(?i)\bbasic[ ]{1,2}([A-Za-z0-9+/]{8,}={0,2})"
_CURL = r"\s(?:-u|--user|--proxy-user)[ =]{1,3}[\"']?[^\s:\"']{0,64}[\"']?:[\"']?([^\s\"']{3,128})"
_CURL_NAME = r"\s(?:-u|--user|--proxy-user)[ =]{1,3}[\"']?([^\s:\"']{8,128}):[\"'\s]"
_COMMAND = re.compile(r"\b(?:curl|wget|https?)\b")
# A command goes on in the next line behind a backslash alone.
_LINE_END = re.compile(r"(?<!\\)\n")
_COMMAND_BACK = 400
_NETRC = r"(?i)\blogin\s{1,3}\S{1,64}\s{1,3}password\s{1,3}(\S{4,128})"
_FIELD = (
    r"(?m)^[ \t]{1,12}[\"']?[\w.\-]{1,80}[\"']?:[ ]{0,2}[\"']?"
    r"([A-Za-z0-9+/]{8,}={0,2})[\"']?,?[ \t\r]*$"
)
_KIND_NAMED = r"""kind["']?:[ ]*["']?Secret"""
_KIND = re.compile(r"""(?m)^[ \t]*["']?kind["']?:[ ]*["']?(\w+)""")
# As much as a stream keeps of what stands before.
_KIND_BACK = 500


def _header(text: str, start: int, end: int) -> Spans:
    """The credentials of a header; those of `Basic` have a rule of their own."""
    value = text[start:end].rstrip(":?!&")
    if _SCHEME.search(text, max(0, start - 8), start):
        return _basic(text, start, end)
    real = random_value(value, 8) or _opaque(value)
    return ((start, start + len(value)),) if real else ()


def _opaque(value: str) -> bool:
    """A long value with digits and letters, none of documentation's."""
    mixed = any(map(str.isdecimal, value)) and any(map(str.isalpha, value))
    return len(value) >= 16 and mixed and not (placeholder(value) or _CODE.search(value))


def _bearer(text: str, start: int, end: int) -> Spans:
    value = text[start:end].rstrip(".")
    return ((start, start + len(value)),) if random_value(value, 16) else ()


def _basic(text: str, start: int, end: int) -> Spans:
    """A name and a password in base64 (RFC 7617)."""
    value = text[start:end]
    try:
        shown = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ()
    name, colon, _ = shown.partition(":")
    return ((start, end),) if colon and name.isprintable() and shown.isprintable() else ()


def _optional(text: str, start: int, end: int) -> Spans:
    """The password of an option of `curl`, where no variable stands for it."""
    value = text[start:end]
    variable = value[0] in "$<[" or "{{" in value or "$(" in value or "}" in text[end - 1 : end]
    plain = value.lower() in _PLAIN_PASSWORDS or placeholder(value)
    return () if variable or plain or not _commanded(text, start) else ((start, end),)


def _alone(text: str, start: int, end: int) -> Spans:
    """A key in place of a name, without a password."""
    real = random_value(text[start:end]) and _commanded(text, start)
    return ((start, end),) if real else ()


def _commanded(text: str, start: int) -> bool:
    before = text[max(0, start - _COMMAND_BACK) : start]
    ends = [end.end() for end in _LINE_END.finditer(before)]
    return _COMMAND.search(before, ends[-1] if ends else 0) is not None


def _login(text: str, start: int, end: int) -> Spans:
    return () if text[start:end].lower() in _PLAIN_PASSWORDS else ((start, end),)


def _field(text: str, start: int, end: int) -> Spans:
    """A value of a Kubernetes Secret, which are in base64."""
    kinds = _KIND.findall(text, max(0, start - _KIND_BACK), start)
    if not kinds or kinds[-1] != "Secret":
        return ()
    value = text[start:end]
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        return ()
    return ((start, end),)


def rules() -> Iterator[PatternRule]:
    """The rules of `dlp-filter` for what has no mark of its own."""
    yield PatternRule(
        "assigned_secret", "secret", _ASSIGNED, VIEWS, _named, 1, around=(_LOOK_BACK, 0)
    )
    yield PatternRule("authorization", "authorization", _HEADER, VIEWS, _header, 1)
    yield PatternRule("bearer", "authorization", _BEARER, VIEWS, _bearer, 1)
    yield PatternRule("basic", "authorization", _BASIC, VIEWS, _basic, 1)
    yield PatternRule("curl_password", "password", _CURL, VIEWS, _optional, 1)
    yield PatternRule("curl_key", "password", _CURL_NAME, VIEWS, _alone, 1)
    yield PatternRule("netrc", "password", _NETRC, VIEWS, _login, 1)
    yield PatternRule("kubernetes_secret", "secret", _FIELD, VIEWS, _field, 1, keyword=_KIND_NAMED)
