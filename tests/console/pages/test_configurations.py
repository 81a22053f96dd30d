"""The list of configurations."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from configurations.models import Configuration, Version
from tests.console.browser import Browser
from tests.gateways.conftest import Register
from tests.support.api import created
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db]

PATH = "/configurations"


def _made(admin: APIClient, name: str, **fields: object) -> None:
    body = {"id": name, "content": policy("Same"), **fields}
    created(admin.post("/v1/configurations", body, format="json"))


def _rows(browser: Browser, **query: str) -> list[str]:
    """The rows of the list as their texts."""
    page = browser.get(PATH, **query).content.decode()
    _, _, body = page.partition("<tbody>")
    rows = re.findall(r"<tr>(.*?)</tr>", body.partition("</tbody>")[0], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]


def test_a_row_says_what_is_in_force_where_since_when_and_by_whom(
    browser: Browser, admin: APIClient, register: Register
) -> None:
    """In words."""
    _made(admin, "chat", note="the first one", labels={"team": "a"})
    register("g1", configuration="chat").run()
    register("g2", configuration="chat")

    (row,) = _rows(browser)

    pattern = r"chat Same team=a in force 1 of 2 1 (now|\d+ s ago) \S.* the first one api"
    assert re.fullmatch(pattern, row), row


def test_what_is_not_as_it_should_be_is_told(browser: Browser, admin: APIClient) -> None:
    """A pin, and that no gateway enforces it."""
    _made(admin, "chat")
    body = {"reason": "an audit"}
    assert admin.post("/v1/configurations/chat/pin", body, format="json").status_code == 200

    page = browser.get(PATH).content.decode()

    assert '<span class="state warn" title="an audit">pinned</span>' in page
    assert "no gateway" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "CHA"}, ["chat"]),
        ({"labels": "team=b"}, ["desk"]),
        ({"status": "archived"}, ["old"]),
        ({"status": "all", "sort": "-created_at"}, ["old", "desk", "chat"]),
        ({"source": "git"}, []),
        ({"warning": "true"}, []),
    ],
)
def test_the_url_says_what_is_listed(
    browser: Browser, admin: APIClient, query: dict[str, str], found: list[str]
) -> None:
    """And the form has what it says."""
    _made(admin, "chat", labels={"team": "a"})
    _made(admin, "desk", labels={"team": "b"})
    _made(admin, "old")
    admin.delete("/v1/configurations/old")

    names = [row.split()[0] for row in _rows(browser, **query)]

    assert [name for name in names if name != "None"] == found
    page = browser.get(PATH, **query).content.decode()
    for name, value in query.items():
        assert re.search(rf'name="{name}"[^>]*value="{value}"|value="{value}" selected', page), name


def test_what_the_api_refuses_is_told(browser: Browser) -> None:
    """In its words."""
    answer = browser.get(PATH, labels="nonsense")

    assert answer.status_code == 400
    assert "must be labels with their values" in answer.content.decode()


def _many(size: int) -> None:
    now = "2026-01-01T00:00:00Z"
    made = Configuration.objects.bulk_create(
        Configuration(
            id=f"c-{number:05}", name=f"Number {number}", source="api", version=1,
            content_hash="0" * 64, created_at=now, updated_at=now,
        )
        for number in range(size)
    )  # fmt: skip
    Version.objects.bulk_create(
        Version(
            configuration=one, number=1, content=b"x", content_hash="0" * 64, source="api",
            created_at=now,
        )
        for one in made
    )  # fmt: skip


def test_a_page_of_many_takes_as_much_as_one_of_few(browser: Browser) -> None:
    """As many queries, whatever is there, and under 100 KB."""
    _many(10)
    browser.get(PATH)
    taken = []
    for size in (10, 1_000):
        if size > 10:
            Version.objects.all().delete()
            Configuration.objects.all().delete()
            _many(size)
        with CaptureQueriesContext(connection) as queries:
            page = browser.get(PATH)
        taken.append(len(queries))

    assert taken == [7, 7]
    assert len(page.content) < 60_000
    assert "1000 configurations" in page.content.decode()


def test_a_list_goes_on(browser: Browser) -> None:
    """By a cursor in the URL, which keeps what else it says."""
    _many(120)
    first = browser.get(PATH, q="c-", sort="id").content.decode()
    (link,) = re.findall(r'<a href="([^"]*)">Next page</a>', first)

    second = browser.get(PATH + link.replace("&amp;", "&")).content.decode()

    assert "c-00049" in first and "c-00050" not in first
    assert "c-00050" in second and "c-00099" in second
    assert 'value="c-"' in second
