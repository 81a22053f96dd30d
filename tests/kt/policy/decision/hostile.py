"""Texts made to cost time: the words of ideas, again and again, in every language."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence

from kt.policy.decision.detectors.ideas import harm, injection
from kt.policy.decision.detectors.ideas.words import HARM, INJECTION
from kt.policy.decision.matching.ideas.idea import Idea

_Words = Mapping[str, Mapping[str, str]]
_ANY_WORD = {"any": "it", "calm": "it", "plain": "it", "end": "."}
_KINDS: tuple[tuple[Sequence[Idea], _Words], ...] = (
    (injection.IDEAS, INJECTION),
    ((*harm.IDEAS, *harm.OF_MODES["critical_infrastructure"]), HARM),
)


def of_ideas(size: int, seed: int = 3) -> dict[str, str]:
    """Texts of `size` characters: each idea's words in one language, denied or not; any words."""
    chance = random.Random(seed)
    made = dict(_repeated(chance))
    for _, words in _KINDS:
        for language, concepts in words.items():
            known = [word.rstrip("*") for listed in concepts.values() for word in listed.split()]
            made[f"words, {language}, {len(known)}"] = " ".join(
                chance.choices(known, k=size // 4 + 1)
            )
    return {name: (text * (size // len(text) + 1))[:size] for name, text in made.items()}


def _repeated(chance: random.Random) -> Iterator[tuple[str, str]]:
    for ideas, words in _KINDS:
        for idea in ideas:
            for number, pattern in enumerate(idea.patterns):
                language = chance.choice([*words])
                text = " ".join(_said(pattern, language, words, chance))
                before = chance.choice(["", "Never ", "not ", "If you don't, never "])
                yield f"{idea.name} {number}, {language}", f"{before}{text}, "


def _said(pattern: str, language: str, words: _Words, chance: random.Random) -> Iterator[str]:
    """The words of a pattern: of alternatives one, and what may be left out."""
    once = re.sub(r"\{0,\d+\}|\?(?!:)", "", pattern)
    while "(?:" in once:
        once = re.sub(
            r"\(\?:([^()]*)\)", lambda group: chance.choice(group[1].split("|")), once, count=1
        )
    for name in once.split():
        listed = words[language].get(name) or words["en"].get(name) or "it"
        yield _ANY_WORD.get(name) or chance.choice(listed.split()).rstrip("*")
