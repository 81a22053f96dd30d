"""The console where not all is well: empty, very full, without scripts, contested, broken."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import axe
from tests.support.chromium import Visits
from tests.support.repo import Repo, policy
from tests.support.servers import Postgres
from tests.support.stack import Stack, title, wait_for

pytestmark = pytest.mark.soak

_MANY = 10_000
_BOT = {"id": "support-bot", "content": policy("One")}
_ONE = "/v1/configurations/support-bot"

_WORKERS = [title("poller"), title("syncer")]


def _two_versions(stack: Stack) -> None:
    assert stack.request("POST", "/v1/configurations", _BOT).status == 201
    assert stack.request("PATCH", _ONE, {"content": policy("Two")}).status == 200


def test_an_empty_installation_says_what_to_do_first(
    stack: Stack, visit: Visits, script: str
) -> None:
    """On the overview and on each list, with the way there."""
    page = visit(stack).signs_in(stack.token())
    expect(page.get_by_role("listitem").filter(has_text="Add a gateway")).to_be_visible()
    assert axe.violations(page, script) == []
    page.get_by_role("main").get_by_role("link", name="Link a repository").click()
    expect(page.get_by_role("heading", name="Link a repository")).to_be_visible()
    for path, way in (
        ("/configurations", "Link a repository"),
        ("/repositories", "Link one"),
        ("/gateways", "Add one"),
    ):
        page.goto(path)
        assert axe.violations(page, script) == []
        page.get_by_role("table").get_by_role("link", name=way).click()
        expect(page.get_by_role("button").nth(1)).to_be_visible()
        assert axe.violations(page, script) == []
    for path in ("/requests", "/events", "/audit", "/access"):
        page.goto(path)
        assert axe.violations(page, script) == []


def test_two_people_edit_one_thing(stack: Stack, visit: Visits, repo: Repo, script: str) -> None:
    """Whoever is late is told so, sees how it stands, and has what they wrote still there."""
    repo.commit({"policy-config.yaml": policy("One")})
    edit = f"/repositories/{stack.link(repo.url)['id']}/edit"
    ada, grace = (visit(stack) for _ in range(2))
    for one in (ada, grace):
        one.signs_in(stack.token()).goto(edit)
    ada.page.get_by_label("Path", exact=True).fill("policies/")
    ada.page.get_by_role("button", name="Save").click()
    expect(ada.page.get_by_text("The link is changed, and looked at anew.")).to_be_visible()

    grace.page.get_by_label("Path", exact=True).fill("rules/")
    with grace.refused(412):
        grace.page.get_by_role("button", name="Save").click()
        told = grace.page.get_by_role("alert")
        expect(told).to_contain_text("Somebody changed this meanwhile, so nothing was done.")
        assert axe.violations(grace.page, script) == []

    expect(grace.page.get_by_label("Path", exact=True)).to_have_value("rules/")
    expect(grace.page.get_by_role("main")).to_contain_text("below policies/")
    grace.page.get_by_role("button", name="Save").click()
    expect(grace.page.get_by_role("main")).to_contain_text("below rules/")


def test_without_scripts_pages_and_forms_work(stack: Stack, visit: Visits) -> None:
    """Somebody signs in, searches, and rolls back."""
    _two_versions(stack)
    page = visit(stack, java_script_enabled=False).signs_in(stack.token())
    page.goto("/configurations")
    page.get_by_role("searchbox", name="Search").fill("support")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="support-bot").click()
    page.get_by_text("To 1", exact=True).click()
    row = page.get_by_role("row").filter(has_text="To 1")
    row.get_by_label("Why").fill("The second one was wrong")
    row.get_by_role("button", name="Roll back to 1").click()

    expect(page.get_by_role("main")).to_contain_text("Version 3 is in force")
    expect(page.get_by_role("main")).to_contain_text("The second one was wrong")


def test_ten_thousand_configurations_are_found(stack: Stack, visit: Visits, script: str) -> None:
    """The list comes in pages, a search finds one, and one opens as usual."""

    def made(number: int) -> None:
        name = f"team-{number % 100}-bot-{number}"
        body = {"id": name, "name": f"Bot {number}", "content": policy(f"Bot {number}")}
        assert stack.request("POST", "/v1/configurations", body).status == 201

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(made, range(_MANY)))
    page = visit(stack).signs_in(stack.token())
    page.goto("/configurations")
    expect(page.get_by_text(f"{_MANY} configurations")).to_be_visible()
    assert axe.violations(page, script) == []
    first = page.get_by_role("row").nth(1).inner_text()
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("link", name="First page")).to_be_visible()
    assert page.get_by_role("row").nth(1).inner_text() != first
    page.get_by_role("searchbox", name="Search").fill("bot-9876")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("1 configuration", exact=True)).to_be_visible()
    page.get_by_role("link", name="team-76-bot-9876").click()
    expect(page.get_by_role("heading", name="Bot 9876")).to_be_visible()


def test_a_database_that_is_gone_is_told(tmp_path: Path, visit: Visits, script: str) -> None:
    """On the page that is open, which keeps what it shows, and on one that is asked for then."""
    with Postgres() as postgres:
        secret = "only-for-tests-0123456789abcdef0123456789"
        own = {"DATABASE_URL": postgres.url, "KEEPTRUSTS_SECRET_KEY": secret}
        stack = Stack(tmp_path / "data", **own).start()
        try:
            _two_versions(stack)
            visitor = visit(stack)
            page = visitor.signs_in(stack.token())
            page.goto("/configurations/support-bot")
            with visitor.refused(503):
                postgres.end(signal.SIGKILL)
                expect(page.get_by_text("What is shown may be old.")).to_be_visible()
                expect(page.get_by_role("main")).to_contain_text("Version 2 is in force")
                assert axe.violations(page, script) == []
                page.goto("/configurations")
                expect(page.get_by_role("heading", name="Not now")).to_be_visible()
                assert axe.violations(page, script) == []
                postgres.start()
                wait_for(stack.is_healthy)
                page.goto("/configurations/support-bot")
                expect(page.get_by_role("main")).to_contain_text("Version 2 is in force")
            visitor.context.close()  # Before the control plane, which its page would miss.
        finally:
            stack.stop()


def test_a_worker_that_hangs_is_told(stack: Stack, visit: Visits, script: str) -> None:
    """The overview says so, and says it no more when the worker goes on."""
    page = visit(stack).signs_in(stack.token())
    told = page.get_by_text("A part of the control plane does not work.")
    expect(told).to_have_count(0)
    workers = [pid for pid, line in stack.children().items() if line in _WORKERS]
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        expect(told).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text("worker and beat")
        assert axe.violations(page, script) == []
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    expect(told).to_have_count(0)
