"""Ideas and their notation: patterns over the concepts of a clause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kt.policy.decision.ideas.lexicon import END, LINE, Lexicon

Where: TypeAlias = Literal["anywhere", "outside", "tools", "strict"]
"""Which texts can have an idea: any, those that the operator did not write, those that tools
brought, and those where a policy is strict in them."""

_NAME = re.compile(r"[a-z]\w*")


@dataclass(frozen=True, slots=True)
class Idea:
    """An idea, in one sentence for people, and the patterns of clauses that have it.

    A pattern is RE2 over the names of concepts, blanks between them. `any` is any word of the
    clause, `calm` one that is no `guard` either, `plain` one that is no `ask` either, and `end`
    a clause's end. The word of a
    concept may end a line; nothing else goes over one, and nothing over a clause's end.
    """

    name: str
    says: str
    patterns: tuple[str, ...]
    where: Where = "anywhere"


def written(pattern: str, lexicon: Lexicon) -> str:
    """A pattern over concepts as one over letters.

    Raises:
        KeyError: a concept that the lexicon does not have.
    """

    def letters(match: re.Match[str]) -> str:
        name = match[0]
        if name == "any":
            return _none_of(END + LINE)
        if name == "calm":
            return _none_of(END + LINE + lexicon.letters_of("guard"))
        if name == "plain":
            return _none_of(END + LINE + lexicon.letters_of("guard") + lexicon.letters_of("ask"))
        if name == "end":
            return _one_of(END + LINE)
        if name not in lexicon.concepts:
            raise KeyError(name)
        return f"(?:{_one_of(lexicon.letters_of(name))}{LINE}?)"

    return _NAME.sub(letters, pattern).replace(" ", "")


def _one_of(letters: str) -> str:
    return f"[{_escaped(letters)}]"


def _none_of(letters: str) -> str:
    return f"[^{_escaped(letters)}]"


def _escaped(letters: str) -> str:
    return "".join(f"\\x{{{ord(letter):x}}}" for letter in letters)
