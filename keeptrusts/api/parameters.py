"""Query parameters: what each may be, declared once, read from a request, described as a schema."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from keeptrusts.api.errors import FieldError
from kt.policy.suggest import did_you_mean
from kt.policy.words import shown

_Value = TypeVar("_Value", covariant=True)
_Asked = TypeVar("_Asked")
_Default = TypeVar("_Default")

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Parameter(Generic[_Value]):
    """A query parameter; `about` says in a line what it does, `schema` what its text may be.

    `read` makes the value of a text, and raises a ValueError that says what the text must be.
    A request without the parameter has the `default`. Made by the functions of this module.
    """

    name: str
    about: str
    schema: Schema
    read: Callable[[str], _Value]
    default: _Value

    def described(self) -> dict[str, Any]:
        """The Parameter Object of OpenAPI 3.1."""
        told = {"name": self.name, "in": "query", "description": self.about, "schema": self.schema}
        # Several words stand in one text, with commas between them.
        return told | ({"explode": False} if self.schema.get("type") == "array" else {})


class Asked:
    """The values of a request's query parameters, each read when it is looked up.

    Raises:
        FieldError: the text of one that is looked up is not what its parameter says.
    """

    def __init__(self, given: QueryDict) -> None:
        self._given = given

    def __getitem__(self, parameter: Parameter[_Asked]) -> _Asked:
        text = self._given.get(parameter.name)
        if text is None:
            return parameter.default
        try:
            return parameter.read(text)
        except ValueError as exc:
            raise FieldError(parameter.name, str(exc)) from exc

    def __contains__(self, parameter: Parameter[Any]) -> bool:
        """Whether the request has it."""
        return parameter.name in self._given

    def given(self, parameters: Iterable[Parameter[_Asked]]) -> dict[str, _Asked]:
        """The values of those that the request has, by name."""
        return {one.name: self[one] for one in parameters if one in self}


def whole(
    name: str, about: str, *, lowest: int, highest: int, default: _Default
) -> Parameter[int | _Default]:
    """A whole number from `lowest` to `highest`; of nine digits at most."""

    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    bounds = {"type": "integer", "minimum": lowest, "maximum": highest}
    return _parameter(name, about, bounds, read, default)


def word(
    name: str, about: str, *, known: Sequence[str], default: _Default
) -> Parameter[str | _Default]:
    """One of the words of `known`."""

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return text

    return _parameter(name, about, {"type": "string", "enum": list(known)}, read, default)


def words(
    name: str, about: str, *, known: Sequence[str], default: _Default
) -> Parameter[tuple[str, ...] | _Default]:
    """One or more words of `known`, separated by commas."""

    def read(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(","))
        if not set(chosen) <= set(known):
            raise ValueError(f"must be one or more of {', '.join(known)}, separated by commas")
        return chosen

    one = {"type": "string", "enum": list(known)}
    return _parameter(name, about, {"type": "array", "items": one, "minItems": 1}, read, default)


def members(name: str, about: str, *, known: Sequence[str]) -> Parameter[tuple[str, ...] | None]:
    """Names of members, separated by commas, in the order in which `known` has them."""

    def read(text: str) -> tuple[str, ...]:
        chosen = text.split(",")
        for one in chosen:
            if one not in known:
                meant = did_you_mean(one, known, otherwise=f"use some of {', '.join(known)}")
                raise ValueError(f"has the unknown name {shown(one)!r}; {meant}")
        return tuple(one for one in known if one in chosen)

    names = {"type": "string", "enum": list(known)}
    return _parameter(name, about, {"type": "array", "items": names, "minItems": 1}, read, None)


def labels(name: str, about: str) -> Parameter[tuple[tuple[str, str], ...]]:
    """Labels with their values: `team=a,env=prod`, or a JSON object where a text has a comma."""

    def read(text: str) -> tuple[tuple[str, str], ...]:
        try:
            pairs = _json_pairs(text) if text.startswith("{") else _plain_pairs(text)
        except ValueError as exc:
            example = 'such as team=a,env=prod or {"team": "a"}'
            raise ValueError(f"must be labels with their values, each once, {example}") from exc
        return pairs

    return _parameter(name, about, {"type": "string", "minLength": 1}, read, ())


def flag(name: str, about: str, *, default: _Default) -> Parameter[bool | _Default]:
    """`true` or `false`."""

    def read(text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError("must be true or false")
        return text == "true"

    return _parameter(name, about, {"type": "boolean"}, read, default)


def identifier(name: str, about: str, *, of: str) -> Parameter[UUID | None]:
    """The UUID by which lists show one thing; `of` says what, with its article."""

    def read(text: str) -> UUID:
        try:
            return UUID(text)
        except ValueError as exc:
            raise ValueError(f"must be the id of {of}") from exc

    return _parameter(name, about, {"type": "string", "format": "uuid"}, read, None)


def text(name: str, about: str) -> Parameter[str]:
    """Printable text, which is not empty; without it the value is."""

    def read(given: str) -> str:
        # PostgreSQL takes no NUL.
        if not given or not given.isprintable():
            raise ValueError("must be printable text and not empty")
        return given

    return _parameter(name, about, {"type": "string", "minLength": 1}, read, "")


def texts(name: str, about: str) -> Parameter[tuple[str, ...]]:
    """One or more printable texts without commas, separated by commas; without it there is none."""

    def read(given: str) -> tuple[str, ...]:
        chosen = tuple(given.split(","))
        if not all(one and one.isprintable() for one in chosen):
            raise ValueError("must be one or more printable texts, separated by commas")
        return chosen

    one = {"type": "string", "minLength": 1}
    return _parameter(name, about, {"type": "array", "items": one, "minItems": 1}, read, ())


def opaque(name: str, about: str) -> Parameter[str]:
    """Text of an answer, given back as it was; empty without it."""
    return _parameter(name, about, {"type": "string"}, str, "")


def moment(name: str, about: str) -> Parameter[datetime | None]:
    """A time with its zone, which is read as one of UTC, in the years 1 to 9999."""

    def read(given: str) -> datetime:
        try:
            # A plus sign that was not encoded arrives as a space.
            parsed = parse_datetime(given.replace(" ", "+"))
            if parsed is not None and parsed.tzinfo is not None:
                return parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # Well formed, and no time: the 31st of February, or beyond the last year.
        raise ValueError("must be a time with its zone, such as 2026-01-31T12:00:00Z")

    return _parameter(name, about, {"type": "string", "format": "date-time"}, read, None)


def _plain_pairs(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(one.split("=", 1)) for one in text.split(",")]
    return _checked((key, value) for key, value in pairs)  # A ValueError where one has no sign.


def _json_pairs(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return _checked(json.loads(text, object_pairs_hook=list))
    except RecursionError as exc:
        raise ValueError from exc


def _checked(pairs: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    found = tuple(pairs)
    if len({key for key, _ in found}) < len(found):  # No row has two values of one.
        raise ValueError
    if not found or not all(k and isinstance(v, str) and (k + v).isprintable() for k, v in found):
        raise ValueError
    return tuple(sorted(found))


def _parameter(
    name: str, about: str, schema: Schema, read: Callable[[str], Any], default: Any
) -> Parameter[Any]:
    told = {"default": default} if isinstance(default, int | str) and default != "" else {}
    return Parameter(name, about, {**schema, **told}, read, default)
