"""Findings about YAML that cannot be read, with the usual fix."""

from __future__ import annotations

import yaml

from kt.lazy import TYPE_CHECKING
from kt.policy.nodes import ScalarNode
from kt.policy.rules import text as rules
from kt.policy.rules.base import Spot
from kt.policy.words import shown

if TYPE_CHECKING:
    from kt.policy.findings import Finding


def not_yaml(text: str, error: yaml.MarkedYAMLError) -> Finding:
    """The parser's error, at the place where it stopped."""
    mark = error.problem_mark or error.context_mark
    place = Spot(mark.line + 1, mark.column + 1) if mark else Spot()
    problem = error.problem or error.context or "unreadable"
    fix = _hint(text, place, problem)
    return rules.NotYaml.at(place, "", f"not valid YAML: {problem}", fix)


def bad_character(text: str, character: int) -> Finding:
    """A control character in the text. `character` is its code point."""
    # libyaml gives the place in bytes and PyYAML in characters; the first such character it is.
    before = text[: max(0, text.find(chr(character)))]
    place = Spot(before.count("\n") + 1, len(before) - before.rfind("\n"))
    message = f"not valid YAML: the character {character:#04x} is not allowed"
    return rules.NotYaml.at(place, "", message, "remove it, or escape it in double quotes")


def tag_directive(text: str) -> Finding | None:
    """The first `%TAG` directive. Parsers compare each with all before it: 60,000 take seconds."""
    index = 0 if text.startswith("%TAG") else text.find("\n%TAG") + 1
    if index == 0 and not text.startswith("%TAG"):
        return None
    place = Spot(text.count("\n", 0, index) + 1, 1)
    message = "a %TAG directive is not part of the policy language"
    return rules.CustomTag.at(place, "", message, "remove it, and write values without tags")


def half_pair(node: ScalarNode) -> Finding | None:
    """Half of a surrogate pair in a scalar, which no encoding can write; None for other text."""
    # libyaml refuses such an escape; PyYAML's own scanner lets it through.
    try:
        node.text.encode()
    except UnicodeEncodeError:
        message = "not valid YAML: half of a surrogate pair is no character"
        return rules.NotYaml.at(node, "", message, "write the character itself")
    return None


def bad_alias(place: Spot, name: str, *, is_open: bool) -> Finding:
    """An alias without an anchor or, when `is_open`, inside the very value that it repeats."""
    if is_open:
        message = f"the alias *{shown(name)} stands inside the value it repeats"
        return rules.BadAlias.at(place, "", message, "write the value out")
    fix = f"mark the value to repeat with &{shown(name)}, above"
    return rules.BadAlias.at(place, "", f"the alias *{shown(name)} repeats nothing", fix)


def _hint(text: str, place: Spot, problem: str) -> str:
    lines = text.split("\n", place.line)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    character = line[place.column - 1 : place.column]
    if character == "\t":
        return "indent with spaces, not with a tab"
    if problem.startswith("found") and character and character in "@`%*&!":
        return "put the value into quotes"
    if "Unicode character escape" in problem:
        return "write the character itself"
    if "mapping values are not allowed" in problem:
        return "put a value that contains ': ' into quotes, or check the indentation"
    if "did not find expected" in problem:
        return "check that brackets and quotes are closed and that keys line up"
    return ""
