"""Forms of requests, whose fields are used again."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from gitrepos.api.link_serializers import Asked, NewLink
from keeptrusts.api import fields
from keeptrusts.api.fields import Input, Line, Whole, valid


class _Inner(Input):
    number = Whole(required=False)


class _Form(Input):
    name = Line(max_length=5)
    many = serializers.ListField(child=_Inner(), required=False)
    count = Whole(default=3)

    def validate_name(self, name: str) -> str:
        if name in self.context.get("taken", ()):
            raise serializers.ValidationError("is taken")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("name") == "outer":
            attrs["within"] = valid(_Form, {"name": "inner"})
        return attrs


BODIES: list[Any] = [
    {"name": "a"}, {"name": "a", "count": 5, "many": [{"number": 1}, {}]}, {"name": "outer"},
    {}, {"name": 1}, {"name": "too long"}, {"name": "a", "unknown": 1}, {"name": None},
    {"name": "a", "many": [{"number": "x"}, {"other": 1}]}, {"name": "taken"},
]  # fmt: skip


def _checked(body: Any, partial: bool, context: dict[str, Any]) -> Any:
    try:
        return valid(_Form, body, partial=partial, context=context)
    except ValidationError as exc:
        return exc.get_full_details()


@pytest.mark.parametrize("partial", [False, True])
def test_a_form_is_checked_as_if_it_were_the_first(partial: bool) -> None:
    """Whatever was checked before it: nothing of that is left."""
    expected = []
    for body in BODIES:
        fields._kept.of.clear()
        expected.append(_checked(body, partial, {"taken": ["taken"]}))

    for _ in range(2):
        for other in (not partial, partial):
            _checked({"name": "taken"}, other, {})
            assert [_checked(body, partial, {"taken": ["taken"]}) for body in BODIES] == expected


def test_no_form_is_left_behind() -> None:
    """A body may hold a secret."""
    with pytest.raises(ValidationError):
        valid(NewLink, {"access_token": "secret"})

    kept = fields._kept.of[NewLink]
    assert {field.parent for field in kept.values()} == {None}
    assert not [one for one in gc.get_objects() if type(one) is NewLink]


def test_threads_do_not_share_them() -> None:
    """Each form sees its own context."""
    barrier = threading.Barrier(4)

    def check(number: int) -> list[Any]:
        barrier.wait(10)
        taken = {"taken": [str(number)]}
        return [_checked({"name": str(n % 4)}, False, taken) for n in range(200)]

    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(check, range(4))):
            refused = [n % 4 for n, one in enumerate(found) if "count" not in one]
            assert refused == [number] * 50


def test_kinds_of_forms_have_fields_of_their_own() -> None:
    """Also where one stands on another."""
    for form in (Asked, NewLink, Asked):
        with pytest.raises(ValidationError):
            valid(form, {"nothing": 1})
        assert set(fields._kept.of[form]) == set(form().fields)
