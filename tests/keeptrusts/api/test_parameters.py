"""Query parameters: what is read, what is refused, and what their schemas say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import jsonschema
import pytest
from django.http import QueryDict
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.api.errors import FieldError
from keeptrusts.api.parameters import (
    Asked,
    Parameter,
    flag,
    identifier,
    moment,
    opaque,
    text,
    texts,
    whole,
    word,
    words,
)
from keeptrusts.api.views import View

_ID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
_LIMIT = whole("limit", "…", lowest=1, highest=100, default=7)
_STATUS = word("status", "…", known=("active", "archived"), default=None)
_KINDS = words("kind", "…", known=("a", "b", "c"), default=("a", "b", "c"))
_FLAG = flag("warning", "…", default=None)
_TOKEN = identifier("token", "…", of="a token")
_NAME = text("name", "…")
_NAMES = texts("names", "…")
_CURSOR = opaque("cursor", "…")
_SINCE = moment("since", "…")
_ALL: tuple[Parameter[Any], ...] = (
    _LIMIT, _STATUS, _KINDS, _FLAG, _TOKEN, _NAME, _NAMES, _CURSOR, _SINCE,
)  # fmt: skip


def _asked(parameter: Parameter[Any], given_text: str | None) -> Any:
    query = "" if given_text is None else urlencode({parameter.name: given_text})
    return Asked(QueryDict(query))[parameter]


@pytest.mark.parametrize(
    ("parameter", "given_text", "value"),
    [
        (_LIMIT, None, 7),
        (_LIMIT, "1", 1),
        (_LIMIT, "007", 7),
        (_LIMIT, "100", 100),
        (_STATUS, None, None),
        (_STATUS, "active", "active"),
        (_KINDS, None, ("a", "b", "c")),
        (_KINDS, "c,a", ("c", "a")),
        (_FLAG, None, None),
        (_FLAG, "true", True),
        (_FLAG, "false", False),
        (_TOKEN, None, None),
        (_TOKEN, _ID, UUID(_ID)),
        (_NAME, None, ""),
        (_NAME, "ä b", "ä b"),
        (_NAMES, None, ()),
        (_NAMES, "ä b,c", ("ä b", "c")),
        (_CURSOR, None, ""),
        (_CURSOR, "", ""),
        (_CURSOR, "x", "x"),
        (_SINCE, None, None),
        (_SINCE, "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (_SINCE, "2026-01-31T12:00:00 02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_text_is_read_as_its_kind(
    parameter: Parameter[Any], given_text: str | None, value: Any
) -> None:
    """Its value, or without a text the default."""
    assert _asked(parameter, given_text) == value


@pytest.mark.parametrize(
    ("parameter", "given_text", "message"),
    [
        *[
            (_LIMIT, bad, "must be a whole number from 1 to 100")
            for bad in ("", "0", "101", "+1", "1.0", "\u0661", "9" * 10, " 1")
        ],
        *[(_STATUS, bad, "must be one of active, archived") for bad in ("", "Active", "active,")],
        *[
            (_KINDS, bad, "must be one or more of a, b, c, separated by commas")
            for bad in ("", "a,", "a, b", "d")
        ],
        *[(_FLAG, bad, "must be true or false") for bad in ("", "1", "True", "true,true")],
        *[(_TOKEN, bad, "must be the id of a token") for bad in ("", "1", _ID + "0")],
        *[(_NAME, bad, "must be printable text and not empty") for bad in ("", "a\0", "a\n")],
        *[
            (_NAMES, bad, "must be one or more printable texts, separated by commas")
            for bad in ("", "a,", ",a", "a\0,b")
        ],
        *[
            (_SINCE, bad, "must be a time with its zone, such as 2026-01-31T12:00:00Z")
            for bad in ("", "2026-01-31", "2026-01-31T12:00:00", "2026-02-31T12:00:00Z",
                        "0001-01-01T00:00:00+01:00")
        ],
    ],
)  # fmt: skip
def test_another_text_is_refused_with_what_it_must_be(
    parameter: Parameter[Any], given_text: str, message: str
) -> None:
    """By the name of the parameter."""
    with pytest.raises(FieldError) as caught:
        _asked(parameter, given_text)

    assert caught.value.details == [
        {"field": parameter.name, "code": "invalid", "message": message}
    ]


@given(st.sampled_from([_LIMIT, _STATUS, _FLAG]), st.text(max_size=4))
def test_a_schema_takes_what_is_read(parameter: Parameter[Any], given_text: str) -> None:
    """A value that was read is one of the schema; so is each default that it names."""
    schema = dict(parameter.schema)
    told = [schema["default"]] if "default" in schema else []
    try:
        told.append(_asked(parameter, given_text))
    except FieldError:
        assert given_text not in schema.get("enum", ())
    for value in told:
        jsonschema.validate(value, schema)


def test_only_those_that_are_given_are_told_by_name() -> None:
    """As filters take them."""
    asked = Asked(QueryDict("name=x&status=active"))

    assert asked.given((_NAME, _STATUS, _SINCE)) == {"name": "x", "status": "active"}
    assert _SINCE not in asked


def _views(patterns: list[URLPattern | URLResolver]) -> Iterator[type[View]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns)
        else:
            view = pattern.callback.view_class  # type: ignore[attr-defined]
            if issubclass(view, View):
                yield view


def test_each_parameter_of_a_view_says_what_it_does() -> None:
    """In a sentence, with a schema that is one, and under a name of its own."""
    found = 0
    for view in set(_views(get_resolver().url_patterns)):
        for method, parameters in view.query.items():
            names = [one.name for one in parameters]
            assert hasattr(view, method.lower()), (view, method)
            assert len(set(names)) == len(names), (view, names)
            for one in parameters:
                found += 1
                described = one.described()
                assert described["description"].endswith("."), (view, one.name)
                jsonschema.Draft202012Validator.check_schema(described["schema"])
    assert found
