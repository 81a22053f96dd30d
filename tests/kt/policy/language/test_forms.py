"""Forms of text: the function and the expression of each must agree."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.language.forms import FORMS, slug

_ANY = st.text(max_size=20)
# Near misses: the signs that the forms are about, in any order.
_NEAR = st.text(st.sampled_from("aZ09._-/:@#?*!~ \t\n\x7fé%v"), max_size=12)
_PIECES = st.lists(
    st.sampled_from(["http", "https", "://", "a", "1", "0", ".", "/", ":", "-", "_", "\n", " "])
).map("".join)


@pytest.mark.parametrize("name", FORMS)
@given(text=st.one_of(_ANY, _NEAR, _PIECES))
@settings(max_examples=60, deadline=None)
def test_the_function_and_the_expression_of_a_form_agree(name: str, text: str) -> None:
    """Editors decide by the expression, lint by the function."""
    _agree(name, text)


@pytest.mark.soak
@pytest.mark.parametrize("name", FORMS)
@given(text=st.one_of(_ANY, _NEAR, _PIECES))
@settings(max_examples=3000, deadline=None)
def test_the_function_and_the_expression_of_a_form_agree_on_many(name: str, text: str) -> None:
    """As above."""
    _agree(name, text)


def _agree(name: str, text: str) -> None:
    form = FORMS[name]
    assert form.accepts(text) == (re.fullmatch(form.pattern, text) is not None)


@pytest.mark.parametrize("name", FORMS)
def test_the_expression_of_a_form_has_no_escape_that_only_some_engines_know(name: str) -> None:
    """JavaScript refuses a backslash before a sign that needs none."""
    escaped = set(re.findall(r"\\(.)", FORMS[name].pattern))
    assert escaped <= {".", "x"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("semver", "10.20.30"),
        ("id", "0.a_b-c"),
        ("id", "a" * 200),
        ("line", "  Ein Satz, mit Umlauten: äöü"),
        ("model", "meta/Llama 3:70b"),
        ("header", "X-User-ID"),
        ("header_value", ""),
        ("path", "/v1/chat"),
        ("url", "http://[::1]:8080/v1/models"),
        ("url", "https://models.example.com"),
        ("url", "https://r.example.com/openai/deployments/gpt-4o?api-version=2024-10-21"),
        ("url", "https://r.example.com?api-version=preview"),
        ("env", "_OPENAI_API_KEY2"),
        ("provider", "azure-openai"),
        ("provider", "openai:chat:gpt-4o:latest"),
    ],
)
def test_a_form_accepts_what_it_is_for(name: str, text: str) -> None:
    """In both of its shapes."""
    assert FORMS[name].accepts(text)
    assert re.fullmatch(FORMS[name].pattern, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "did you mean 1.0.0?"),
        ("1.0", "did you mean 1.0.0?"),
        ("v1.2", "did you mean 1.2.0?"),
        ("1.2.3-rc.1", "did you mean 1.2.3?"),
        ("1.2.3.4", "did you mean 1.2.3?"),
        ("01.2", "did you mean 1.2.0?"),
        ("latest", "write MAJOR.MINOR.PATCH, for example 1.0.0"),
        ("", "write MAJOR.MINOR.PATCH, for example 1.0.0"),
        ("1..2", "write MAJOR.MINOR.PATCH, for example 1.0.0"),
    ],
)
def test_a_version_is_completed(text: str, expected: str) -> None:
    """To the nearest one that is a version."""
    assert FORMS["semver"].suggest(text) == expected


@given(st.text(max_size=30))
@settings(deadline=None)
def test_a_slug_is_an_id_or_nothing(text: str) -> None:
    """Whatever the name."""
    made = slug(text)
    assert made == "" or FORMS["id"].accepts(made)
