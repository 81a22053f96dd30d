"""Ideas and their notation: patterns over the concepts of a clause."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kt.policy.decision.matching.ideas.lexicon import END, LINE, Lexicon

Where: TypeAlias = Literal["anywhere", "outside", "tools", "strict"]
"""Which texts can have an idea: any, those that the operator did not write, those that tools
brought, and those where a policy is strict in them."""

_NAME = re.compile(r"[a-z]\w*")


# Any word of a clause but those of these concepts.
_WITHOUT: Mapping[str, tuple[str, ...]] = {
    "any": (),
    "calm": ("guard", "round"),
    "plain": ("guard", "round", "ask"),
}


@dataclass(frozen=True, slots=True)
class Idea:
    """An idea, in one sentence for people, and the patterns of clauses that have it.

    A pattern is RE2 over the names of concepts, blanks between them. `any` is any word of the
    clause, `calm` one that turns no harm round (`guard`, `round`), `plain` one that is no `ask`
    either, and `end` a clause's end. The word of a
    concept may end a line; nothing else goes over one, and nothing over a clause's end.
    Of an idea that `denies` its own word of denial takes nothing away.
    """

    name: str
    says: str
    patterns: tuple[str, ...]
    where: Where = "anywhere"
    denies: bool = False


def written(pattern: str, lexicon: Lexicon) -> str:
    """A pattern over concepts as one over letters.

    Raises:
        KeyError: a concept that the lexicon does not have.
    """

    def letters(match: re.Match[str]) -> str:
        name = match[0]
        if name in _WITHOUT:
            return _none_of(END + LINE + "".join(map(lexicon.letters_of, _WITHOUT[name])))
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
