"""From a link to a rollback that gateways follow, by what a person sees and presses."""

import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.kt.gateway.support import Running
from tests.support.chromium import Visitor, Visits
from tests.support.forge import Forge
from tests.support.managed import ALLOWED, BLOCKED, Fleet, becomes, fleet, harmful
from tests.support.repo import Repo, policy
from tests.support.stack import Stack

pytestmark = pytest.mark.browser

STRICT = policy("Support bot")
OPEN = STRICT.replace("- safety-filter", "- audit-logger")
MISSPELT = policy("Payments").replace("- safety-filter", "- safety-filtr")
BOT, PAYMENTS = (f"policies/{name}/policy-config.yaml" for name in ("support-bot", "payments"))
REASON = "Complaints about what it says"
GATEWAYS = ("edge-1", "edge-2")


def test_the_way_from_a_link_to_a_rollback(
    stack: Stack, visit: Visits, forge: Forge, repo: Repo, tmp_path: Path
) -> None:
    """Sign in, link, see the first sync, mend a file, compare, roll back, and read who did it."""
    repo.commit({BOT: STRICT, PAYMENTS: MISSPELT})
    ada = visit(stack, permissions=["clipboard-read", "clipboard-write"])
    page = ada.signs_in(_token(stack, "Ada"))

    _link_after_a_trial(ada, repo)
    _see_the_first_sync(ada, forge, repo)
    _see_a_finding_and_mend_it(ada, repo)
    with fleet(stack, tmp_path) as gateways:
        running = [_add_a_gateway(page, gateways, name) for name in GATEWAYS]
        _see_a_push_arrive(ada, repo, running)
        _compare_and_roll_back(ada, running)
    _read_who_did_it(page)


def _token(stack: Stack, name: str) -> str:
    reply = stack.request("POST", "/v1/tokens", {"name": name, "role": "admin"})
    assert reply.status == 201, reply.body
    token: str = reply.data["token"]
    return token


def _go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name=name).click()


def _link_after_a_trial(ada: Visitor, repo: Repo) -> None:
    """What would be found is shown, and nothing is saved by that."""
    page = ada.page
    _go(page, "Repositories")
    expect(page.get_by_text("No repository is linked yet.")).to_be_visible()
    page.get_by_role("link", name="Link a repository").click()
    page.get_by_label("URL", exact=True).fill(repo.url)
    page.get_by_label("Path", exact=True).fill("policies/")
    page.get_by_label("Make a configuration for an id that is new").check()
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Seconds between polls").fill("1")
    with ada.without_loading():
        page.get_by_role("button", name="Show what would be found").click()
        found = page.get_by_role("region", name="What would be found")
        expect(found).to_contain_text("2 policy files")
    expect(found.get_by_role("row").filter(has_text=BOT)).to_contain_text("version 1")
    expect(found.get_by_role("row").filter(has_text=PAYMENTS)).to_contain_text("quarantined")
    assert ada.stack.get("/v1/git-repos") == []


def _see_the_first_sync(ada: Visitor, forge: Forge, repo: Repo) -> None:
    """It is waited for, and then it is there, on one and the same page."""
    page = ada.page
    hold = forge.git_holds[repo.bare.name] = threading.Event()
    page.get_by_role("button", name="Link it").click()
    first = page.get_by_role("heading", name="The first sync")
    expect(first).to_be_visible()
    with ada.without_loading():
        hold.set()
        expect(first).to_have_count(0)
        expect(page.get_by_text(BOT).first).to_be_visible()
    forge.release(repo)


def _see_a_finding_and_mend_it(ada: Visitor, repo: Repo) -> None:
    """The page says where and what, and turns green when the mended file is pushed."""
    page = ada.page
    trouble = page.get_by_role("article").filter(has_text=PAYMENTS)
    expect(trouble).to_contain_text("quarantined")
    expect(trouble).to_contain_text("line 7")
    expect(trouble).to_contain_text("did you mean")
    expect(page.get_by_text("synced in part", exact=True).first).to_be_visible()
    with ada.without_loading():
        repo.commit({PAYMENTS: policy("Payments")}, "Spell the filter right")
        expect(trouble).to_have_count(0)
        expect(page.get_by_text("synced", exact=True).first).to_be_visible()


def _add_a_gateway(page: Page, gateways: Fleet, name: str) -> Running:
    """The token that the page shows is copied, and its first report is seen on the page."""
    _go(page, "Gateways")
    page.get_by_role("link", name="Add gateways").click()
    page.get_by_label("Id", exact=True).fill(name)
    page.get_by_label("Configuration that it enforces").fill("support-bot")
    page.get_by_role("button", name="Register it").click()
    page.get_by_role("button", name="Copy").first.click()
    token = page.evaluate("navigator.clipboard.readText()")
    running = gateways.start(name, token)
    expect(page.get_by_text("It enforces version 1 of support-bot.")).to_be_visible()
    return running


def _see_a_push_arrive(ada: Visitor, repo: Repo, running: list[Running]) -> None:
    """What was merged is what both enforce, and the page says so by itself."""
    page = ada.page
    _go(page, "Configurations")
    page.get_by_role("link", name="support-bot", exact=True).click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("Version 1 is in force")
    expect(main).to_contain_text("2 of 2 gateways enforce it")
    with ada.without_loading():
        repo.commit({BOT: OPEN}, "Let everything through")
        expect(main).to_contain_text("Version 2 is in force")
        expect(main).to_contain_text("2 of 2 gateways enforce it")
    for one in running:
        becomes(lambda one=one: harmful(one), ALLOWED)


def _compare_and_roll_back(ada: Visitor, running: list[Running]) -> None:
    """The difference says what was weakened; the version before comes back, with a reason."""
    page = ada.page
    page.get_by_role("link", name="Show version 2").click()
    page.get_by_role("radio", name="Before: 1").check()
    page.get_by_role("radio", name="After: 2").check()
    page.get_by_role("button", name="Compare the two").click()
    expect(page.get_by_role("heading", name="From version 1 to 2")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="safety-filter")).to_contain_text("weaker")
    page.get_by_role("link", name="support-bot", exact=True).click()
    page.get_by_text("To 1", exact=True).click()
    page.get_by_label("Why").and_(page.locator(":visible")).fill(REASON)
    page.get_by_role("button", name="Roll back to 1").click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("Version 3 is in force")
    with ada.without_loading():
        expect(main).to_contain_text("2 of 2 gateways enforce it")
    for one in running:
        becomes(lambda one=one: harmful(one), BLOCKED)
    _go(page, "Gateways")
    for name in GATEWAYS:
        row = page.get_by_role("row").filter(has_text=name)
        expect(row.get_by_role("cell").nth(3)).to_have_text("3")


def _read_who_did_it(page: Page) -> None:
    """The audit log has the person, the act and the reason."""
    _go(page, "Audit")
    row = page.get_by_role("row").filter(has_text="configuration rolled back")
    expect(row).to_contain_text("Ada")
    expect(row).to_contain_text("support-bot")
    row.get_by_text("fields").click()
    expect(row).to_contain_text(REASON)
