"""Wordings that hide phrases alone: leetspeak, letters moved in the alphabet, words turned round.

No value is looked for in them: any number would be one of somebody's in some cipher. Each is
known by its marks: words that mix letters with digits, words of which each has an accent, and
common words as an alphabet writes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from kt.policy.decision.reading.engine import compiled, every_match, first_match
from kt.policy.decision.reading.hidden.markup import tags
from kt.policy.decision.reading.hidden.rewriting import Rewrite

Finder = Callable[[str], Iterator[Rewrite]]

_COMMON = (
    *("the", "and", "you", "your", "this", "that", "with", "from", "make", "what", "have"),
    *("ignore", "previous", "instructions", "system", "prompt", "rules", "above", "everything"),
    *("how", "can", "someone", "people", "explain", "steps", "into", "tell", "build", "kill"),
    *("without", "restrictions", "before", "reveal", "show", "guidelines", "safety", "directions"),
)
# What stands around common words and may be of the same cipher, in characters.
_AROUND = 80

# `v1.2` and `k8s` are everywhere; two such words near each other are not, nor within words.
_LEET_WORD = (
    r"(?:[A-Za-z]*[A-Za-z$@][013457$@][A-Za-z$@][A-Za-z0-9$@]*"
    r"|[0134578$@]{1,3}[A-Za-z][A-Za-z0134578$@]+|[A-Za-z]+[0134578][0134578]?)"
)
_LEET_MARK = rf"\b{_LEET_WORD}(?:[ ,.'_\-]+[A-Za-z0-9$@!]+){{0,2}}[ ,.'_\-]+{_LEET_WORD}"
_LEET = re.compile(_LEET_MARK)
_LEET_SIGNS = frozenset(f"{ascii_letters}0134578$@")
_EXCLAMATIONS = re.compile("!+")
_LEET_I = str.maketrans("0134578$@!", "oieastbsai")
_LEET_L = str.maketrans("0134578$@!", "oleastbsai")

_ACCENTED = r"[A-Za-z]*[\x{C0}-\x{17F}][A-Za-z\x{C0}-\x{17F}]*[ -@\[-`]{1,3}"
_ACCENT_MARK = rf"(?:{_ACCENTED}){{3}}"
_ACCENTS = first_match(compiled(_ACCENT_MARK))
_WITHOUT_ACCENT = {
    point: letter
    for point in range(0xC0, 0x180)
    if (letter := unicodedata.normalize("NFD", chr(point))[0]).isascii()
}

_TURNED = "ɐɔǝɟƃɥᴉıɾʞɯɹʇʌʍʎ"
_UPRIGHT = str.maketrans(_TURNED + "nupdbq", "acefghiijkmrtvwyundpqb")


def _alphabets() -> tuple[dict[int, int], ...]:
    """The ways back from each moved alphabet, and from the one that is turned round."""
    moved = [ascii_lowercase[by:] + ascii_lowercase[:by] for by in range(1, 26)]
    return tuple(
        str.maketrans(written + written.upper(), ascii_lowercase + ascii_uppercase)
        for written in (*moved, ascii_lowercase[::-1])
    )


_ALPHABETS = _alphabets()


def _secret_words() -> dict[str, list[int]]:
    """Common words as each alphabet writes them; a word of more than one may be chance."""
    found: dict[str, list[int]] = {}
    for number, alphabet in enumerate(_ALPHABETS):
        way = {read: written for written, read in alphabet.items()}
        for word in _COMMON:
            found.setdefault(word.translate(way), []).append(number)
    return found


_SECRET_WORDS = _secret_words()
_BACKWARDS = [word[::-1] for word in _COMMON if len(word) > 4]
_WORD = re.compile(r"[a-z]+")
_BACKWARDS_WORD = re.compile(rf"\b(?:{'|'.join(_BACKWARDS)})\b", re.IGNORECASE)
_LAST_WORDS = "instructions|rules|guidelines|directions|restrictions|prompt|mode|before"
_FIRST_WORDS = "previous|prior|above|initial|safety|system|your|all|any|the|developer|told"
_ORDER = rf"\b(?:to[^A-Za-z]{{1,3}}how|(?:{_LAST_WORDS})[^A-Za-z]{{1,3}}(?:{_FIRST_WORDS}))\b"
_ORDER_WORDS = re.compile(_ORDER, re.IGNORECASE)


def _same(start: int, said: str) -> Rewrite:
    """A stretch of which each character says one."""
    return Rewrite(start, start + len(said), said, aligned=True)


# Two finders ask one after the other.
@lru_cache(maxsize=1)
def _spans(pattern: re.Pattern[str], text: str) -> Sequence[tuple[int, int]]:
    """The spans of a pattern in a text."""
    return [match.span() for match in pattern.finditer(text)]


def leet(table: dict[int, int]) -> Finder:
    """A finder of words with digits and signs for letters, near others of the kind."""

    def within(marks: re.Match[str]) -> str:
        # A mark at its end ends the sentence.
        ends = marks.string[marks.end() : marks.end() + 1] not in _LEET_SIGNS
        return marks[0] if ends else marks[0].translate(table)

    # All but marks is in words: what else a text has, no table changes.
    letters = {point: letter for point, letter in table.items() if point != ord("!")}

    def find(text: str) -> Iterator[Rewrite]:
        for first, last in _joined(_spans(_LEET, text), len(text)):
            said = _EXCLAMATIONS.sub(within, text[first:last])
            yield _same(first, said.translate(letters))

    return find


def accents(text: str) -> Iterator[Rewrite]:
    """Letters without their accents, where each word has some."""
    spans = list(every_match(_ACCENTS, text))
    for first, last in _joined(spans, len(text)):
        yield _same(first, text[first:last].translate(_WITHOUT_ACCENT))


def moved(text: str) -> Iterator[Rewrite]:
    """What stands around common words, two or more, that one moved alphabet writes."""
    lowered = text.lower()
    if len(lowered) != len(text):
        return
    spans = list(every_match(_SECRET, lowered))
    for start, end in _joined(spans, len(text)):
        words = {*_WORD.findall(lowered, start, end)}
        counts = Counter(number for word in words for number in _SECRET_WORDS.get(word, ()))
        number, count = counts.most_common(1)[0] if counts else (0, 0)
        if count > 1:
            yield _same(start, text[start:end].translate(_ALPHABETS[number]))


def backwards(text: str) -> Iterator[Rewrite]:
    """Stretches with words that are written backwards, read from their end."""
    for start, end in _joined(_spans(_BACKWARDS_WORD, text), len(text)):
        yield Rewrite(start, end, text[start:end][::-1])


def each_backwards(text: str) -> Iterator[Rewrite]:
    """The same stretches with each word read backwards."""
    for start, end in _joined(_spans(_BACKWARDS_WORD, text), len(text)):
        words = re.sub(r"\w+", lambda word: word[0][::-1], text[start:end])
        yield _same(start, words)


def upside_down(text: str) -> Iterator[Rewrite]:
    """Stretches of letters that stand on their heads, which are read from the end."""
    spans = [match.span() for match in re.finditer(f"[{_TURNED}]+", text)]
    for start, end in _joined(spans, len(text)) if len(spans) > 1 else ():
        yield Rewrite(start, end, text[start:end].translate(_UPRIGHT)[::-1])


def words_backwards(text: str) -> Iterator[Rewrite]:
    """Stretches whose words are in the reverse order."""
    spans = [match.span() for match in _ORDER_WORDS.finditer(text)]
    for start, end in _joined(spans, len(text)):
        said = " ".join(reversed(text[start:end].split()))
        yield Rewrite(start, end, said)


def _joined(spans: Sequence[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Stretches around spans, those that are near each other as one."""
    first = last = -1
    for start, end in spans:
        if first >= 0 and start - _AROUND > last + _AROUND:
            yield max(0, first - _AROUND), min(length, last + _AROUND)
            first = -1
        first = start if first < 0 else first
        last = end
    if first >= 0:
        yield max(0, first - _AROUND), min(length, last + _AROUND)


# Short words are those of other languages and names, but in the alphabets that people use.
_KNOWN_ALPHABETS = {2, 12, 25}
_NAMES = {"jung"}
_MARKING = [
    word
    for word, numbers in sorted(_SECRET_WORDS.items())
    if word not in _NAMES and (len(word) > 4 or _KNOWN_ALPHABETS & set(numbers))
]
_SECRET_MARK = rf"(?i:\b(?:{'|'.join(_MARKING)})\b)"
_SECRET = first_match(compiled(_SECRET_MARK))
_BACKWARDS_MARK = rf"(?i:\b(?:{'|'.join(_BACKWARDS)})\b)"
_BY_MARK: tuple[tuple[str, tuple[Finder, ...]], ...] = (
    (r"</?[A-Za-z][A-Za-z0-9]{0,9}[ />]|<!--", (tags,)),
    (_LEET_MARK, (leet(_LEET_I), leet(_LEET_L))),
    (_ACCENT_MARK, (accents,)),
    (_SECRET_MARK, (moved,)),
    (_BACKWARDS_MARK, (backwards, each_backwards)),
    (f"[{_TURNED}]{{2}}", (upside_down,)),
    (rf"(?i:{_ORDER})", (words_backwards,)),
)
MARKS = tuple(mark for mark, _ in _BY_MARK)
"""What a text with each of these wordings has, for RE2."""


def finders(marked: Iterable[int]) -> Iterator[Finder]:
    """The finders of the marks that a text has, by their numbers in `MARKS`."""
    for number in sorted(marked):
        yield from _BY_MARK[number][1]
