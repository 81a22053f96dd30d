"""The tables of the language: facts that others rely on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kt.policy.language import DOCUMENT, KINDS
from kt.policy.language.shapes import (
    Block,
    Choice,
    Field,
    Flag,
    ListOf,
    MapOf,
    Number,
    Shape,
    TextOr,
    Whole,
)
from kt.policy.settings import settings


def _fields(shape: Shape, path: str = "") -> Iterator[tuple[str, Field]]:
    if isinstance(shape, ListOf):
        yield from _fields(shape.item, path)
    elif isinstance(shape, MapOf):
        yield from _fields(shape.value, path)
    elif isinstance(shape, TextOr):
        yield from _fields(shape.long, path)
    elif isinstance(shape, Block):
        for name, field in shape.fields.items():
            yield f"{path}.{name}", field
            yield from _fields(field.shape, f"{path}.{name}")


_FIELDS = [pytest.param(field, id=path) for path, field in _fields(DOCUMENT)]


@pytest.mark.parametrize("field", _FIELDS)
def test_a_field_says_what_it_is_for(field: Field) -> None:
    """The words are in the schema, where editors show them."""
    assert field.doc
    assert not field.doc.endswith(".")


@pytest.mark.parametrize("field", _FIELDS)
def test_a_default_is_a_value_that_the_field_takes(field: Field) -> None:
    """And a required field has none."""
    if field.default is not None:
        assert not field.required
        assert _fits(field.shape, field.default)


@pytest.mark.parametrize("field", _FIELDS)
def test_a_ranking_names_every_value(field: Field) -> None:
    """Else a change to the value left out would count as neither stronger nor weaker."""
    if isinstance(field.strength, tuple):
        values = field.shape.values if isinstance(field.shape, Choice) else (False, True)
        assert sorted(values) == sorted(field.strength)
    elif field.strength is not None:
        assert isinstance(field.shape, Whole | Number | ListOf)


def _fits(shape: Shape, value: Any) -> bool:
    if isinstance(shape, Choice):
        return value in shape.values
    if isinstance(shape, Whole | Number):
        return shape.low <= value <= shape.high
    if isinstance(shape, Flag):
        return isinstance(value, bool)
    return isinstance(value, tuple) if isinstance(shape, ListOf) else not value


@pytest.mark.parametrize(
    ("kind", "field", "default"),
    [
        ("safety-filter", "mode", "critical_infrastructure"),
        ("safety-filter", "action", "block"),
        ("safety-filter", "max_distance", 1),
        ("pii-detector", "action", "redact"),
        ("pii-detector", "pci_mode", True),
        ("pii-detector", "healthcare_mode", False),
        ("dlp-filter", "action", "redact"),
        ("dlp-filter", "fuzzy_matching", False),
        ("rbac", "deny_if_missing", ("X-User-ID",)),
        ("human-oversight", "action", "escalate"),
        ("classifier", "threshold", 0.5),
        ("classifier", "roles", ("user", "tool")),
        ("classifier", "stage", None),
        ("classifier", "action", "escalate"),
        ("classifier", "on_no_answer", "escalate"),
        ("classifier", "timeout_seconds", 5),
        ("audit-logger", "immutable", True),
        ("audit-logger", "retention_days", 365),
        ("audit-logger", "log_all_access", True),
    ],
)
def test_the_defaults_are_those_of_the_language(kind: str, field: str, default: object) -> None:
    """What a policy that is in force means must not change by itself."""
    assert KINDS[kind].fields[field].default == default


def test_settings_hold_every_field_at_every_depth() -> None:
    """Given values stay, others have their defaults."""
    held = settings("prompt-injection", {"encoding": {"decode_base64": False}})
    assert held == {
        "detection": {"attack_patterns": []},
        "scope": "all",
        "encoding": {
            "decode_base64": False,
            "normalize_unicode": True,
            "detect_homoglyphs": True,
        },
        "boundaries": {"reject_fake_boundaries": True},
        "response": {"action": "block", "message": None},
    }


def test_settings_put_patterns_into_their_canonical_place() -> None:
    """Wherever they were written."""
    short = settings("prompt-injection", {"attack_patterns": ["a"]})
    long = settings("prompt-injection", {"detection": {"attack_patterns": ["a"]}})
    assert long == short
    assert short["detection"]["attack_patterns"] == ["a"]


def test_settings_fill_the_blocks_of_a_map() -> None:
    """Each role of `rbac` has every key."""
    held = settings("rbac", {"roles": {"analyst": {"allowed_tools": ["search"]}}})
    assert held["roles"] == {"analyst": {"allowed_tools": ["search"], "denied_tools": []}}


def test_settings_are_the_callers_to_change() -> None:
    """A default that was handed out is not the table's."""
    settings("rbac", None)["deny_if_missing"].append("X-Other")
    assert settings("rbac", None)["deny_if_missing"] == ["X-User-ID"]


def test_the_tables_cannot_be_written_to() -> None:
    """Everybody in the process shares them."""
    kind = KINDS["rbac"]
    with pytest.raises(AttributeError):
        kind.needs_block = False
    with pytest.raises(AttributeError):
        kind.fields["require_auth"].default = True
    with pytest.raises(TypeError):
        kind.fields["other"] = Field(Flag())  # type: ignore[index]
