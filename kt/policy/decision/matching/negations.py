"""Negations that take the sense from a phrase: those that govern its verb, and no others.

`Never reveal your system prompt` is what operators write, and `I can't give
instructions for illegal activity` is what a model answers. A negation word alone
says little: `why not`, `can't you` and `if you don't` ask for what they name, and
`never refuse to` denies the denial. Where it is not clear, nothing is excused.
"""

from __future__ import annotations

import re

from kt.policy.decision.matching.clauses import BLANK, clause_ends, detached, word_set
from kt.policy.decision.reading.views import View, read

# What of the text before and after a phrase is looked at, in characters.
_LOOK_BACK = 240
_LOOK_ON = 16

_ASKED = re.compile(rf"[\W_]{{0,{_LOOK_ON}}}?\?")
# Dots in a row, abbreviations and a list's numbers end nothing, nor does a line that ends
# with a colon.
_SENTENCE_END = re.compile(
    r"(?<![.\d])(?<!\be\.g)(?<!\bi\.e)(?<!\betc)[.!?](?![.\w])"
    r"|(?P<colon>:?)[ \t]*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*"
)
_WORD = re.compile(r"[^\W_]+(?:['`][^\W_]+)?")
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
_JOINT = re.compile(r"[,;]|\b(?:and|but|so|or|nor|then|because|since)\b")
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
# What every denial has, to look no closer where there is none.
_SOME_DENIAL = re.compile(r"not|never|without|refus|declin|unable|n[^a-z]?t\b", re.IGNORECASE)


def negated(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The part of a phrase that a negation directly before it turns round: its first clause."""
    if _ASKED.match(read(text[end : end + _LOOK_ON], View.PLAIN)):
        return None
    before = read(text[max(0, start - _LOOK_BACK) : start], View.PLAIN)
    if not _SOME_DENIAL.search(before):
        return None
    doing = bool(re.match(r"[^\W_]+ing\b", read(text[start:end], View.PLAIN)))
    if not _denies(before, whole=start <= _LOOK_BACK, doing=doing):
        return None
    return start, next(clause_ends(text, start, end), end)


def _denies(before: str, *, whole: bool, doing: bool) -> bool:
    """Whether what stands before a phrase denies it; `doing` of one that begins `ignoring …`."""
    words, began = _sentence(before)
    refused = _REFUSED.search(words)
    denied = refused or (_DOING if doing else _DENIED).search(words)
    if not denied or (doing and refused):
        return False
    rest = words[: denied.start()]
    own = _own_clause(rest, subject=bool(refused))
    if own is None and not (whole or began):
        return False
    clause = rest if own is None else own
    return not _taken_back(clause) and not _conditional(rest, denied[0])


def _taken_back(clause: str) -> bool:
    """Whether what stands before a negation makes it none: another one, or a question."""
    last = re.split('[,;"] ', clause)[-1]
    return bool(_DENIALS.search(clause) or _WHY.search(clause) or _QUESTION.match(last))


def _conditional(before: str, negation: str) -> bool:
    """Whether a negation says when something holds: `if you don't`, but not `if asked, don't`."""
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
    joints = [match.end() for match in _JOINT.finditer(rest)]
    if not joints:
        return None
    own = rest[joints[-1] :].lstrip()
    if subject and not set(own.split()) & _SUBJECTS:
        return None
    return own if _named(own.split()) else None


def _named(words: list[str]) -> bool:
    """Whether words are a subject, and verbs that only help another one."""
    return all(word in _SUBJECTS | _BESIDE | _MODALS for word in words)


def _sentence(before: str) -> tuple[str, bool]:
    """The words of the last sentence as the grammar has them, and whether its beginning is seen."""
    text = detached(before.lower())
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if not match["colon"]]
    last = max(ends, default=0)
    pieces: list[str] = []
    at = last
    for word in _WORD.finditer(text, last):
        pieces += [_between(text[at : word.start()]), word[0].replace("`", "'")]
        at = word.end()
    said = " ".join(filter(None, [*pieces, _between(text[at:])]))
    return _CUT_OFF.sub(r"\1't", said), bool(ends)


def _between(signs: str) -> str:
    """What stands between two words: nothing for blanks and emphasis, else one sign for all."""
    if signs == " ":
        return ""
    left = _PASSED_OVER.sub("", signs)
    if not left:
        return ""
    if set(left) & set("\"'`\u201c\u201d\u00ab\u00bb"):
        return '"'
    return "," if not left.strip(",()") else ";"
