"""Every page as it comes: accessible, light, within the screen, asking nobody else."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import axe
from tests.browser.estate import ADMIN, VIEWER, Estate, estate
from tests.support.chromium import PHONE, WIDE, Visits
from tests.support.repo import policy
from tests.support.stacks import environment

pytestmark = pytest.mark.soak

_MOST_BYTES = 100_000


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Estate]:
    """An estate that nobody changes."""
    tmp = tmp_path_factory.mktemp("estate")
    with estate(tmp / "made", **environment(tmp, worker_id, own=True)) as made:
        yield made


def _opened(page: Page, path: str) -> None:
    page.goto(path)
    # What is folded is looked at, too.
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_no_rule_of_accessibility_is_broken(
    one: Estate, visit: Visits, script: str, theme: str, size: tuple[int, int]
) -> None:
    """In both themes, on a screen and on a phone, for whoever may do all and who may look."""
    found = {}
    for who in (ADMIN, VIEWER):
        visitor = visit(one.stack, color_scheme=theme, size=size)
        visitor.page.goto("/sign-in")
        found["sign-in"] = axe.violations(visitor.page, script)
        page = visitor.signs_in(one.tokens[who])
        for name, path in one.pages().items():
            _opened(page, path)
            found[f"{name} of {who}"] = axe.violations(page, script)
        visitor.problems[:] = [line for line in visitor.problems if "status of 40" not in line]

    assert {name: told for name, told in found.items() if told} == {}


@pytest.mark.parametrize("width", [PHONE[0], 768, 1024, 1280])
def test_no_page_is_wider_than_its_screen(one: Estate, visit: Visits, width: int) -> None:
    """Tables scroll within themselves; the page does not."""
    visitor = visit(one.stack, size=(width, 844))
    page = visitor.signs_in(one.tokens[ADMIN])
    widths = {}
    for name, path in one.pages().items():
        _opened(page, path)
        widths[name] = page.evaluate(_WIDTH)
    visitor.problems[:] = [line for line in visitor.problems if "status of 404" not in line]

    assert {name: found for name, found in widths.items() if found > width} == {}


_WIDTH = "document.documentElement.scrollWidth"


@pytest.mark.parametrize("width", [PHONE[0], 1024])
def test_a_name_as_long_as_it_may_be_widens_no_page(one: Estate, visit: Visits, width: int) -> None:
    """Nor does a reason, or a label, without a blank to break it at."""
    kept = f"l{width}".ljust(63, "n")
    content = policy("N" * 200)
    body = {"id": kept, "name": "N" * 200, "content": content, "labels": {kept: kept}}
    assert one.stack.request("POST", "/v1/configurations", body).status == 201
    reason = {"version": 1, "reason": "r" * 500}
    assert one.stack.request("POST", f"/v1/configurations/{kept}/pin", reason).status == 200
    token = {"name": "t" * 100, "role": "viewer", "note": "n" * 200}
    assert one.stack.request("POST", "/v1/tokens", token).status == 201
    visitor = visit(one.stack, size=(width, 844))
    page = visitor.signs_in(one.tokens[ADMIN])
    widths = {}
    for path in ("/", "/configurations", f"/configurations/{kept}", "/audit", "/events", "/access"):
        _opened(page, path)
        widths[path] = page.evaluate(_WIDTH)

    assert {path: found for path, found in widths.items() if found > width} == {}


def test_a_page_is_light_and_painted_at_once(one: Estate, visit: Visits) -> None:
    """Under 100 kB with all that it loads; the first paint waits for nothing but the page."""
    weights, waited = {}, {}
    for name, path in one.pages().items():
        visitor = visit(one.stack)
        page = visitor.signs_in(one.tokens[ADMIN])
        session = visitor.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        sizes: list[float] = []
        session.on(
            "Network.loadingFinished", lambda told, to=sizes: to.append(told["encodedDataLength"])
        )
        page.goto(path)
        weights[name] = sum(sizes)
        waited[name] = Counter(_kind(one) for one in page.evaluate(_BLOCKING))
        visitor.problems[:] = [line for line in visitor.problems if "status of 404" not in line]
        visitor.context.close()
    print({name: int(size) for name, size in weights.items()}, waited["overview"])

    assert {name: size for name, size in weights.items() if size >= _MOST_BYTES} == {}
    assert {name: kinds for name, kinds in waited.items() if kinds} == {}


_BLOCKING = """performance.getEntriesByType("resource")
    .filter((one) => one.renderBlockingStatus === "blocking").map((one) => one.name)"""


def _kind(url: str) -> str:
    return url.rpartition("/")[2]


def test_whoever_may_look_has_no_button(one: Estate, visit: Visits) -> None:
    """But those that show, and that of signing out."""
    visitor = visit(one.stack)
    page = visitor.signs_in(one.tokens[VIEWER])
    buttons: dict[str, set[str]] = {}
    for name, path in one.pages().items():
        _opened(page, path)
        texts = page.get_by_role("button").all_inner_texts()
        buttons[name] = set(texts) - {"Sign out", "Show", "Compare", "Copy"}
    visitor.problems[:] = [line for line in visitor.problems if "status of 40" not in line]

    assert {name: left for name, left in buttons.items() if left - {"Compare the two"}} == {}


def test_the_keyboard_reaches_everything(one: Estate, visit: Visits) -> None:
    """In the order of the page, with a mark that is seen; the first stop leads past the bar."""
    visitor = visit(one.stack)
    page = visitor.signs_in(one.tokens[ADMIN])
    for path in (f"/repositories/{one.link}", "/configurations", "/gateways", "/try"):
        page.goto(path)
        reached = _tabbed(page)
        assert reached[0]["text"] == "Skip to the page"
        assert [stop for stop in reached if not stop["seen"]] == []
        places = [stop["place"] for stop in reached]
        assert places == sorted(places)
        assert len(places) == page.evaluate(_STOPS + "stops().length")
    page.goto("/configurations")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


# What the keyboard should reach: all that can be pressed or filled in, of radios one of each name.
_STOPS = """const stops = () => {
  const radios = new Set();
  const all = document.querySelectorAll(
    "a[href],button,input,select,textarea,summary,[tabindex='0']");
  return [...all].filter((one) => {
    if (one.type === "hidden" || one.disabled || !one.checkVisibility()) return false;
    if (one.type !== "radio") return true;
    const name = `${one.form && one.form.id} ${one.name}`;
    return !radios.has(name) && radios.add(name);
  });
};
"""
_STOP = (
    _STOPS
    + """(() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {
    text: one.textContent.trim().slice(0, 60),
    place: [...document.querySelectorAll("*")].indexOf(one),
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && box.left >= 0,
  };
})()"""
)


def _tabbed(page: Page) -> list[dict[str, Any]]:
    """Where the key Tab leads, from the beginning of the page to its end."""
    found = []
    while True:
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None or (found and stop["place"] == found[0]["place"]):
            return found
        found.append(stop)
        assert len(found) < 500
