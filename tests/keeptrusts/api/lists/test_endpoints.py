"""Every list of the API takes what every other takes."""

import os
import re
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from access import tokens
from access.models import SignInRule, Token, Trust
from commitstatus.models import CommitStatus, ForgeCredential
from configurations.models import ChangeRequest
from configurations.publish import publish
from events.models import AuditEntry
from gateways.models import EnrolmentToken
from gateways.registry.gateways import count_change
from gitrepos.models import Link
from keeptrusts.api.views import View
from notifications.models import Endpoint, Notification
from tests.access.test_roles import ENDPOINTS
from tests.support import narrowed
from tests.support.api import error, refusal
from tests.support.stack import ROOT

pytestmark = pytest.mark.django_db

_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
_COMMON = {"limit", "cursor", "sort", "fields", "q", "count"}
# What a list is asked about where its path has a place for it.
_IDS = {"configuration_id": "a-one", "link_id": UUID(int=11)}


def _templates() -> Iterator[tuple[str, type[View]]]:
    for method, path, view in ENDPOINTS:
        if method == "GET" and "cursor" in {one.name for one in view.query.get("GET", ())}:
            yield path, view


def _lists() -> Iterator[tuple[str, type[View]]]:
    for path, view in _templates():
        yield _PLACE.sub(lambda place: str(_IDS[place[1]]), path), view


LISTS = dict(_lists())
PATHS = sorted(LISTS)


@pytest.fixture
def world(admin: APIClient) -> APIClient:
    """An admin of an installation that has some of everything."""
    now = timezone.now()
    for number in range(3):
        tokens.create(f"token {number % 2}")
        Trust.objects.create(
            name=f"trust {number % 2}", issuer="https://ci.example", audience="a", subject="s",
            role="ci", max_seconds=3600, made_by=Token.objects.earliest("created_at"),
            created_at=now,
        )  # fmt: skip
        SignInRule.objects.create(
            name=f"rule {number % 2}", issuer="https://issuer.example", claims={"groups": ["a"]},
            position=number % 2, role="viewer", made_by=Token.objects.earliest("created_at"),
            created_at=now,
        )  # fmt: skip
        endpoint = Endpoint.objects.create(
            name=f"endpoint {number}", form="mail", recipients=["a@x.example"], created_at=now
        )
        Notification.objects.create(
            endpoint=endpoint, kind="failed", told={}, give_up_at=now, created_at=now
        )
        EnrolmentToken.objects.create(name="t", digest=str(number), created_at=now)
        ForgeCredential.objects.create(
            name=f"telling-{number}", forge="github", kind="token", status_name="keeptrusts",
            api_url="https://api.github.com", created_at=now, updated_at=now,
        )  # fmt: skip
    for number in range(1, 5):
        ChangeRequest.objects.create(
            pk=number * 7, kind="gateway.bind", target=f"g-{number}", upon="", asker_kind="token",
            asker_id="1", asker_name="Ada", created_at=now,
            state=("waiting", "refused")[number % 2],
        )  # fmt: skip
    AuditEntry.objects.all().delete()  # Their numbers are given out anew.
    narrowed.seen_part(Random(3), Random(4)).write()
    narrowed.hidden_part(Random(5)).write()
    telling = ForgeCredential.objects.earliest("name")
    for link in Link.objects.all():
        CommitStatus.objects.create(
            link=link, credential=telling, look_at=now, created_at=now, updated_at=now
        )
    publish()
    count_change()
    return admin


def _schema(path: str, name: str) -> Any:
    return next(one.schema for one in LISTS[path].query["GET"] if one.name == name)


def _get(client: APIClient, path: str, **asked: object) -> Any:
    answer = client.get(path, asked)
    assert answer.status_code == 200, (path, asked, answer.content[:300])
    return answer.json()


def test_each_endpoint_whose_data_is_a_list_is_one_of_them(world: APIClient) -> None:
    """Whoever adds a list declares it."""
    for method, path, _ in ENDPOINTS:
        places = set(_PLACE.findall(path))
        if method == "GET" and places <= {"configuration_id", "link_id"}:
            filled = _PLACE.sub(lambda place: str(_IDS[place[1]]), path)
            answer = world.get(filled)
            is_json = answer.headers["Content-Type"] == "application/json"
            is_list = is_json and isinstance(answer.json().get("data"), list)
            assert is_list == (filled in LISTS), filled


def test_it_takes_each_common_parameter() -> None:
    """With a description and a schema."""
    for path in PATHS:
        assert {one.name for one in LISTS[path].query["GET"]} >= _COMMON


def test_its_pages_are_the_whole_under_each_sort(world: APIClient) -> None:
    """Each row once, in the order of the whole, with as many as are counted."""
    for path in PATHS:
        for sort in _schema(path, "sort")["enum"]:
            whole = _get(world, path, sort=sort, limit=1000, count="true")
            assert whole["next_cursor"] is None
            assert whole["count"] == len(whole["data"]) >= 1
            found: list[Any] = []
            cursor: str | None = ""
            while cursor is not None:
                page = _get(world, path, sort=sort, limit=2, cursor=cursor)
                assert len(page["data"]) == 2 or page["next_cursor"] is None
                found += page["data"]
                cursor = page["next_cursor"]
            assert found == whole["data"], sort


def test_its_order_turns_round(world: APIClient) -> None:
    """But for those that have no value, which come last both ways."""
    for path in PATHS:
        for sort in _schema(path, "sort")["enum"]:
            if sort.startswith("-"):
                continue
            rows = [_get(world, path, sort=name, limit=1000)["data"] for name in (sort, f"-{sort}")]
            first, second = (
                [row for row in some if row.get(sort, "") is not None] for some in rows
            )
            assert first == second[::-1], sort


def test_its_members_are_those_of_its_rows(world: APIClient) -> None:
    """Each that can be asked for is there, and each that is there can be asked for."""
    for path in PATHS:
        members = _schema(path, "fields")["items"]["enum"]
        for row in _get(world, path)["data"]:
            # What a decision has is its gateway's.
            assert set(row) == set(members) or path == "/v1/decisions"
        some = members[::2]

        rows = _get(world, path, fields=",".join(reversed(some)))["data"]

        assert rows
        assert all(list(row) == some for row in rows)


def test_an_unknown_member_is_refused_with_what_was_meant(world: APIClient) -> None:
    """A misspelling is one's own."""
    for path in PATHS:
        member = _schema(path, "fields")["items"]["enum"][1]
        misspelt = f"{member[:-1]}q" if member != "id" else "ids"

        answer = world.get(path, {"fields": misspelt})

        assert refusal(answer) == (400, ["fields"])
        assert f"did you mean {member!r}?" in error(answer)["message"]


def test_a_cursor_that_it_never_gave_is_refused(world: APIClient) -> None:
    """Also one of another of its orders, or of another list."""
    for path in PATHS:
        known = _schema(path, "sort")["enum"]
        given = _get(world, path, sort=known[0], limit=1)["next_cursor"]
        other = _get(world, "/v1/tokens" if path != "/v1/tokens" else "/v1/trusts", limit=1)
        for asked in (
            {"cursor": "x"}, {"cursor": "1"}, {"cursor": "\0"}, {"cursor": other["next_cursor"]},
            {"sort": known[1], "cursor": given or "x"},
        ):  # fmt: skip
            assert refusal(world.get(path, asked)) == (400, ["cursor"]), asked


def test_a_search_chooses_rows(world: APIClient) -> None:
    """What nothing has finds nothing, and what all have chooses of the whole."""
    for path in PATHS:
        whole = _get(world, path)["data"]

        assert _get(world, path, q="no row has this", count="true", limit=1)["count"] == 0
        assert all(row in whole for row in _get(world, path, q="a")["data"])


def test_each_of_its_words_is_one_that_chooses(world: APIClient) -> None:
    """The parts by the words of a filter are the whole, and each row is of one of them."""
    for path in PATHS:
        for one in LISTS[path].query["GET"]:
            known = one.schema.get("items", {}).get("enum", ())
            if one.name == "fields" or not known:
                continue
            parts = [row for word in known for row in _get(world, path, **{one.name: word})["data"]]
            whole = _get(world, path)["data"]
            rows = [row for row in whole if row.get(one.name, "") is not None]
            assert sorted(map(repr, parts)) == sorted(map(repr, rows)), one.name


def _told(path: str, view: type[View]) -> str:
    """The row of a list in the docs."""
    known = {one.name: one for one in view.query["GET"]}
    first = known["sort"].default
    others = {name.removeprefix("-") for name in known["sort"].schema["enum"]}
    sorts = [first, *sorted(others - {first.removeprefix("-")})]
    filters = sorted(known.keys() - _COMMON - {"lines"})
    place = _PLACE.sub("{id}", path)
    return " | ".join(
        [f"| `{place}`", *(", ".join(f"`{one}`" for one in some) for some in (sorts, filters))]
    )


def test_the_docs_have_every_list() -> None:
    """Run with RENEW=1 to write them anew."""
    head = "| list | sorted by, the first where nothing is said | chosen by |\n|---|---|---|"
    rows = [f"{_told(path, view)} |" for path, view in sorted(_templates(), key=lambda one: one[0])]
    table = "\n".join([head, *rows]) + "\n"
    page = ROOT / "docs" / "api.md"
    before, begin, rest = page.read_text().partition("<!-- lists: begin -->\n")
    found, end, after = rest.partition("<!-- lists: end -->")
    if os.environ.get("RENEW"):
        page.write_text(before + begin + table + end + after)
    assert os.environ.get("RENEW") or found == table
