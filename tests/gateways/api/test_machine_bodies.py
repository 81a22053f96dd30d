"""What gateways send: at every place of a body, every type of JSON is taken or named."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.gateways.conftest import Register
from tests.support.api import created, refusal
from tests.support.gateways import Machine

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

Post = Callable[[Mapping[str, Any]], Any]

VALUES: dict[str, list[Any]] = {
    "null": [None],
    "flag": [True],
    "whole": [5, 10**30],
    "fraction": [1.5],
    "text": ["", "a\0b"],
    "list": [["code"]],
    "object": [{"code": 5}],
}
NAMED, NUMBER, FLAG = {"text"}, {"whole"}, {"flag"}
REPORT = {
    "running": {
        "configuration": "bot",
        "version": 1,
        "content_hash": "a" * 64,
        "publish_seq": 1,
        "since": "2026-01-31T12:00:00Z",
    },
    "health": "ok",
    "problem": {"code": "disk", "message": "full"},
    "kt_version": "0.1.0",
    "started_at": "2026-01-31T12:00:00Z",
    "stopping": False,
    "counters": {"sent": 1},
    "stream": False,
}
REPORT_TYPES = {
    "running": {"object", "null"},
    "running.configuration": NAMED,
    "running.version": NUMBER,
    "running.content_hash": NAMED,
    "running.publish_seq": NUMBER,
    "running.since": NAMED,
    "health": NAMED,
    "problem": {"object", "null"},
    "problem.code": NAMED,
    "problem.message": NAMED,
    "kt_version": NAMED,
    "started_at": NAMED,
    "stopping": FLAG,
    "counters": {"object"},
    "counters.sent": NUMBER,
    "stream": FLAG,
}
DECISIONS = {
    "batch": 1,
    "events": [
        {
            "id": "e-1",
            "time": "2026-01-31T12:00:00Z",
            "config": {"id": "bot"},
            "verdict": "allow",
            "policy": "pii",
        }
    ],
    "dropped": 0,
}
DECISIONS_TYPES = {
    "batch": NUMBER,
    "events": {"list"},
    "events.0": {"object"},
    "events.0.id": NAMED,
    "events.0.time": NAMED,
    "events.0.config": {"object", "null"},
    "events.0.config.id": {"text", "null"},
    "events.0.verdict": {"text", "null"},
    "events.0.policy": {"text", "null"},
    "dropped": NUMBER,
}
ENROLMENT = {"id": "edge-7", "name": "Seven"}
ENROLMENT_TYPES = {"id": NAMED, "name": NAMED}


def spoilt(body: Any, place: str, value: Any) -> Any:
    """The body with another value at a place."""
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    changed = deepcopy(body)
    inner = changed
    for step in way:
        inner = inner[step]
    inner[last] = value
    return changed


def places(body: Any, before: str = "") -> Iterator[str]:
    """Every place of a body."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield f"{before}{name}"
        if isinstance(value, dict | list):
            yield from places(value, f"{before}{name}.")


def wrong(post: Post, body: Mapping[str, Any], types: Mapping[str, set[str]]) -> list[Any]:
    """What was answered otherwise than it should be, place by place and type by type."""
    assert set(types) == set(places(body))
    found = []
    for place, taken in types.items():
        for kind, values in VALUES.items():
            for value in values:
                answer = post(spoilt(body, place, value))
                if answer.status_code < 300:
                    is_right = kind in taken
                else:
                    status, names = refusal(answer)
                    inside = kind in taken and all(name.startswith(place) for name in names)
                    is_right = status == 400 and (inside or names == [place])
                if not is_right:
                    found.append((place, value, answer.content))
    return found


def test_a_report_of_other_types_is_refused_with_its_place(gateway: Machine) -> None:
    """A number where an object belongs is the client's mistake."""

    def post(body: Mapping[str, Any]) -> Any:
        return gateway.client.post(f"{gateway.path}/report", body, format="json")

    assert post(REPORT).status_code == 200
    assert wrong(post, REPORT, REPORT_TYPES) == []


def test_decisions_of_other_types_are_refused_with_their_place(gateway: Machine) -> None:
    """What is kept of an event is of the type it is shown with."""

    def post(body: Mapping[str, Any]) -> Any:
        return gateway.client.post(f"{gateway.path}/decisions", body, format="json")

    assert post(DECISIONS).status_code == 202
    assert wrong(post, DECISIONS, DECISIONS_TYPES) == []


def test_an_enrolment_of_other_types_is_refused_with_its_place(admin: APIClient) -> None:
    """Before anything is registered."""
    path = "/v1/enrolment-tokens"
    issued = created(admin.post(path, {"name": "edge"}, format="json"))["token"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued}")
    numbers = iter(range(1000))

    def post(body: Mapping[str, Any]) -> Any:
        fresh = body if body["id"] != ENROLMENT["id"] else {**body, "id": f"edge-{next(numbers)}"}
        return client.post("/v1/gateways/enrol", fresh, format="json")

    assert post(ENROLMENT).status_code == 201
    assert wrong(post, ENROLMENT, ENROLMENT_TYPES) == []


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b'{"running": 5}', b"\xff"])
@pytest.mark.parametrize("known", ["", "5", "[]", '"', "\x00"])
def test_what_a_pull_carries_matters_not(register: Register, body: bytes, known: str) -> None:
    """It is a GET: no body is read, and an odd If-None-Match is one that nothing matches."""
    one = register("loose")

    answer = one.client.generic(
        "GET", f"{one.path}/configuration", body, headers={"If-None-Match": known}
    )

    assert answer.status_code == 404
