"""Ranges over semantic versions, in npm's notation, and the versions that tags name. Pure.

A range is alternatives (`||`); each is comparators that must all hold, with blanks or commas
between them, or two versions with ` - ` between them. A pre-release is in a range only where one
of its comparators names a pre-release of the same `MAJOR.MINOR.PATCH`.

Source: Semantic Versioning 2.0.0, 9 to 11; the README of npm's `semver`, "Ranges".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import NamedTuple

MAX_LENGTH = 200

_NUMBER = "(?:0|[1-9][0-9]*)"
_WORD = f"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_PRE = rf"(?:-(?P<pre>{_WORD}(?:\.{_WORD})*))?"
_BUILD = r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_VERSION = re.compile(rf"v?({_NUMBER})\.({_NUMBER})\.({_NUMBER}){_PRE}{_BUILD}")
_ANY = "[xX*]"
_COMPARATOR = re.compile(
    rf"(?P<operator>[<>]=?|[=^~])?v?"
    rf"(?:(?P<full>{_NUMBER}\.{_NUMBER}\.{_NUMBER}){_PRE}{_BUILD}"
    rf"|(?P<part>(?:{_NUMBER}\.){{0,2}}{_ANY}(?:\.{_ANY}){{0,2}}|{_NUMBER}(?:\.{_NUMBER})?))"
)
_SEPARATOR = re.compile(r"\s*,\s*|\s+")
_AFTER_OPERATOR = re.compile(r"([<>=^~])\s+")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_TESTS = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq}


class BadRangeError(ValueError):
    """The text is no range; the message ends a sentence that begins with a field's name."""


class Version(NamedTuple):
    """A version in the order of precedence, where build metadata does not count.

    `is_final` is False for a pre-release, whose words are in `pre`: numbers, then texts. Without
    words it stands before every pre-release of its numbers.
    """

    numbers: tuple[int, int, int]
    is_final: bool = True
    pre: tuple[tuple[bool, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """A range: alternatives of comparators, each an operator and a version."""

    alternatives: tuple[tuple[tuple[str, Version], ...], ...]

    def has(self, version: Version) -> bool:
        """True when a version is in the range."""
        return any(
            all(_TESTS[operator](version, bound) for operator, bound in comparators)
            and (version.is_final or _asks_for(version, comparators))
            for comparators in self.alternatives
        )

    def newest(self, names: Iterable[str]) -> str:
        """The name of the highest version in the range, empty for none.

        Of names of one version (`v1.2.3` and `1.2.3`) the last in alphabetical order.
        """
        versions = ((version_of(name), name) for name in names)
        return max(((v, name) for v, name in versions if v and self.has(v)), default=(None, ""))[1]


def version_of(name: str) -> Version | None:
    """The version that a tag names, with or without a `v` before it; None for any other name."""
    match = _VERSION.fullmatch(name) if len(name) <= MAX_LENGTH else None
    return None if match is None else _version(match.group(1, 2, 3), match["pre"])


def read(text: str) -> Range:
    """Read a range.

    Raises:
        BadRangeError: the text is none.
    """
    if len(text) > MAX_LENGTH:
        raise BadRangeError(f"must have at most {MAX_LENGTH} characters")
    return Range(tuple(_alternative(part.strip()) for part in text.split("||")))


def _asks_for(version: Version, comparators: Iterable[tuple[str, Version]]) -> bool:
    return any(bound.pre and bound.numbers == version.numbers for _, bound in comparators)


def _alternative(text: str) -> tuple[tuple[str, Version], ...]:
    if hyphen := _HYPHEN.fullmatch(text):
        words = [f">={hyphen[1]}", f"<={hyphen[2]}"]
    else:
        words = _SEPARATOR.split(_AFTER_OPERATOR.sub(r"\1", text))
    return tuple(comparator for word in words for comparator in _comparators(word))


def _comparators(word: str) -> list[tuple[str, Version]]:
    match = _COMPARATOR.fullmatch(word)
    if match is None:
        raise BadRangeError(
            f"cannot be read at {word!r}: write a range such as ^1.2, ~1.2.3, >=1.2 <2, 1.x or *"
        )
    operator = match["operator"] or "="
    if match["part"]:
        return _of_part(operator, tuple(map(int, re.findall("[0-9]+", match["part"]))))
    version = _version(match["full"].split("."), match["pre"])
    if operator not in "^~":
        return [(operator, version)]
    at = 1 if operator == "~" else _first_number(version.numbers)
    return [(">=", version), ("<", _before(_next(version.numbers, at)))]


def _of_part(operator: str, given: tuple[int, ...]) -> list[tuple[str, Version]]:
    """The comparators of a version with one or two numbers, or none, which is any version."""
    if not given:
        return [("<", _before((0, 0, 0)))] if operator in ("<", ">") else []
    lowest = _padded(given)
    beyond = _next(lowest, _first_number(given) if operator == "^" else len(given) - 1)
    return {
        ">": [(">=", Version(beyond))],
        ">=": [(">=", Version(lowest))],
        "<": [("<", _before(lowest))],
        "<=": [("<", _before(beyond))],
    }.get(operator, [(">=", Version(lowest)), ("<", _before(beyond))])


def _first_number(numbers: tuple[int, ...]) -> int:
    """The place of the first number that is not zero, else of the last."""
    return next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)


def _next(numbers: tuple[int, ...], at: int) -> tuple[int, int, int]:
    return _padded((*numbers[:at], numbers[at] + 1))


def _padded(numbers: tuple[int, ...]) -> tuple[int, int, int]:
    major, minor, patch = (*numbers, 0, 0)[:3]
    return major, minor, patch


def _before(numbers: tuple[int, int, int]) -> Version:
    """A bound that is also before each pre-release of these numbers."""
    return Version(numbers, is_final=False)


def _version(numbers: Iterable[str], pre: str | None) -> Version:
    words = tuple(
        (False, int(word), "") if word.isdecimal() else (True, 0, word)
        for word in (pre.split(".") if pre else ())
    )
    return Version(_padded(tuple(map(int, numbers))), not words, words)
