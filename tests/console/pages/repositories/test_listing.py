"""The list of links: how each stands, why, and what helps."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from gitrepos.models import Link
from tests.console.browser import Browser
from tests.console.pages.repositories.conftest import FILE
from tests.support.repo import Repo
from tests.support.syncing import edit, link, poll

URL = "https://forge.example/org/policies"


def test_an_empty_installation_says_what_to_do(browser: Browser) -> None:
    """With the page where it is done."""
    page = browser.shows("/repositories")

    assert "No repository is linked yet." in page
    assert page.count('href="/repositories/new"') == 2


def test_a_row_says_why_and_what_helps(
    browser: Browser, admin: APIClient, repo: Repo, linked: dict[str, Any]
) -> None:
    """A quarantined file leads to the files, a suspended link to where it is resumed."""
    here = f"/repositories/{linked['id']}"
    repo.commit({FILE: "pack: 1\n"})
    poll()

    page = browser.shows("/repositories")
    assert "Files not in force as in git: 1 quarantined" in page
    assert f'<a href="{here}/files?outcome=quarantined' in page
    edit(admin, linked, suspended=True)
    page = browser.shows("/repositories")
    assert "The link is suspended." in page
    assert f'<a href="{here}#actions">Resume</a>' in page


def test_a_filter_stands_in_the_url(browser: Browser, admin: APIClient) -> None:
    """So does the order, and the page after the first."""
    for number in range(3):
        link(admin, f"{URL}{number}", suspended=number == 1)

    page = browser.shows("/repositories", status="suspended")
    assert f"{URL}1</a>" in page and f"{URL}2</a>" not in page
    assert "1 link</span>" in page and '<a href="?status=pending">' in page
    page = browser.shows("/repositories", sort="-url")
    assert page.index(f"{URL}2</a>") < page.index(f"{URL}0</a>")
    assert 'aria-sort="descending"' in page
    assert "None is like this." in browser.shows("/repositories", q="nowhere")


def test_it_costs_the_same_at_any_size(browser: Browser, admin: APIClient) -> None:
    """A page of rows by a fixed number of queries, below 100 KB."""
    link(admin, URL)
    with CaptureQueriesContext(connection) as few:
        browser.shows("/repositories")
    row = Link.objects.get()
    for number in range(60):  # More than a page has.
        link(admin, f"{URL}{number}")
    assert row.pk

    with CaptureQueriesContext(connection) as many:
        page = browser.shows("/repositories")

    assert len(many) == len(few) <= 12
    assert page.count("<tr>") == 51 and "Next page" in page
    assert len(page.encode()) < 100_000
