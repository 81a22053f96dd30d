"""Lists as files: all rows that the filters leave, and no cell that is a formula."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from console.pages import exporting
from events.models import AuditEntry, Event
from tests.console.browser import Browser

pytestmark = pytest.mark.django_db

_NUMBERS = st.integers(-(2**53), 2**53)
EVIL = '=HYPERLINK("https://evil.example";"<b>\n")'


def _cells(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def _told(number: int, message: str = "was told") -> None:
    Event.objects.bulk_create(
        Event(
            kind=Event.Kind.values[0],
            message=f"{message} {one}",
            configuration="chat",
            created_at=timezone.now(),
        )
        for one in range(number)
    )


def test_a_file_has_what_the_page_shows_and_the_pages_after_it(
    browser: Browser, admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order, by the same filters; of too many the newest."""
    monkeypatch.setattr(exporting, "_AT_ONCE", 2)
    _told(5)
    Event.objects.create(kind=Event.Kind.values[1], message="another", configuration="other",
                         created_at=timezone.now())  # fmt: skip
    everything = admin.get("/v1/events", {"configuration": "chat"}).json()["data"]

    answer = browser.get("/events/file", configuration="chat", **{"as": "jsonl"})

    assert answer.headers["Content-Type"] == "application/jsonl"
    assert re.fullmatch(
        r'attachment; filename="events-[0-9-]+\.jsonl"', answer.headers["Content-Disposition"]
    )
    assert [orjson.loads(line) for line in answer.content.splitlines()] == everything
    cells = _cells(browser.get("/events/file", configuration="chat"))
    assert [row["message"] for row in cells] == [row["message"] for row in everything]
    monkeypatch.setattr(exporting, "MOST_ROWS", 4)
    assert len(_cells(browser.get("/events/file", configuration="chat"))) == 4
    page = browser.shows("/events", configuration="chat", since="2026-01-01T00:00")
    (link,) = re.findall(r'href="(/events/file\?[^"]*as=csv)"', page)
    assert len(_cells(browser.get(link.replace("&amp;", "&")))) == 4


def test_whoever_may_not_read_a_log_has_no_file(
    browser: Browser, sign_in: Callable[[str], Browser]
) -> None:
    """And a form of file that there is not is told."""
    assert sign_in("viewer").get("/audit/file").status_code == 403
    answer = browser.get("/audit/file", **{"as": "exe"})
    assert answer.status_code == 400
    assert "must be one of csv, jsonl" in answer.content.decode()


def test_what_others_wrote_stays_text(browser: Browser) -> None:
    AuditEntry.objects.create(
        actor_kind="token", actor_id="1", actor_name=EVIL, action="token.created", target=EVIL,
        before=None, after={"name": EVIL}, at=timezone.now(),
    )  # fmt: skip

    (row,) = [row for row in _cells(browser.get("/audit/file")) if row["actor.id"] == "1"]

    for name in ("actor.name", "target"):
        assert row[name].startswith("'=HYPERLINK(")
    assert orjson.loads(row["after"])["name"].startswith("=HYPERLINK(")


@given(value=st.text() | st.none() | st.booleans() | st.dictionaries(st.text(), _NUMBERS))
def test_no_cell_is_a_formula(value: Any) -> None:
    content = exporting._table(("a", "b"), [{"a": value}])

    assert content.decode().startswith('"a","b"\r\n"')
    assert content[len('"a","b"\r\n"') :][:1].decode("utf-8", "replace") not in "=+-@\t\r" or (
        value in (None, "")
    )
