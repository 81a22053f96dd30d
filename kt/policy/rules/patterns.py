"""Rules about regular expressions, which RE2 must compile."""

from __future__ import annotations

from collections.abc import Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.language.document import POLICY
from kt.policy.nodes import MappingNode, ScalarNode
from kt.policy.rules.base import Rule
from kt.policy.rules.walk import patterns
from kt.policy.words import shown

if TYPE_CHECKING:
    from typing import Any

    from kt.policy.findings import Finding


class BadPattern(Rule):
    """A regular expression does not compile.

    Expressions are compiled by RE2, whose time grows with the length of the text and never
    with the cleverness of the expression. It has no back-references and no look-around,
    because these can make a single message cost hours. The message is RE2's own reason. An
    expression that is too large, alone or together with the others of the file, is refused
    as well.

    Wrong:

        policy:
          pii-detector:
            detect_patterns: ['(?<=badge )[0-9]{6}']

    Right:

        policy:
          pii-detector:
            detect_patterns: ['badge [0-9]{6}']
    """

    code = "E022"


class MatchesNothing(Rule):
    """A regular expression matches the empty string.

    It finds something in every text, at every place, so that with `block` nothing would pass
    and with `redact` nothing would be redacted. Mostly a `*` or a `?` stands where a `+`
    belongs.

    Wrong:

        policy:
          dlp-filter:
            detect_patterns: ['[A-Z]*[0-9]*']

    Right:

        policy:
          dlp-filter:
            detect_patterns: ['[A-Z]+[0-9]+']
    """

    code = "E023"


# What one expression may take, and all of a file together: bounds lint's and the gateway's work.
_MAX_BYTES = 1 << 20
_MAX_INSTRUCTIONS = 250_000
_REFUSED_COST = 25_000

# On these an expression that can match nothing has an empty match.
_PROBES = ("", "a", "0 a")

_HINTS = (
    ("(?<", "look-behind is not possible in linear time; match the context as well"),
    ("(?=", "look-ahead is not possible in linear time; match the context as well"),
    ("(?!", "look-ahead is not possible in linear time; list what to match instead"),
    *(
        (f"escape sequence: \\{digit}", "a back-reference is not possible in linear time")
        for digit in range(1, 10)
    ),
    ("too large", "use smaller counts, or several expressions"),
    ("repetition size", "counts go up to 1000"),
    ("missing ", "close what is left open, or escape it with a backslash"),
    ("no argument", "escape the sign with a backslash to match it"),
)


def check(root: MappingNode) -> Iterator[Finding]:
    """Yield the findings about the regular expressions of every block."""
    policy = root.get("policy")
    if policy is None:
        return
    left = _MAX_INSTRUCTIONS
    for path, node in patterns(POLICY, policy, "policy"):
        if left <= 0:
            message = "the regular expressions of this file are too large together"
            yield BadPattern.at(node, path, message, "use fewer, or smaller ones")
            return
        cost, finding = _check(node, path)
        left -= cost
        if finding is not None:
            yield finding


def _check(node: ScalarNode, path: str) -> tuple[int, Finding | None]:
    compiled = _compile(node.text)
    if isinstance(compiled, str):
        fix = next((fix for sign, fix in _HINTS if sign in compiled), "")
        cost = _REFUSED_COST if "too large" in compiled else len(node.text)
        return cost, BadPattern.at(node, path, f"RE2 refuses it: {shown(compiled)}", fix)
    for probe in _PROBES:
        match = compiled.search(probe)
        if match is not None and match.start() == match.end():
            message = "the expression matches the empty string"
            finding = MatchesNothing.at(node, path, message, "write + instead of * or ?")
            return compiled.programsize, finding
    return compiled.programsize, None


def _compile(text: str) -> Any:
    """The compiled expression, or RE2's reason as text."""
    # Imported here: most files have no expression of their own, and need not pay for it.
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_BYTES
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unreadable"
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
