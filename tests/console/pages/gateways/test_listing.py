"""The list of gateways: what each enforces and should, since when, and whether it is there."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from gateways.models import Gateway
from tests.console.browser import Browser
from tests.gateways.conftest import Register
from tests.support.gateways import Machine
from tests.support.repo import policy


def test_an_empty_installation_says_what_to_do(browser: Browser) -> None:
    """With the page where it is done."""
    page = browser.shows("/gateways")

    assert "No gateway is registered yet." in page and 'href="/gateways/enrol"' in page


def test_a_row_says_what_runs_and_what_should(
    browser: Browser, admin: APIClient, gateway: Machine
) -> None:
    """In numbers of versions, with the state and why."""
    gateway.run()
    admin.patch("/v1/configurations/bot", {"content": policy("Two")}, format="json")

    page = browser.shows("/gateways")

    row = page[page.index('<a href="/gateways/edge-1">') :]
    assert "rolling out" in row
    numbers = [part.split("</td>")[0].strip() for part in row.split('<td class="number">')[1:3]]
    assert numbers == ["1", "2"]


def test_filters_stand_in_the_url(browser: Browser, register: Register, bot: str) -> None:
    """State, labels, configuration; the counts of states lead to each."""
    register("edge-1", configuration=bot, labels={"region": "eu"}).run()
    register("edge-2")
    one, two = '<a href="/gateways/edge-1">', '<a href="/gateways/edge-2">'

    page = browser.shows("/gateways")
    assert one in page and two in page
    assert '<a href="?state=offline">' in page
    for query in ({"state": "in_sync"}, {"labels": "region=eu"}, {"configuration": "bot"}):
        page = browser.shows("/gateways", **query)
        assert one in page and two not in page
    assert "None is like this." in browser.shows("/gateways", q="nowhere")


def test_a_configuration_without_gateways_says_so(browser: Browser, bot: str) -> None:
    """Where it is asked for; among gateways it is none."""
    assert "no gateway is bound to it" in browser.shows("/gateways", configuration=bot)
    assert "No gateway is registered yet." in browser.shows("/gateways")


def test_it_costs_the_same_at_any_size(browser: Browser, register: Register, bot: str) -> None:
    """By a fixed number of queries, below 100 KB."""
    counts = []
    register("edge-0", configuration=bot)
    for size in (1, 300):
        Gateway.objects.bulk_create(_row(f"gate-{size}-{number}", bot) for number in range(size))
        register(f"edge-{size}", configuration=bot)  # It is counted, so that all is read anew.
        with CaptureQueriesContext(connection) as made:
            page = browser.shows("/gateways", sort="-gateway")
        counts.append(len(made))

    assert counts[0] == counts[1] <= 10
    assert page.count("<tr>") == 51 and "Next page" in page
    assert len(page.encode()) < 100_000


def _row(gateway_id: str, bound: str) -> Gateway:
    now = timezone.now()
    return Gateway(
        pk=gateway_id, name=gateway_id, digest=gateway_id, bound_id=bound, changed_seq=1,
        created_at=now, updated_at=now,
    )  # fmt: skip
