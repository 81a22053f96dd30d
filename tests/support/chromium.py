"""Chromium without a window, and what it should never meet while it shows the console."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.support.stack import PATIENCE_SECONDS, Stack

# Debian's, and not one of playwright's own downloads: what security updates reach.
CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = PATIENCE_SECONDS * 1000
WIDE, PHONE = (1440, 900), (390, 844)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that ends with the block."""
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing; on Debian: apt install chromium"
    arguments = ["--disable-dev-shm-usage"]  # Containers have 64 MB of it.
    if os.geteuid() == 0:
        # The sandbox gives up the rights of who starts it, which Chromium refuses to do for root,
        # as whom containers of CI run. What it shows here are our own pages.
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Visitor:
    """Somebody's browser: a context with its own cookies, whose pages are watched.

    `problems` has what no page may cause: errors and violations in the browser's log, scripts that
    fail, requests to another host. A refusal, a page whose status is no success, is told there
    too; `refused` forgives those that a test is about.
    """

    def __init__(self, browser: Browser, stack: Stack, **options: Any) -> None:
        width, height = options.pop("size", WIDE)
        self.stack = stack
        self.context: BrowserContext = browser.new_context(
            base_url=stack.url, viewport={"width": width, "height": height}, **options
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.problems: list[str] = []
        self.loads = 0
        self.context.on("request", lambda request: self._asked(request.url))
        self.context.on("console", self._logged)
        self.context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.page: Page = self.context.new_page()
        self.page.on("load", self._loaded)

    def _asked(self, url: str) -> None:
        at = urlsplit(url)
        if (
            at.scheme not in ("data", "blob", "about")
            and at.netloc != urlsplit(self.stack.url).netloc
        ):
            self.problems.append(f"asks another host: {url}")

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _loaded(self, _: object) -> None:
        self.loads += 1

    def signs_in(self, token: str) -> Page:
        """Sign in by the form; the overview is shown then."""
        self.page.goto("/sign-in")
        self.page.get_by_label("Token", exact=True).fill(token)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.get_by_role("heading", name="Overview").wait_for()
        return self.page

    @contextmanager
    def without_loading(self) -> Iterator[None]:
        """What happens in the block is seen without the page being loaded again."""
        self.page.wait_for_load_state()
        before = self.loads
        yield
        assert self.loads == before, "the page was loaded"

    @contextmanager
    def refused(self, status: int) -> Iterator[None]:
        """The block ends in a refusal, which the browser's log has as an error."""
        before = len(self.problems)
        yield
        told = [one for one in self.problems[before:] if f"status of {status}" in one]
        assert told, f"nothing was refused with {status}"
        self.problems[before:] = [one for one in self.problems[before:] if one not in told]

    def leaves(self) -> None:
        """Close it; fails when a page met a problem."""
        self.context.close()
        assert not self.problems, self.problems


Visits = Callable[..., Visitor]
