"""Shapes of answers: what the API's document says of the plain values that queries make.

A shape is a type that describes and is never made. Tests hold each answer against it. In the
document it goes by its name without the `Shape`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType


class Shape(Struct, forbid_unknown_fields=True):
    """An object of an answer, with exactly these members."""


def one_of(words: Iterable[str]) -> Meta:
    """The bound of a text that is one of a few words."""
    return Meta(extra_json_schema={"enum": [str(word) for word in words]})


def about(words: str) -> Meta:
    """What a member means, where its name does not say all."""
    return Meta(description=words)


# A member that is not always there.
Missing = UnsetType
MISSING = UNSET

Time = Annotated[datetime, Meta(tz=True, description="A time in UTC, to the microsecond.")]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 in lowercase hex.")]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Labels = Annotated[dict[str, str], about("Labels, text to text.")]


class ProblemShape(Shape):
    """What is wrong: a stable code for programs, and words for people."""

    code: str
    message: str


class FindingShape(Shape):
    """A problem at one place of a policy file."""

    code: Annotated[str, about("Stable; `kt policy explain CODE` prints the page of a lint code.")]
    severity: Annotated[str, one_of(("error", "warning"))]
    path: Annotated[str, about("The place in the document, empty for the document itself.")]
    message: str
    suggestion: Annotated[str, about("The fix in words, empty where there is none.")]
    line: Annotated[int, Meta(ge=1, description="Counted from 1.")]
    column: Annotated[int, Meta(ge=1, description="Counted in characters from 1.")]


class ChangeShape(Shape):
    """One difference between two policies, and what it does to enforcement."""

    effect: Annotated[str, one_of(("stronger", "weaker", "other"))]
    path: str
    message: str


class CheckShape(Shape):
    """A check of health that is down."""

    check: str
    message: str


class NotReadyShape(Shape):
    """The error of checks that are down."""

    code: Annotated[str, one_of(("not_ready",))]
    message: str
    details: list[CheckShape]
    request_id: str


_Checks = Annotated[dict[str, str], about("`ok` or `down`, by the name of the check.")]


class HealthShape(Shape):
    """All is well."""

    status: Annotated[str, one_of(("ok",))]
    checks: _Checks


class UnhealthyShape(Shape):
    """Something is down."""

    status: Annotated[str, one_of(("down",))]
    checks: _Checks
    error: NotReadyShape


class PathShape(Shape):
    """A path of the API and the methods that it has."""

    path: str
    methods: list[str]


class IndexShape(Shape):
    """Where to go from the API's url."""

    name: str
    message: str
    paths: list[PathShape]
