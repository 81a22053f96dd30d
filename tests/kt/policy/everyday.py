# ruff: noqa: RUF001 - sentences end in every script.
"""Everyday sentences, made of words and ends: beside anything, they excuse nothing."""

from __future__ import annotations

from itertools import product

from kt.policy.decision.detectors.harmful import HARMLESS_AFTER

ENDS = (
    *(". ", "? ", "! ", ": ", "; ", ".", "?", "!", ":", ";", "... ", ".) ", "\n", "\r\n", ".\n"),
    *("\n\n", "\u2028", "\x85", '" ', "' ", '." ', "” ", "’ ", "» ", "` ", "。", "！", "？", "；"),
    *("：", "… ", "‽ ", "؟ ", "۔ ", "؛ ", "। ", "။", "።", "։ ", "」", "』", " ¿", " ¡", "\t"),
    *(" | ", " — ", " - ", " -- ", " 🙂 ", "] ", "</p>", "\n* ", "\n> ", "\n1. "),
)
"""What ends a sentence, or all that people put in such a place."""

_REFUSING = (
    *("Not", "Certainly not", "Why not", "Never", "No, never", "I refuse", "She refused to help"),
    *("I decline", "We declined", "I cannot", "He can't", "They won’t", "It wasn't and it isn't"),
    *("I couldn't", "You shouldn't", "It is not allowed", "I am unable", "She is not able to"),
    *("Do it without", "I will not be", "I would never", "That is forbidden, so don't"),
)
_BEGINNING_A_PHRASE = (
    *("Don't tell anyone", "I don't want to write", "You must not list", "I am a specialist"),
    *("Here is my playlist", "She cannot show", "I never give", "We won't help you to"),
)
_FRAMES = ("{} in JSON.", "{} first, so be careful.", "{}", "{}: none", "{} is what we all need")

BEFORE = _REFUSING + _BEGINNING_A_PHRASE
"""Sentences without their ends that refuse something, or in which a phrase may seem to begin."""

AFTER = tuple(
    frame.format(word)
    for frame, lower in product(_FRAMES, sorted(HARMLESS_AFTER))
    for word in (lower, lower.capitalize())
)
"""Sentences that begin with a word that makes a phrase harmless when it stands in its clause."""
