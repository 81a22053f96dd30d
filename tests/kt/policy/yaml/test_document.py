"""The reader of policy files: values, places, limits, and the tree after an error."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from kt.policy.findings import Finding
from kt.policy.nodes import MappingNode, Node, ScalarNode, SequenceNode, find, plain
from kt.policy.yaml.compose import MAX_NODES, Composer, StopReadingError
from kt.policy.yaml.document import read


def _value(text: str) -> object:
    root = read(f"key: {text}\n".encode()).root
    assert isinstance(root, MappingNode)
    return plain(root.entries["key"].value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("NO", "NO"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'null'", "null"),
        ("1", 1),
        ("-12", -12),
        ("017", 17),
        ("0o17", 15),
        ("0xff", 255),
        ("1_000", "1_000"),
        ("22:30", "22:30"),
        ("1.0", 1.0),
        ("1.0.0", "1.0.0"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("+", "+"),
        (".", "."),
        ("2026-01-31", "2026-01-31"),
        ('"1"', "1"),
        ("9" * 301, "9" * 301),
        ("|\n  two\n  lines", "two\nlines\n"),
        (">\n  two\n  lines", "two lines\n"),
        ("[a, 1, {b: c}]", ["a", 1, {"b": "c"}]),
        ("=", "="),
    ],
)
def test_an_unquoted_word_means_what_yaml_1_2_says(text: str, expected: object) -> None:
    """`no` is a word, `017` is seventeen, a version is text."""
    actual = _value(text)
    assert (type(expected), expected) == (type(actual), actual)


def test_not_a_number_is_a_number() -> None:
    """`.nan` is a float, which no whole number field takes."""
    actual = _value(".nan")
    assert isinstance(actual, float)
    assert math.isnan(actual)


def test_places_count_characters_from_one() -> None:
    """Neither bytes nor the byte order mark count."""
    root = read("\ufeffé: {ключ: 値}\nb:\n  - x\n".encode()).root
    assert isinstance(root, MappingNode)
    inner = root.entries["é"].value
    item = find(root, "b")
    assert isinstance(inner, MappingNode)
    assert isinstance(item, SequenceNode)
    entry = inner.entries["ключ"]
    places = [root.entries["é"].key, inner, entry.key, entry.value, item.items[0]]
    assert [(n.line, n.column) for n in places] == [(1, 1), (1, 4), (1, 5), (1, 11), (3, 5)]


def test_keys_are_text_whatever_they_look_like() -> None:
    """`1`, `true` and `~` are the names of roles if somebody calls them so."""
    assert _value("{1: a, true: b, ~: c, 1.0: d}") == {"1": "a", "true": "b", "~": "c", "1.0": "d"}


def test_merged_keys_give_way_to_own_and_earlier_ones() -> None:
    """Own keys count first wherever `<<` stands, then the mapping that is named first."""
    text = b"a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {z: 3, <<: [*a, *b]}\nd: {<<: *b, y: 4}\n"
    root = read(text).root
    assert root is not None
    assert plain(root) == {
        "a": {"x": 1, "y": 1},
        "b": {"y": 2, "z": 2},
        "c": {"z": 3, "x": 1, "y": 1},
        "d": {"y": 4, "z": 2},
    }


def test_an_alias_counts_as_often_as_it_is_used() -> None:
    """The limit is on values unfolded, so the last alias that fits is the last one allowed."""
    items = 99
    head = f"a: &a [{', '.join('x' * items)}]\nb: ["
    used = 2 + items + 1 + 2
    fits = (MAX_NODES - used) // (items + 1)
    inside = read(f"{head}{', '.join(['*a'] * fits)}]\n".encode())
    outside = read(f"{head}{', '.join(['*a'] * (fits + 1))}]\n".encode())
    assert (inside.complete, outside.complete) == (True, False)
    assert [finding.code for finding in outside.findings] == ["E015"]


@pytest.mark.parametrize(
    ("levels", "codes"), [(64, []), (65, ["E014"]), (100_000, ["E014"]), (1_048_576, ["E014"])]
)
def test_the_depth_is_limited(levels: int, codes: list[str]) -> None:
    """A megabyte of brackets costs no more than the first 65 of them."""
    opened = b"[" * levels
    closed = b"]" * levels if levels < 70 else b""
    assert codes == [finding.code for finding in read(opened + closed).findings]


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_refused() -> None:
    """The limit is 1 MiB, both here and where files are taken from git."""
    head = b"a: b #"
    largest = head + b"x" * (1_048_576 - len(head))
    assert read(largest).findings == ()
    assert [finding.code for finding in read(largest + b"x").findings] == ["E013"]


def test_what_came_before_an_error_is_kept() -> None:
    """Whoever names a broken file can still say which policy it was."""
    document = read(b"pack: {name: kept, version: 1.0.0}\npolicies: {chain: [a, b\n")
    assert not document.complete
    assert document.root is not None
    assert plain(document.root) == {
        "pack": {"name": "kept", "version": "1.0.0"},
        "policies": {"chain": ["a", "b"]},
    }


def _dump(node: Node | None) -> object:
    """A tree with its places, in a form that compares."""
    if node is None:
        return None
    place = (node.line, node.column)
    if isinstance(node, ScalarNode):
        return (*place, node.text, repr(node.value))
    if isinstance(node, SequenceNode):
        return (*place, [_dump(item) for item in node.items])
    entries = node.entries.values()
    return (*place, [(_dump(entry.key), _dump(entry.value)) for entry in entries])


def _composed(text: str, parser: type) -> tuple[object, list[Finding]]:
    composer = Composer(text, parser=parser)
    try:
        composer.run()
    except StopReadingError as stop:
        return None, [*composer.findings, stop.finding]
    return _dump(composer.root), composer.findings


def _same_with_both_parsers(path: Path) -> None:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    tree, findings = _composed(text, yaml.CSafeLoader)
    other_tree, other_findings = _composed(text, yaml.SafeLoader)
    assert tree == other_tree
    assert [f.code for f in findings] == [f.code for f in other_findings]


def test_good_cases_are_the_same_without_libyaml(good_case: Path) -> None:
    """PyYAML's own parser stands in where libyaml is missing: same tree, same places."""
    _same_with_both_parsers(good_case)


def test_bad_cases_are_the_same_without_libyaml(bad_case: Path) -> None:
    """And the same codes, though the words are the parser's."""
    _same_with_both_parsers(bad_case)
