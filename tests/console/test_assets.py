"""Files of pages: named by their content, kept for ever, and the sheet of styles in each page."""

import base64
import hashlib
import re
from importlib.resources import files

import pytest
from django.test import Client

from console import assets
from tests.console.browser import Browser

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_LOADED = re.compile(r'(?:src|href)="(/static/[^"]+)"')


def _sheet() -> bytes:
    return (files("console") / "static" / "console" / "console.css").read_bytes()


@pytest.mark.parametrize("path", ["/sign-in", "/configurations", "/configurations/none-such"])
def test_a_page_has_its_styles_in_it(path: str, browser: Browser) -> None:
    """So one answer is enough to paint it; the policy lets this very text in and no other."""
    answer = browser.get(path)

    page = answer.content.decode()
    found = _STYLE.findall(page)
    assert [one.encode() for one in found] == [_sheet()]
    assert "style=" not in page and 'rel="stylesheet"' not in page
    digest = base64.b64encode(hashlib.sha256(_sheet()).digest()).decode()
    rules = answer.headers["Content-Security-Policy"].split("; ")
    assert [one for one in rules if one.startswith("style-src")] == [f"style-src 'sha256-{digest}'"]


def test_a_part_that_is_read_again_comes_without_them(browser: Browser) -> None:
    """It is read each few seconds, and the page around it has them."""
    head = {"Accept": "text/html", "HX-Request": "true"}

    page = browser.client.get("/configurations", headers=head).content.decode()

    assert "<style>" not in page and 'id="list"' in page


def test_no_script_is_waited_for(browser: Browser) -> None:
    """What stands below the head is painted before any is there."""
    scripts = re.findall(r"<script[^>]*>", browser.shows("/configurations"))

    assert len(scripts) == 2 and all(" defer" in one for one in scripts)


def test_the_sheet_is_what_browsers_read() -> None:
    """They take other ends of lines for this one, and a tag within it for its end."""
    sheet = _sheet()
    assert b"\r" not in sheet and b"</" not in sheet and b"\0" not in sheet


def test_a_file_is_kept_for_ever_under_the_name_of_its_content(browser: Browser) -> None:
    """Another content has another name, so that no cache shows what is old."""
    loaded = set(_LOADED.findall(browser.shows("/configurations")))

    assert len(loaded) == len(assets.NAMES)
    for path in loaded:
        answer = Client().get(path)
        content = b"".join(answer.streaming_content)
        assert hashlib.sha256(content).hexdigest().startswith(path.split(".")[-2]), path
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", [*assets.NAMES, "console/console.css", "django_htmx/htmx-4.js"])
def test_a_file_has_no_other_name(name: str) -> None:
    """None without a hash, and none with that of another release."""
    stem, _, kind = f"/static/{name}".rpartition(".")

    for path in (f"/static/{name}", f"{stem}.{'0' * 16}.{kind}"):
        assert Client().get(path).status_code == 404
