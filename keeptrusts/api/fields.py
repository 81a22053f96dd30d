"""Serializer fields that take values of their own JSON type only, without conversion."""

import contextlib
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from keeptrusts.api.printable import first_unprintable
from kt.policy.suggest import did_you_mean
from kt.policy.words import shown

_MOST_NAMED = 20
MOST_LABELS = 50
LONGEST_KEY = 100


class Text(serializers.CharField):
    """A JSON string, kept as it was sent, without trimming.

    `json_schema` is what the API's document says of its bounds, beside those that DRF knows.
    """

    default_error_messages = {"not_text": "must be a string"}
    json_schema: Mapping[str, Any] = {}

    def __init__(self, *, json_schema: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)
        self.json_schema = json_schema or self.json_schema

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return super().to_internal_value(data)


class Lines(Text):
    """Text that people write: lines without control characters, and nothing that hides."""

    may_have_lines = True

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if found := first_unprintable(value, may_have_lines=self.may_have_lines):
            what = "lines" if self.may_have_lines else "one line"
            raise serializers.ValidationError(f"must be {what} of printable text; {found}")
        return value


class Line(Lines):
    """As `Lines`, a single one."""

    may_have_lines = False


class Labels(serializers.DictField):
    """Labels, text to text."""

    json_schema = {
        "maxProperties": MOST_LABELS,
        "propertyNames": {"minLength": 1, "maxLength": LONGEST_KEY},
    }
    child = Line(max_length=200, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict) and not (len(data) <= MOST_LABELS and all(map(is_key, data))):
            raise serializers.ValidationError(
                f"must be at most {MOST_LABELS} labels with keys of 1 to"
                f" {LONGEST_KEY} printable characters"
            )
        labels: dict[str, str] = super().to_internal_value(data)
        return labels


def is_key(text: str) -> bool:
    """Whether a text can be the key of a label."""
    return 0 < len(text) <= LONGEST_KEY and text.isprintable()


class Whole(serializers.IntegerField):
    """A JSON integer; not `true`, not `"300"`, not `300.0`."""

    default_error_messages = {"not_whole": "must be a whole number"}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("not_whole")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """JSON `true` or `false`."""

    default_error_messages = {"not_flag": "must be true or false"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("not_flag")
        return data


class Choice(serializers.ChoiceField):
    """One of a few words, which the error names."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        known = ", ".join(str(name) for name in self.choices)
        self.error_messages["invalid_choice"] = f"must be one of {known}"


class Input(serializers.Serializer[Any]):
    """An object of a request. An unknown field is an error.

    In the API's document it is `called` so, or as its class; `json_schema` is what it bounds beside
    its fields, `refused` are fields that are there for the sake of their errors.
    """

    called: str = ""
    json_schema: Mapping[str, Any] = {}
    refused: Collection[str] = ()

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError("must be an object")
        _check_names(data, tuple(self.fields), "field")
        # DRF hands over an empty body as a form, in which a missing flag would mean false.
        return super().to_internal_value(dict(data))


def valid(
    form: type[Input], body: Any, *, partial: bool = False, context: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The checked fields of a body.

    Raises:
        ValidationError: some of them cannot be used.
    """
    checked = form(data=body, partial=partial, context=dict(context or {}))
    with _lent_fields(checked):
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)


class _Kept(threading.local):
    """The fields of forms that were checked in this thread."""

    def __init__(self) -> None:
        self.of: dict[type[Input], Any] = {}


_kept = _Kept()


@contextlib.contextmanager
def _lent_fields(form: Input) -> Iterator[None]:
    """Have a form use the fields that one of its class had before, in this thread.

    DRF copies all of them for each form, which took a sixth of a POST.
    """
    # Taken away meanwhile: a form that is checked within another one has its own. Without DRF's
    # mapping of them, which has the form that it was made for, and what was sent with that.
    fields: Any = _kept.of.pop(type(form), None) or dict(form.fields)
    form.fields = fields
    for field in fields.values():
        field.parent = form
    try:
        yield
    finally:
        for field in fields.values():
            field.parent = None  # It has what was sent.
        _kept.of[type(form)] = fields


def check_query(params: QueryDict, known: tuple[str, ...]) -> None:
    """Check the names of query parameters.

    Raises:
        ValidationError: a parameter is not in `known`, or is given more than once.
    """
    _check_names(params, known, "query parameter")
    if twice := [name for name in params if len(params.getlist(name)) > 1]:
        raise serializers.ValidationError({name: ["is given more than once"] for name in twice})


def _check_names(given: Iterable[str], known: tuple[str, ...], what: str) -> None:
    if unknown := sorted(set(given) - set(known)):
        hint = f"use one of {', '.join(sorted(known))}" if known else "none is allowed here"
        problems = {}
        for number, name in enumerate(unknown[:_MOST_NAMED]):
            meant = did_you_mean(name, known, otherwise="" if number else hint)
            problems[shown(name)] = [f"unknown {what}" + (f"; {meant}" if meant else "")]
        raise serializers.ValidationError(problems, code="unknown")
