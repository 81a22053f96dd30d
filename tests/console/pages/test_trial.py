"""The page where a text is tried."""

import html
import re
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from tests.console.browser import Browser
from tests.support.api import created
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db]

PATH = "/try"
SECRET = "ada.lovelace@example.com"
PERSONAL = policy("Personal").replace("- safety-filter", "- pii-detector")
BLOCKING = policy("Falcon") + "policy:\n  safety-filter:\n    block_if: [falcon]\n"


@pytest.fixture
def stored(admin: APIClient) -> None:
    body = {"id": "chat", "content": BLOCKING}
    created(admin.post("/v1/configurations", body, format="json"))
    assert (
        admin.patch("/v1/configurations/chat", {"content": PERSONAL}, format="json").status_code
        == 200
    )


def _tried(browser: Browser, **filled: str) -> str:
    answer = browser.send(PATH, "try", **{"edit": "", **filled})
    assert answer.status_code == 200
    return str(answer.content.decode())


def _words(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", page).split()))


def test_the_decision_is_told_with_what_matched_and_the_redacted_text(
    browser: Browser, stored: None
) -> None:
    """The hit itself is in nothing but the field that it was written into."""
    page = _tried(browser, text=f"Write to {SECRET}", configuration="chat")

    told = _words(page)
    assert "chat, in force redact pii-detector:" in told
    assert "email email pii-detector messages[0].content" in told
    assert "Write to [REDACTED:EMAIL]" in told
    before, _, field = page.partition('<textarea id="text"')
    assert SECRET not in before.partition('<pre id="case"')[0] and SECRET in field


def test_two_versions_decide_about_one_text(browser: Browser, stored: None) -> None:
    """Each under its name."""
    page = _tried(browser, text=f"falcon {SECRET}", configuration="chat", version="1", other="2")

    told = _words(page)
    assert "chat, version 1 block safety-filter:" in told
    assert "chat, version 2 redact pii-detector:" in told


def test_an_edited_policy_decides_beside_the_stored_one(browser: Browser, stored: None) -> None:
    """From a text that the page takes over."""
    taken = _tried(browser, configuration="chat", version="1", edit="1", text="falcon eagle")
    content = re.search(r'<textarea id="content"[^>]*>(.*?)</textarea>', taken, re.DOTALL)
    assert content is not None and html.unescape(content.group(1)) == BLOCKING

    page = _tried(
        browser, text="eagle", configuration="chat", version="1",
        content=BLOCKING.replace("falcon", "eagle"),
    )  # fmt: skip

    told = _words(page)
    assert "chat, version 1 allow Nothing objects." in told
    assert "The policy below block safety-filter:" in told


def test_an_answer_and_a_role_are_tried(browser: Browser) -> None:
    """The role is a header of the call."""
    content = policy("Roles").replace("- safety-filter", "- rbac") + (
        "policy:\n  rbac:\n    deny_if_missing: [X-Role, X-User-ID]\n"
    )

    without = _tried(browser, text="Hello", content=content)
    given = _tried(browser, text="Hello", content=content, role="a", headers="X-User-ID: ada")
    answer = _tried(browser, text="Hello", content=content, said_by="model")

    assert "rbac.missing_header" in without
    assert "Nothing objects." in given and "Nothing objects." in answer


@pytest.mark.parametrize("said_by", ["user", "model"])
@pytest.mark.parametrize("text", [SECRET, 'a "quoted"\n\tline: {x} # \u2028 é', "Hello"])
def test_the_case_holds(browser: Browser, admin: APIClient, text: str, said_by: str) -> None:
    """A policy with it is valid, and one that decides otherwise is not."""
    page = _tried(browser, text=text, content=PERSONAL, said_by=said_by, role="a", model="gpt-4o")
    found = re.search(r'<pre id="case"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found is not None
    case = html.unescape(found.group(1))

    def valid(content: str) -> bool:
        body = {"content": content + case}
        return bool(
            admin.post("/v1/configurations/validate", body, format="json").json()["data"]["valid"]
        )

    assert valid(PERSONAL)
    other = PERSONAL.replace("pii-detector", "audit-logger") if text == SECRET else BLOCKING
    assert valid(other) is (text != SECRET)


@pytest.mark.parametrize(
    ("filled", "message"),
    [
        ({"content": "pack: 1"}, "Line 1:"),
        ({"configuration": "none-such"}, "There is no configuration"),
        ({"configuration": "chat", "version": "99"}, "There is no version 99 of configuration"),
    ],
)
def test_what_cannot_be_tried_is_told_in_its_place(
    browser: Browser, stored: None, filled: dict[str, str], message: str
) -> None:
    """The text is not lost."""
    page = _tried(browser, text="keep me", **filled)

    assert message in _words(page) and "keep me" in page


@pytest.mark.parametrize(
    "filled",
    [{}, {"headers": "nonsense", "content": PERSONAL}, {"edit": "1", "configuration": "no"}],
)
def test_a_form_that_says_too_little_is_answered_in_place(
    browser: Browser, filled: dict[str, str]
) -> None:
    """With what is missing."""
    answer = browser.send(PATH, "try", **{"edit": "", "text": "keep me", **filled})

    assert answer.status_code in (400, 404)
    assert 'role="alert"' in answer.content.decode() or answer.status_code == 404


def test_whoever_may_not_try_reads_why(sign_in: Callable[[str], Browser], stored: None) -> None:
    """And is refused with the form of somebody else."""
    fields = sign_in("admin").forms(PATH, "try")[0].fields
    viewer = sign_in("viewer")

    assert viewer.forms(PATH, "try") == []
    fields |= {"form_token": viewer.form_token(), "text": "x", "configuration": "chat"}
    fields.pop("edit", None)
    page = viewer.post(PATH, fields).content.decode()
    assert "may not" in page and "Nothing objects" not in page


def test_no_other_site_tries_a_text(browser: Browser) -> None:
    """A form must be of the session."""
    answer = browser.post(PATH, {"act": "try", "text": "x", "content": PERSONAL, "form_token": "0"})

    assert answer.status_code == 403


def test_a_link_names_what_to_try_with(browser: Browser, stored: None) -> None:
    """With its text to edit, where that is asked for; nothing of it is markup."""
    page = browser.get(PATH, configuration="chat", version="1", edit="1").content.decode()
    evil = browser.get(PATH, configuration='"><script>alert(1)</script>').content.decode()

    assert 'value="chat"' in page and "block_if: [falcon]" in page
    assert "<script>alert" not in evil
    assert browser.get(PATH, configuration="none", edit="1").status_code == 404
