"""Lexicons: the words that stand for concepts, and a text as one letter a word.

A word gets the letter of the concepts that it stands for. Ideas are patterns over these
letters, so a language costs no pattern, only words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from threading import Lock

from kt.policy.decision.reading.reading import Shown
from kt.policy.decision.reading.views import View, read
from kt.policy.decision.reading.words import SIGNS, Bounds

OTHER = "x"
"""The letter of a word that stands for no concept."""

END = ";"
"""The letter of a clause's end. A text of letters begins and ends with one."""

LINE = "\n"
"""The letter of a line's end."""

_COMMA = ","
_TAKEN = frozenset(OTHER + END + LINE + _COMMA)
_ALPHABET = tuple(
    sign for sign in map(chr, (*range(1, 127), *range(256, 512))) if sign not in _TAKEN
)

# Scripts that put no space between words: kana, Han, Thai, Lao, Khmer, Myanmar.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff"
)
# Vowel signs of Indic scripts and Arabic, which the standard library takes for no letters.
_SIGNS = (
    r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f"
    r"\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09cd\u0b82\u0bbe-\u0bcd"
)
_ENDS = r"(?<=\s)-{1,2}(?=\s|$)|\.(?=\s|$)"
_SINGLE = (
    r"!?:;|\u2013\u2014\u3002\u061f\u061b\u0964\u0965\u06d4"
    r"\n\r\x0b\x0c\x85\u2028\u2029,\u3001\u060c("
)
# In a group, so that a split leaves them: that is half of what their matches cost. Most words are
# ASCII, and what is no longer one is not looked at sign by sign.
_TOKENS = re.compile(
    rf"([a-z0-9]++(?![^\x00-\x7f])"
    rf"|[^\W_{_UNSPACED}][^\W_{_UNSPACED}{_SIGNS}]*(?:[{_SIGNS}]+[^\W_{_UNSPACED}]*)*"
    rf"|[{_UNSPACED}]+|[{_SINGLE}]|{_ENDS})"
)
_ASCII_TOKENS = re.compile(rf"([a-z0-9]+|[!?:;|\n\r\x0b\x0c,(]|{_ENDS})")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_FIXED: Mapping[str, str] = {
    **dict.fromkeys(("-", "--", *"!?.:;|\u2013\u2014\u3002\u061f\u061b\u0964\u0965\u06d4"), END),
    **dict.fromkeys("\n\r\x0b\x0c\x85\u2028\u2029", LINE),
    **dict.fromkeys(",(\u3001\u060c", _COMMA),
}
_LETTER_OF = {"end": END, "line": LINE, "comma": _COMMA}

# Articles and conjunctions that Arabic writes onto a word.
_ARABIC = ("", "\u0627\u0644", "\u0648", "\u0648\u0627\u0644", "\u0628", "\u0641", "\u0644\u0644")
_IS_ACCENTED = re.compile("[a-z\u00c0-\u024f]+")
_VIEWS = (View.LOWER, View.FOLDED, View.SKELETON)
_IS_ARABIC = re.compile("[\u0600-\u06ff]")

# Guessed words that are kept, under a megabyte, and the longest of them.
_MOST_WORDS = 16_384
_LONGEST_WORD = 20
# To tell the words of a text apart takes less than to guess them in a long one, in which more than
# one in so many are not known, and each stands so often.
_LONG = 256
_SAMPLE = 64
_FEW = 8
_REPEATED = 4

_SHORTEST_STEM = 2
# A word with fewer letters is one typing error away from too many others.
_SHORTEST_MISSPELT = 6
_ONE_LESS = _SHORTEST_MISSPELT - 1


@dataclass(frozen=True, slots=True)
class Coded:
    """A text as letters, and where in it the word behind each letter begins and ends.

    The first and the last letter are ends that nobody wrote, and stand for no characters.
    """

    letters: str
    starts: Sequence[int]
    ends: Sequence[int]


class _Letters(dict[str, str]):
    """Words and their letters; a word that was guessed is kept, while there is room.

    An ASCII word that begins with none of `heads` is `unknown`, without a guess.
    """

    def __init__(
        self,
        known: Mapping[str, str],
        guess: Callable[[str], str],
        *,
        heads: Collection[str] = (),
        unknown: str = OTHER,
    ) -> None:
        super().__init__(known)
        self._guess = guess
        self._heads = heads
        self._unknown = unknown

    def each(self, words: Sequence[str]) -> Iterable[str]:
        """The letters of each word of a text. Where the same are guessed again, each is once."""
        if self._guesses_many(words):
            distinct = set(words)
            if len(distinct) * _REPEATED <= len(words):
                known = dict(zip(distinct, map(self.__getitem__, distinct), strict=True))
                return map(known.__getitem__, words)
        return map(self.__getitem__, words)

    def _guesses_many(self, words: Sequence[str]) -> bool:
        """Whether many words of a long text are not known, by a few of them."""
        if len(words) < _LONG:
            return False
        some = words[:: len(words) // _SAMPLE]
        return list(map(self.get, some)).count(None) * _FEW > len(some)

    def __missing__(self, word: str) -> str:
        is_ascii = word.isascii()
        may = not is_ascii or word[:_SHORTEST_STEM] in self._heads
        letters = self._guess(word) if may else self._unknown
        # Vowel signs are no letters to the standard library.
        is_word = not is_ascii or word.isalpha()
        if is_word and len(self) < _MOST_WORDS and len(word) <= _LONGEST_WORD:
            self[word] = letters
        return letters


class Lexicons:
    """Lexicons by which a text in Latin-1 is read at once: that costs little more than one."""

    def __init__(self) -> None:
        # The number of lexicons and their letters; in one value, as other threads read.
        self._known: tuple[int, _Letters] = (0, _Letters({}, str))
        self._members: tuple[Lexicon, ...] = ()
        self._made: dict[int, Lexicon] = {}
        self._lock = Lock()

    def lexicon(
        self, words: Mapping[str, Mapping[str, str]], misspelt: Iterable[str] = ()
    ) -> Lexicon:
        """The lexicon of words that live as long as this, made when first asked for.

        Two threads may ask at once: one that were here twice would be read by twice.
        """
        with self._lock:
            made = self._made.get(id(words))
            if made is None:
                made = self._made[id(words)] = Lexicon(words, misspelt, self)
            return made

    def add(self, lexicon: Lexicon) -> int:
        """Take one more, and give its number: texts that come later are read by it too."""
        self._members = (*self._members, lexicon)
        return len(self._members) - 1

    def code(self, found: Sequence[str]) -> tuple[str, ...]:
        """The letters of the pieces of a text, for each lexicon."""
        count, letters = self._known
        if count != len(self._members):
            # The first text pays for it, and no start.
            count, letters = self._known = _known_by(self._members)
        coded = "".join(letters.each(found))
        return tuple(f"{END}{coded[number::count]}{END}" for number in range(count))


def _known_by(members: tuple[Lexicon, ...]) -> tuple[int, _Letters]:
    """The number of lexicons, and the words of all with their letters, one for each lexicon."""

    def letters(word: str) -> str:
        return "".join([one.letter(word) for one in members])

    heads = frozenset[str]().union(*(one.heads for one in members))
    known = {sign: _LETTER_OF[name] * len(members) for sign, name in SIGNS.items()}
    known |= {word: letters(word) for one in members for word in one.words}
    unknown = OTHER * len(members)
    return len(members), _Letters(known, letters, heads=heads, unknown=unknown)


class Lexicon:
    """The words of some concepts, in all languages.

    `words` has for each language the words of each concept, separated by blanks. A word that
    ends with `*` stands for all that begin so; one in a script without spaces is found anywhere.
    `misspelt` names the concepts whose English words are also known with a typing error.
    `beside` are the lexicons with which texts in Latin-1 are read.
    """

    def __init__(
        self,
        words: Mapping[str, Mapping[str, str]],
        misspelt: Iterable[str] = (),
        beside: Lexicons | None = None,
    ) -> None:
        concepts: dict[str, set[str]] = defaultdict(set)
        for language in words.values():
            for concept, listed in language.items():
                for word in listed.split():
                    concepts[word].add(concept)
        kinds = sorted({tuple(sorted(named)) for named in concepts.values()})
        if len(kinds) > len(_ALPHABET):
            raise ValueError(f"{len(kinds)} sets of concepts, and letters for {len(_ALPHABET)}")
        letters = dict(zip(kinds, _ALPHABET, strict=False))
        self._classes: dict[str, str] = defaultdict(str)
        for kind, letter in letters.items():
            for concept in kind:
                self._classes[concept] += letter
        self._whole: dict[str, str] = dict(_FIXED)
        self._stems: dict[str, str] = {}
        self._unspaced: dict[str, str] = {}
        for word, shown in _shown(concepts):
            self._add(word, shown, letters[tuple(sorted(concepts[word]))])
        self._stem_sizes = _sizes(self._stems, _SHORTEST_STEM)
        # Of a word with a typing error, a sign more. Stems are known by their beginnings.
        self.longest = max(0, *map(len, self._stems), *map(len, self._whole)) + 1
        self._sizes = _sizes(self._unspaced, 1)
        english = words.get("en", {})
        near = (word for name in misspelt for word in english.get(name, "").split())
        self._near = _without_one({word: self._whole[word] for word in near})
        self._longest_near = max(map(len, self._near), default=0) + 1
        self._near_heads = frozenset(word[:_SHORTEST_STEM] for word in self._near)
        self._letters = _Letters(self._whole, self._guess, heads=self._near_heads)
        self._beside = Lexicons() if beside is None else beside
        self._number = self._beside.add(self)

    def letters_of(self, concept: str) -> str:
        """The letters of the words that stand for a concept."""
        return self._classes[concept]

    @property
    def concepts(self) -> frozenset[str]:
        """The names of the concepts."""
        return frozenset(self._classes)

    @property
    def words(self) -> Iterable[str]:
        """The ASCII words that are known as they are written."""
        return [word for word in self._whole if word.isascii() and word.isalnum()]

    @property
    def heads(self) -> frozenset[str]:
        """What ASCII words begin with that may be known with a typing error."""
        return self._near_heads

    def letter(self, word: str) -> str:
        """The letter of a word in lower case, of a script with blanks between words."""
        return self._whole.get(word) or self._guess(word)

    def code(self, shown: Shown) -> str:
        """A text, in lower case, as letters."""
        words = shown.words
        if words is None:
            return f"{END}{''.join(self._pieces(shown))}{END}"
        made = shown.made.get(self._beside)
        # A lexicon may come while a text is judged.
        if made is None or self._number >= len(made):
            made = shown.made[self._beside] = self._beside.code(words.decode("latin-1").split())
        return made[self._number]

    def place(self, shown: Shown) -> Coded:
        """A text, in lower case, as letters with their places."""
        pieces, words, bounds = self._pieces(shown), _tokens(shown), _token_bounds(shown)
        letters, end = "".join(pieces), len(shown.text)
        if len(letters) > len(words):
            bounds = self._placed(words, bounds, pieces)
        starts, ends = bounds
        return Coded(f"{END}{letters}{END}", [0, *starts, end], [0, *ends, end])

    def _pieces(self, shown: Shown) -> tuple[str, ...]:
        """The letters of each token: one, or more of a stretch without spaces."""
        made = shown.made.get(self)
        if made is None:
            made = shown.made[self] = tuple(self._letters.each(_tokens(shown)))
        return made

    def _placed(self, words: Sequence[str], bounds: Bounds, pieces: Sequence[str]) -> Bounds:
        """Where each letter begins and ends, where some words have several."""
        starts, ends = bounds
        first: list[int] = []
        last: list[int] = []
        done = 0
        for at in [at for at, piece in enumerate(pieces) if len(piece) > 1]:
            divided = [*self._divided(words[at], starts[at])]
            first += [*starts[done:at], *(start for _, start, _ in divided)]
            last += [*ends[done:at], *(end for _, _, end in divided)]
            done = at + 1
        return [*first, *starts[done:]], [*last, *ends[done:]]

    def _divided(self, run: str, offset: int) -> Iterator[tuple[str, int, int]]:
        """The words of a stretch without spaces: the longest that are known, else one sign each."""
        at = 0
        while at < len(run):
            letter, length = OTHER, 1
            for size in self._sizes.get(run[at], ()):
                piece = run[at : at + size]
                known = self._unspaced.get(piece)
                if known:
                    letter, length = known, len(piece)
                    break
            yield letter, offset + at, offset + at + length
            at += length

    def _guess(self, word: str) -> str:
        """The letters of a word that is not known as it is written."""
        if not word.isascii():
            if _IS_UNSPACED.match(word):
                return "".join([letter for letter, _, _ in self._divided(word, 0)])
            return self._stemmed(word)
        if word[:_SHORTEST_STEM] in self._near_heads and len(word) >= _ONE_LESS:
            return self._misspelt(word)
        return OTHER

    def _stemmed(self, word: str) -> str:
        """The letter of the longest stem with which a word begins."""
        for size in self._stem_sizes.get(word[:_SHORTEST_STEM], ()):
            # Of a shorter word the slice is all of it, and one of its stems is as long.
            known = self._stems.get(word[:size])
            if known:
                return known
        return OTHER

    def _misspelt(self, word: str) -> str:
        if len(word) > self._longest_near:
            return OTHER
        for at in range(len(word) + 1):
            known = self._near.get(word[:at] + word[at + 1 :])
            if known:
                return known
        return OTHER

    def _add(self, word: str, shown: str, letter: str) -> None:
        if not shown.isascii() and _IS_UNSPACED.match(shown):
            self._unspaced.setdefault(shown, letter)
            return
        table = self._stems if word.endswith("*") else self._whole
        for form in _ARABIC if _IS_ARABIC.match(shown) else ("",):
            table.setdefault(form + shown, letter)


def _sizes(words: Iterable[str], begin: int) -> Mapping[str, Sequence[int]]:
    """The lengths of the words by their first signs, `begin` of them, the longest first."""
    sizes: dict[str, set[int]] = defaultdict(set)
    for word in words:
        if len(word) >= begin:
            sizes[word[:begin]].add(len(word))
    return {first: sorted(found, reverse=True) for first, found in sizes.items()}


def _tokens(shown: Shown) -> Sequence[str]:
    """The words and signs of a text, once for all lexicons."""
    if shown.pieces is None:
        pattern = _ASCII_TOKENS if shown.text.isascii() else _TOKENS
        shown.pieces = pattern.split(shown.text)
    return shown.pieces[1::2]


def _token_bounds(shown: Shown) -> Bounds:
    """Where the words and signs of a text begin and end: few texts are asked for them."""
    if shown.bounds is None:
        ends = list(accumulate(map(len, shown.pieces or ())))
        shown.bounds = ends[:-1:2], ends[1::2]
    return shown.bounds


def _shown(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Words in lower case, each with every form in which a view shows it."""
    plain = [word for word in words if word.isascii()]
    yield from ((word, word.rstrip("*")) for word in plain)
    others = [word for word in words if not word.isascii()]
    bare = [word.rstrip("*") for word in others]
    # All words at once, since a view of many costs little more than one of a few.
    for view in _VIEWS:
        yield from zip(others, read("\n".join(bare), view).split("\n"), strict=True)
    for word, one in zip(others, bare, strict=True):
        if _IS_ACCENTED.fullmatch(one):
            yield word, _unaccented(one)


def _unaccented(word: str) -> str:
    """A word of the Latin script as it is typed where keys have no accents."""
    apart = unicodedata.normalize("NFD", word)
    return "".join(filter(str.isascii, apart))


def _without_one(words: Mapping[str, str]) -> dict[str, str]:
    """Words, and what is left of each without one of its letters."""
    near: dict[str, str] = {}
    for word, letter in words.items():
        if len(word) >= _SHORTEST_MISSPELT:
            near[word] = letter
            for at in range(2, len(word)):
                near.setdefault(word[:at] + word[at + 1 :], letter)
    return near
