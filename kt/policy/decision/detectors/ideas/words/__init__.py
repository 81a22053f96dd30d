"""The words of the concepts, a module a language."""

from __future__ import annotations

from types import MappingProxyType

from kt.policy.decision.detectors.ideas.words import ar, de, en, es, fr, hi, it, ja, ko, pt, ru, zh
from kt.policy.decision.matching.ideas.lexicon import Lexicons

_LANGUAGES = {
    "ar": ar,
    "de": de,
    "en": en,
    "es": es,
    "fr": fr,
    "hi": hi,
    "it": it,
    "ja": ja,
    "ko": ko,
    "pt": pt,
    "ru": ru,
    "zh": zh,
}

INJECTION = MappingProxyType({name: one.INJECTION for name, one in _LANGUAGES.items()})
HARM = MappingProxyType({name: one.HARM for name, one in _LANGUAGES.items()})

TOGETHER = Lexicons()
"""What reads a text by both, where both are looked for."""
