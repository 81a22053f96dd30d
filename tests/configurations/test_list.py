"""`GET /v1/configurations`: filters, pages, ETag, and what it costs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from configurations.models import Configuration
from configurations.publish import publish
from tests.configurations.conftest import Make
from tests.configurations.test_content import etags
from tests.support.api import error, refusal
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/configurations"


def ids(answer: Any) -> list[str]:
    """The ids in an answer, in their order."""
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["data"]]


@pytest.fixture
def thousand() -> None:
    """A thousand rows; nobody asks for their versions."""
    now = timezone.now()
    with transaction.atomic():
        publish()
        Configuration.objects.bulk_create(
            Configuration(
                pk=f"c{number:04}", name="C", source="api", version=1, content_hash="0" * 64,
                created_at=now, updated_at=now,
            )
            for number in range(1000)
        )  # fmt: skip


def test_an_empty_list_is_a_list(admin: APIClient) -> None:
    """Scripts iterate over it."""
    assert admin.get(PATH).json() == {"data": []}


def test_the_list_is_whole_and_ordered_by_id(admin: APIClient, make: Make) -> None:
    """All in one answer, with nothing beside `data`."""
    for name in ("b", "a", "c"):
        make(name)

    answer = admin.get(PATH)

    assert ids(answer) == ["a", "b", "c"]
    assert set(answer.json()) == {"data"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [("active", ["a"]), ("archived", ["b"]), ("all", ["a", "b"])],
)
def test_a_status_selects(admin: APIClient, make: Make, status: str, expected: list[str]) -> None:
    """Without it the active ones are listed."""
    make("a")
    make("b")
    admin.delete(f"{PATH}/b")

    assert ids(admin.get(f"{PATH}?status={status}")) == expected
    assert ids(admin.get(PATH)) == ["a"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 10_000])
def test_pages_make_up_the_list(admin: APIClient, make: Make, limit: int) -> None:
    """Each row once, none empty; `next_cursor` is null on the last."""
    for name in "abcde":
        make(name)
    pages, cursor = [], ""
    while cursor is not None:
        answer = admin.get(f"{PATH}?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        pages.append(ids(answer))
        cursor = answer.json()["next_cursor"]

    assert [name for page in pages for name in page] == list("abcde")
    assert len(pages) == -(-5 // limit)


def test_a_page_of_nothing_is_the_last(admin: APIClient) -> None:
    """An empty list has one page."""
    assert admin.get(f"{PATH}?limit=1").json() == {"data": [], "next_cursor": None}


def test_a_cursor_whose_row_is_gone_still_leads_on(admin: APIClient, make: Make) -> None:
    """Rows that leave the list between two pages lose no others."""
    for name in "abc":
        make(name)
    cursor = admin.get(f"{PATH}?limit=2").json()["next_cursor"]
    admin.delete(f"{PATH}/b")

    assert ids(admin.get(f"{PATH}?limit=2&cursor={cursor}")) == ["c"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=", "status"), ("status=deleted", "status"), ("status=ACTIVE", "status"),
        ("status=%00", "status"), ("status=active&status=all", "status"),
        ("limit=", "limit"), ("limit=0", "limit"), ("limit=-1", "limit"), ("limit=10001", "limit"),
        ("limit=1.5", "limit"), ("limit=ten", "limit"), ("limit=1e3", "limit"),
        ("limit=%D9%A3", "limit"), ("limit=%00", "limit"), ("limit=" + "9" * 5000, "limit"),
        ("limit=+1", "limit"), ("limit=1_0", "limit"),
        ("cursor=%00", "cursor"), ("cursor=a%0Ab", "cursor"), ("cursor=A", "cursor"),
        ("cursor=%22", "cursor"), ("cursor=%FF", "cursor"), ("cursor=" + "a" * 201, "cursor"),
        ("status_=all", "status_"), ("page=2", "page"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_is_refused(admin: APIClient, query: str, field: str) -> None:
    """Naming the parameter; none is ignored."""
    assert refusal(admin.get(f"{PATH}?{query}")) == (400, [field])


def test_a_list_that_is_known_is_not_sent(admin: APIClient, make: Make) -> None:
    """304 without a body, for each form of `If-None-Match` that RFC 9110 has."""
    make()
    tag = admin.get(PATH)["ETag"]

    for value in etags(tag):
        answer = admin.get(PATH, headers={"If-None-Match": value})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
        assert answer["Cache-Control"] == "private, no-cache"


CHANGES: dict[str, Callable[[APIClient], Any]] = {
    "create": lambda admin: admin.post(PATH, {"content": policy("New")}, format="json"),
    "content": lambda admin: admin.patch(f"{PATH}/a", {"content": policy("Two")}, format="json"),
    "label": lambda admin: admin.patch(f"{PATH}/a", {"labels": {"x": "y"}}, format="json"),
    "archive": lambda admin: admin.delete(f"{PATH}/a"),
}
NO_CHANGES: dict[str, Callable[[APIClient], Any]] = {
    "read": lambda admin: admin.get(f"{PATH}/a/content"),
    "same content": lambda admin: admin.patch(
        f"{PATH}/a", {"content": policy("Bot"), "name": "Bot"}, format="json"
    ),
    "refused create": lambda admin: admin.post(PATH, {"id": "c", "content": "x"}, format="json"),
    "taken id": lambda admin: admin.post(PATH, {"id": "a", "content": policy()}, format="json"),
    "refused edit": lambda admin: admin.patch(f"{PATH}/a", {"name": ""}, format="json"),
    "unknown edit": lambda admin: admin.patch(f"{PATH}/x", {"name": "x"}, format="json"),
    "archived again": lambda admin: admin.delete(f"{PATH}/b"),
    "token": lambda admin: admin.post("/v1/tokens", {"name": "x"}, format="json"),
    "link": lambda admin: admin.post(
        "/v1/git-repos", {"url": "https://forge.example/a.git"}, format="json"
    ),
    "link that goes": lambda admin: admin.delete(
        admin.post("/v1/git-repos", {"url": "https://forge.example/a.git"}, format="json")[
            "Location"
        ]
    ),
}


@pytest.fixture
def etag(admin: APIClient, make: Make) -> Callable[[], str]:
    """The list's ETag as it is now; there is an active row `a` and an archived one `b`."""
    make("a")
    make("b")
    admin.delete(f"{PATH}/b")
    return lambda: str(admin.get(PATH)["ETag"])


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_gives_the_list_another_etag(
    admin: APIClient, etag: Callable[[], str], name: str
) -> None:
    """The old one brings the new list."""
    before = etag()
    assert CHANGES[name](admin).status_code in (200, 201)

    answer = admin.get(PATH, headers={"If-None-Match": before})

    assert answer.status_code == 200
    assert answer["ETag"] != before


@pytest.mark.parametrize("name", NO_CHANGES)
def test_nothing_else_does(admin: APIClient, etag: Callable[[], str], name: str) -> None:
    """What no reader of the list can see leaves its ETag as it is."""
    before = etag()

    NO_CHANGES[name](admin)

    assert etag() == before


def test_each_query_has_an_etag_of_its_own(admin: APIClient, make: Make) -> None:
    """A page that a caller has is not the whole list."""
    make()
    make("other")
    cursor = admin.get(f"{PATH}?limit=1").json()["next_cursor"]
    queries = [
        "", "?status=all", "?limit=1", "?limit=2", f"?cursor={cursor}", f"?limit=1&cursor={cursor}",
        "?sort=-id", "?fields=id", "?fields=name", "?q=other", "?count=true", "?source=api",
    ]  # fmt: skip

    tags = [admin.get(PATH + query)["ETag"] for query in queries]

    assert len(set(tags)) == len(queries)
    answer = admin.get(PATH, headers={"If-None-Match": ", ".join(tags[1:])})
    assert answer.status_code == 200


@pytest.mark.usefixtures("thousand")
def test_a_list_of_a_thousand_costs_two_queries(
    admin: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Counters and rows; a token that the process does not know yet costs a third."""
    admin.get("/v1/whoami")

    with django_assert_num_queries(2):
        answer = admin.get(PATH)

    assert len(ids(answer)) == 1000


@pytest.mark.usefixtures("thousand")
def test_a_list_that_was_sent_before_costs_one_query(
    admin: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """The body is kept, in this process, until the next change."""
    first = admin.get(PATH)

    with django_assert_num_queries(1):
        again = admin.get(PATH)

    assert again.content == first.content


@pytest.mark.usefixtures("thousand")
def test_a_list_that_is_known_costs_one_query(
    admin: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Whatever its length."""
    tag = admin.get(PATH)["ETag"]

    with django_assert_num_queries(1):
        answer = admin.get(PATH, headers={"If-None-Match": tag})

    assert answer.status_code == 304


@pytest.mark.usefixtures("thousand")
def test_a_kept_list_is_not_shown_without_a_token(admin: APIClient, client: APIClient) -> None:
    """Not even to whoever knows its ETag."""
    tag = admin.get(PATH)["ETag"]

    for value in (tag, "*"):
        answer = client.get(PATH, headers={"If-None-Match": value})
        assert (answer.status_code, error(answer)["code"]) == (401, "not_authenticated")
