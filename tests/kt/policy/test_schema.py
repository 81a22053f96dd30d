"""The JSON Schema, compared with lint on every golden case."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kt.policy.language import DOCUMENT
from kt.policy.language.shapes import Block, ListOf, MapOf, Shape, TextOr
from kt.policy.lint import lint
from kt.policy.nodes import plain
from kt.policy.schema import schema
from kt.policy.yaml.document import read

# What is a matter of shape. The other rules are about what values mean to one another.
_SHAPE = frozenset({"E001", "E002", "E004", "E005", "E006", "E007", "E008", "E009", "E021"})
_VALIDATOR = jsonschema.Draft202012Validator(schema())


def _agree(data: bytes) -> None:
    document = read(data)
    if not document.complete or document.findings or document.root is None:
        return
    findings = lint(data).findings
    accepts = _VALIDATOR.is_valid(plain(document.root))
    has_error = any(finding.severity == "error" for finding in findings)
    has_shape_error = any(finding.code in _SHAPE for finding in findings)
    assert accepts or has_error, "the schema refuses what lint accepts"
    assert not (accepts and has_shape_error), f"lint alone refuses: {findings}"


def test_the_schema_is_a_schema() -> None:
    """It is valid against the dialect that it names."""
    jsonschema.Draft202012Validator.check_schema(schema())


def test_lint_and_schema_agree_on_a_good_case(good_case: Path) -> None:
    """Both accept it."""
    _agree(good_case.read_bytes())


def test_lint_and_schema_agree_on_a_bad_case(bad_case: Path) -> None:
    """Both refuse what is wrong in shape; lint alone may refuse more."""
    _agree(bad_case.read_bytes())


_EVERYTHING = Path(__file__).parents[2] / "cases" / "good" / "everything.yaml"
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**12, 1.5, "", " ", "no", "a\nb", "x" * 3000, [], [None], {}, {"zz": 1},
)  # fmt: skip


def _places(shape: Shape, value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of a document that has a shape."""
    found = [way] if way else []
    if isinstance(shape, Block):
        for key in value:
            found += _places(shape.fields[key].shape, value[key], (*way, key))
    elif isinstance(shape, ListOf):
        for index, item in enumerate(value):
            found += _places(shape.item, item, (*way, index))
    elif isinstance(shape, TextOr) and isinstance(value, dict):
        found += _places(shape.long, value, way)[1:]
    elif isinstance(shape, MapOf):
        for key in value:
            found += _places(shape.value, value[key], (*way, key))
    return found


def _whole() -> Any:
    root = read(_EVERYTHING.read_bytes()).root
    assert root is not None
    return plain(root)


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.soak)])
@pytest.mark.parametrize("odd", _ODD, ids=lambda odd: repr(odd)[:12])
def test_lint_and_schema_agree_wherever_a_value_is_replaced(odd: Any, every: int) -> None:
    """Each value of the largest case is replaced in turn by one that mostly does not fit."""
    whole = _whole()
    # A fifth of the places for each value, and so a fifth of the values for each place.
    start = _ODD.index(odd) % every
    for way in _places(DOCUMENT, whole)[start::every]:
        changed = copy.deepcopy(whole)
        *above, last = way
        holder = changed
        for key in above:
            holder = holder[key]
        holder[last] = odd
        _agree(json.dumps(changed).encode())


def test_lint_and_schema_agree_wherever_a_key_is_missing() -> None:
    """Each key of the largest case is left out in turn."""
    whole = _whole()
    for way in _places(DOCUMENT, whole):
        changed = copy.deepcopy(whole)
        *above, last = way
        holder = changed
        for key in above:
            holder = holder[key]
        del holder[last]
        _agree(json.dumps(changed).encode())


def test_a_good_case_names_every_key_of_the_language() -> None:
    """Else a key could be lost from the tables without a test that notices."""
    named = {
        tuple(key for key in way if isinstance(key, str)) for way in _places(DOCUMENT, _whole())
    }
    assert _keys(DOCUMENT, ()) - named <= _ALTERNATIVES


# Keys that stand in the way of another one: each has a case of its own.
_ALTERNATIVES = {
    ("policy", "prompt-injection", "attack_patterns"),
    ("policy", "agent-firewall", "allowed_tools"),
    ("policy", "agent-firewall", "blocked_tools"),
    ("providers", "targets", "api_key"),
}


def _keys(shape: Shape, way: tuple[str, ...]) -> set[tuple[str, ...]]:
    if isinstance(shape, ListOf):
        return _keys(shape.item, way)
    if isinstance(shape, TextOr):
        return _keys(shape.long, way)
    if not isinstance(shape, Block):
        return {way} if way else set()
    below = (_keys(field.shape, (*way, key)) for key, field in shape.fields.items())
    return {found for keys in below for found in keys}
