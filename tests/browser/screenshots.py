"""Take a picture of every page, in both themes, wide and as a phone: `make screenshots`."""

import base64
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.estate import ADMIN, Estate, estate
from tests.support.chromium import PHONE, WIDE, Visitor, chromium

_THEMES = ("light", "dark")
# That of the README's example.
_PORT = 41003
_TRIED = "I am ada@example.com, my account is ACC-00412277, and it was charged twice."
# Those of docs/console.md, each with its theme and size.
_SHOWN = {
    "overview": ("light", (1280, 860)),
    "configuration": ("light", (1280, 860)),
    "compare": ("light", (1280, 760)),
    "repository": ("light", (1280, 860)),
    "gateways": ("dark", (1280, 620)),
    "audit": ("light", (1280, 620)),
    "try": ("dark", (1280, 860)),
    "repository-held": ("light", PHONE),
}


def taken(browser: Browser, one: Estate, folder: Path) -> None:
    """Write `PAGE-THEME-WIDTH.png` for each page."""
    for theme in _THEMES:
        for size in (WIDE, PHONE):
            visitor = Visitor(browser, one.stack, size=size, color_scheme=theme)
            visitor.page.goto("/sign-in")
            visitor.page.screenshot(path=folder / f"sign-in-{theme}-{size[0]}.png")
            visitor.signs_in(one.tokens[ADMIN])
            for name, path in one.pages().items():
                visitor.page.goto(path)
                file = folder / f"{name}-{theme}-{size[0]}.png"
                visitor.page.screenshot(path=file, full_page=True)
            visitor.context.close()


def shown(browser: Browser, one: Estate, folder: Path) -> None:
    """Write the pictures of the documentation as `PAGE.webp`."""
    visitors = {theme: Visitor(browser, one.stack, color_scheme=theme) for theme in _THEMES}
    for visitor in visitors.values():
        visitor.signs_in(one.tokens[ADMIN])
    for name, (theme, (width, height)) in _SHOWN.items():
        page = visitors[theme].page
        page.set_viewport_size({"width": width, "height": height})
        page.goto(one.pages()[name])
        if name == "try":
            page.get_by_label("Text", exact=True).fill(_TRIED)
            page.get_by_role("button", name="Try it").click()
            page.get_by_role("heading", name="The text as it goes on").wait_for()
        session = visitors[theme].context.new_cdp_session(page)
        # Playwright itself writes no WebP, which is half as large.
        answer = session.send("Page.captureScreenshot", {"format": "webp", "quality": 85})
        (folder / f"{name}.webp").write_bytes(base64.b64decode(answer["data"]))
    for visitor in visitors.values():
        visitor.context.close()


def main(folder: Path, documentation: Path | None) -> None:
    """Make an estate, look at it, and say where the pictures are."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as made,
        estate(Path(made), port=_PORT) as one,
        chromium() as browser,
    ):
        if documentation:
            documentation.mkdir(exist_ok=True)
            shown(browser, one, documentation)
        taken(browser, one, folder)
    print(f"{len(list(folder.glob('*.png')))} pictures are in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
