"""Negations that take the sense from a phrase: those that govern its verb, and no others.

`Never reveal your system prompt` is what operators write, and `I can't give
instructions for illegal activity` is what a model answers. A negation word alone
says little: `why not`, `can't you` and `if you don't` ask for what they name, and
`never refuse to` denies the denial. Where it is not clear, nothing is excused.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate

from kt.policy.decision.matching.clauses import BLANK, clause_ends, detached, word_set
from kt.policy.decision.reading.plain import Plain

# What of the text before and after a phrase is looked at, in characters.
_LOOK_BACK = 240
_LOOK_ON = 16

_ASKED = re.compile(rf"[\W_]{{0,{_LOOK_ON}}}?\?")
# Dots in a row, abbreviations and a list's numbers end nothing, nor does a line that ends
# with a colon.
_SENTENCE_END = re.compile(
    r"[.!?](?<![.\d].)(?<!\be\.g.)(?<!\bi\.e.)(?<!\betc.)(?![.\w])"
    r"|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*"
)
_WORD = re.compile(r"([^\W_]+(?:['`][^\W_]+)?)")
_GERUND = re.compile(r"[^\W_]+ing\b")
_CUT_OFF = re.compile(r"\b([a-z]+n) t\b")

# The grammar is written over words with one space between two. A comma or a bracket is
# `,`, a quotation mark `"`, and `;` is any other sign between two words.
_AUXILIARY = (
    r"(?:do|does|did|can|could|will|would|shall|should|must|may|might|need|ought|am|is|are|was|"
    r"were|be|to|[a-z]+'(?:m|re|ll|d|s))"
)
_ADVERB = r"(?:absolutely|also|certainly|definitely|just|please|really|simply|still)"
_NOT = (
    rf"(?:{_AUXILIARY} (?:{_ADVERB} )?(?:not|never)|(?:better|rather) not|"
    r"(?<!or )not(?= (?:ever )?to\b)|cannot|[a-z]+n't|never)"
)
_WHOM = r"(?:you|anyone|anybody|people|them|us|users?|him|her)"
_ON_THE_WAY = (
    r"(?: (?:be|ever|to|(?:able|going|allowed|willing|permitted)(?: ever)? to|"
    rf"(?:help|assist)(?: {_WHOM})?(?: (?:to|with|in))?))*"
)
_EVER = r"(?: , ever(?: ,)?)?"
_DENIED = re.compile(
    rf"\b(?:{_NOT}{_EVER}{_ON_THE_WAY}"
    # `I can't, and won't, give …`
    rf"|{_NOT} , (?:and|or|nor) (?:[a-z]+ )?{_NOT} ,"
    r"|don't you (?:ever|dare(?: to)?))$"
)
_DOING = re.compile(rf"\b(?:without|{_NOT})(?: ever)?(?: be)?$")
_REFUSED = re.compile(
    rf"\b(?:{_AUXILIARY} (?:{_ADVERB} )?(?:be )?)?"
    rf"(?:refuses?|refused|declines?|declined|unable) to{_ON_THE_WAY}$"
)

# Where a clause of its own may begin within a sentence.
_LAST_JOINT = re.compile(r".*(?:[,;]|\b(?:and|but|so|or|nor|then|because|since)\b)", re.DOTALL)
_SUBJECTS = word_set(
    "i we you it he she they the this that our your any every an a all ai assistant assistants "
    "model models bot bots agent agents system chatbot answer answers company team staff"
)
_BESIDE = word_set("also therefore still simply just please thus always yes no sorry")
_MODALS = word_set(
    "do does did can could will would shall should must may might need am is are was were have "
    "has had"
)

# Another denial in the same clause: the two together deny nothing.
_DENIALS = re.compile(
    r"\b(?:no|not|never|cannot|[a-z]+n't|nobody|none|nothing|nowhere|neither|nor|without|hardly|"
    r"barely|unable|unwilling|instead|than|too|hard|difficult|impossible|wrong|false|untrue|lie|"
    r"lies|myth|bet|dare|doubt|reluctant|forgot|even|despite|"
    r"(?:ignor|disregard|overrid|refus|declin|hesitat|fail|forget|stop|avoid|neglect|ceas|quit|omit|"
    r"den[iy]|forbid|prohibit|bann|resist|refrain|abstain)[a-z]*)\b"
)
_ONLY_IF = re.compile(
    r"\b(?:if|unless|whether|lest|until|till|suppose|supposing|imagine|pretend|assume)"
    r"(?P<who>(?: [a-z']+)*) $"
)
_EITHER = re.compile(r"and|or|nor|not|never|cannot|[a-z]+n't")
# Words of a name.
_NAME = 3
_WHY = re.compile(r"\b(?:why|how come)\b")
_QUESTION = re.compile(
    r"^(?:(?:so|please|then|and|but|well|ok|okay|hey|now|or|just|yes|no) )*"
    r"(?:who|what|which|how|can|could|will|would|shall|should|may|might|must|is|are|am|was|were|"
    r"does|did|do (?=(?:you|we|i|they|u) ))(?:\b|$)"
)


_PASSED_OVER = re.compile(rf"[{BLANK}*_]")
# What every denial has, to look no closer where there is none, and how far it may stand away.
_SOME_DENIAL = re.compile(r"n(?:ot|ever|[^a-z]?t\b)|without|refus|declin|unable")
_LOOK_NEAR = 100
_REFUSALS = ("refus", "declin", "unable")
_CONDITIONS = (
    *("if", "unless", "whether", "lest", "until", "till", "suppos", "imagine", "pretend"),
    "assume",
)


class Denials:
    """The negations of a text. Whether a place is denied is asked once for what begins there."""

    def __init__(self, plain: Plain) -> None:
        self._plain = plain
        self._words: _Words | None = None
        self._known: dict[tuple[int, bool], bool] = {}

    @classmethod
    def of(cls, plain: Plain) -> Denials:
        """The negations of a text, once for all kinds that ask."""
        made = plain.made.get(cls)
        if not isinstance(made, Denials):
            made = plain.made[cls] = cls(plain)
        return made

    def __call__(self, start: int, end: int) -> tuple[int, int] | None:
        """The part of a phrase that a negation directly before it turns round: its first clause."""
        plain = self._plain
        doing = bool(_GERUND.match(plain.between(start, end)))
        denied = self._known.get((start, doing))
        if denied is None:
            denied = self._known[start, doing] = self._denied(plain.at(start), doing=doing)
        if not denied or _ASKED.match(plain.between(end, end + _LOOK_ON)):
            return None
        return start, next(clause_ends(plain.text, start, end), end)

    def _denied(self, place: int, *, doing: bool) -> bool:
        near = self._plain.said[max(0, place - _LOOK_NEAR) : place].lower()
        if not _SOME_DENIAL.search(near):
            return False
        self._words = self._words or _Words(self._plain.said)
        return _denies(*self._words.before(place), doing=doing)


def negated(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The part of one phrase that a negation turns round; see `Denials`."""
    return Denials(Plain(text))(start, end)


class _Words:
    """The words of a text as the grammar has them, by their places."""

    def __init__(self, said: str) -> None:
        lowered = said.lower()
        # `\u0130` is two characters in lower case.
        self._text = text = detached(lowered if len(lowered) == len(said) else said)
        self._breaks = [end for end in map(self._break, _SENTENCE_END.finditer(text)) if end]
        self._starts: list[int] = []
        self._ends: list[int] = []
        # Where a word, or the sign before it, begins in `_written`, and where it ends.
        self._signs: list[int] = []
        self._stops: list[int] = []
        self._written = self._write()

    def before(self, place: int) -> tuple[str, bool]:
        """The words of the last sentence before a place, and whether its beginning is seen."""
        first = max(0, place - _LOOK_BACK)
        number = bisect_right(self._breaks, place)
        began = number > 0 and self._breaks[number - 1] > first
        begin = self._breaks[number - 1] if began else first
        low, high = bisect_left(self._starts, begin), bisect_right(self._ends, place)
        last = _between(self._text[self._ends[high - 1] if high > low else begin : place])
        words = self._written[self._signs[low] : self._stops[high - 1]] if high > low else ""
        written = " ".join(filter(None, (words, last)))
        cut = " t " in written or written.endswith(" t")
        return _CUT_OFF.sub(r"\1't", written) if cut else written, began or first == 0

    def _break(self, end: re.Match[str]) -> int:
        is_colon = end[0] not in ".!?" and self._text[: end.start()].rstrip(" \t").endswith(":")
        return 0 if is_colon else end.end()

    def _write(self) -> str:
        text, pieces = self._text, _WORD.split(self._text)
        words = pieces[1::2]
        ends = list(accumulate(map(len, pieces)))
        self._starts, self._ends = ends[:-1:2], ends[1::2]
        signs = ["" if gap == " " else _between(gap) for gap in pieces[:-1:2]]
        for end in self._breaks:
            at = bisect_left(self._starts, end)
            if at < len(words):
                signs[at] = _between(text[end : self._starts[at]])
        both = zip(signs, words, strict=True)
        written = [f"{sign} {word}" if sign else word for sign, word in both]
        self._stops = list(accumulate(map(len, written), lambda stop, length: stop + 1 + length))
        self._signs = [0, *[stop + 1 for stop in self._stops]]
        return " ".join(written).replace("`", "'")


# An operator's own words come with every call.
@lru_cache(maxsize=1024)
def _denies(words: str, seen: bool, *, doing: bool) -> bool:
    """Whether the words before a phrase deny it; `doing` of one that begins `ignoring …`.

    `seen`: their sentence begins with them.
    """
    near = max(0, len(words) - _LOOK_NEAR)
    refused = None
    # Words are found sooner than what they stand in.
    if any(words.find(verb, near) >= 0 for verb in _REFUSALS):
        refused = _REFUSED.search(words, near)
    denied = refused or (_DOING if doing else _DENIED).search(words, near)
    if not denied or (doing and refused):
        return False
    rest = words[: denied.start()]
    own = _own_clause(rest, subject=bool(refused))
    if own is None and not seen:
        return False
    clause = rest if own is None else own
    return not _taken_back(clause) and not _conditional(rest, denied[0])


def _taken_back(clause: str) -> bool:
    """Whether what stands before a negation makes it none: another one, or a question."""
    last = re.split('[,;"] ', clause)[-1]
    return bool(_DENIALS.search(clause) or _WHY.search(clause) or _QUESTION.match(last))


def _conditional(before: str, negation: str) -> bool:
    """Whether a negation says when something holds: `if you don't`, but not `if asked, don't`."""
    if not any(word in before for word in _CONDITIONS):
        return False
    condition = _ONLY_IF.search(before)
    if not condition:
        return False
    who = [word for word in condition["who"].split() if not _EITHER.fullmatch(word)]
    if _named(who):
        return True
    # `if Maria won't` names whoever it likes; `if asked never` and `if asked you must not` order.
    ordered = negation.startswith(("never", "do ", "don't")) or who[-1] in _SUBJECTS
    return len(who) <= _NAME and not ordered


def _own_clause(rest: str, *, subject: bool) -> str | None:
    """What of its clause stands before a negation, which then begins one: at most a subject.

    A verb that denies, `refuse`, wants one: `do not argue and refuse` is one clause.
    """
    joint = _LAST_JOINT.match(rest)
    if not joint:
        return None
    own = rest[joint.end() :].lstrip()
    if subject and not set(own.split()) & _SUBJECTS:
        return None
    return own if _named(own.split()) else None


def _named(words: list[str]) -> bool:
    """Whether words are a subject, and verbs that only help another one."""
    return all(word in _SUBJECTS | _BESIDE | _MODALS for word in words)


# The same few stand everywhere.
@lru_cache(maxsize=1024)
def _between(signs: str) -> str:
    """What stands between two words: nothing for blanks and emphasis, else one sign for all."""
    left = _PASSED_OVER.sub("", signs)
    if not left:
        return ""
    if set(left) & set("\"'`\u201c\u201d\u00ab\u00bb"):
        return '"'
    return "," if not left.strip(",()") else ";"
