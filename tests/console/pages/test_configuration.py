"""The page of a configuration: how it stands, its history, and what may be done."""

import html
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from configurations.models import Configuration, Version
from tests.console.browser import Browser
from tests.gateways.conftest import Register
from tests.support.api import created
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db]

PATH = "/configurations/chat"
API = "/v1/configurations/chat"
EVIL = "\"'><script>alert(1)</script>"


def _published(admin: APIClient, *names: str, four_eyes: bool = False, **fields: object) -> None:
    """A configuration `chat`, a version for each name."""
    first, *others = names
    body = {"id": "chat", "content": policy(first), **fields}
    created(admin.post("/v1/configurations", body, format="json"))
    for name in others:
        assert admin.patch(API, {"content": policy(name)}, format="json").status_code == 200
    if four_eyes:
        assert admin.patch(API, {"four_eyes": True}, format="json").status_code == 200


def _words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_the_page_says_how_it_stands(
    browser: Browser, admin: APIClient, register: Register
) -> None:
    """A sentence first, then what it enforces in words, its history and its text in colours."""
    _published(admin, "One")
    register("g2", configuration="chat")
    first = register("g1", configuration="chat")
    admin.patch(API, {"content": policy("Two")}, format="json")
    first.run()

    page = browser.get(PATH).content.decode()

    told = _words(page)
    assert re.search(r"Version 2 is in force since .*? 1 of 2 gateways enforce it\.", told)
    assert "safety-filter, on requests and answers: harmful content, by terms and phrases" in told
    assert '<span class="k">chain</span>' in page
    assert re.search(r"published: .*? first gateway: .*? later .*?bound then: not yet", told)


def test_what_changes_by_itself_says_that_the_rest_is_older(
    browser: Browser, admin: APIClient
) -> None:
    """What somebody fills in below is not taken from under their hands, and not hidden as old."""
    _published(admin, "One")
    asked = re.search(r'hx-get="([^"]*)" hx-select="#now"', browser.get(PATH).content.decode())
    assert asked is not None
    path = html.unescape(asked.group(1))
    before = _words(browser.get(path).content.decode())
    assert admin.patch(API, {"content": policy("Two")}, format="json").status_code == 200

    after = _words(browser.get(path).content.decode())

    assert "Below stands" not in before
    assert "Below stands version 1, as it was when this page was loaded. Show version 2" in after


def test_findings_stand_beside_their_line(browser: Browser, admin: APIClient) -> None:
    """With code, words and what helps; lines of what the rules refuse now too."""
    _published(admin, "One")
    Version.objects.update(content=policy("One").replace("safety-filter", "safty-filter").encode())

    page = browser.get(PATH).content.decode()

    row = re.search(r'<tr class="found"><td class="number" id="L7">.*?</tr>\s*<tr.*?</tr>', page)
    assert row is not None
    assert "error E001" in _words(row.group())
    assert "The present rules refuse this version" in page


def test_a_version_is_rolled_back_to(browser: Browser, admin: APIClient) -> None:
    """With a reason, which the history shows; the page says what was done."""
    _published(admin, "One", "Two")

    answer = browser.send(PATH, "rollback", note="the second one was wrong")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PATH}?done=rollback")
    page = browser.get(answer.headers["Location"]).content.decode()
    assert "The content of that version is the next version now." in page
    assert "the second one was wrong" in page
    assert admin.get(API).json()["data"]["version"] == 3


def test_a_version_is_pinned_and_released(browser: Browser, admin: APIClient) -> None:
    """With a reason and an end."""
    _published(admin, "One")

    browser.send(PATH, "pin", reason="an audit", expires_at="2999-01-31T12:00")

    pin = admin.get(API).json()["data"]["pin"]
    assert (pin["reason"], pin["expires_at"][:16]) == ("an audit", "2999-01-31T12:00")
    assert "pinned it" in browser.get(PATH).content.decode()
    assert browser.send(PATH, "unpin").status_code == 303
    assert admin.get(API).json()["data"]["pin"] is None


def test_two_people_do_not_overwrite_each_other(browser: Browser, admin: APIClient) -> None:
    """Whoever sends a form of an older state sees the new one, and that nothing was done."""
    _published(admin, "One", "Two")
    form = browser.forms(PATH, "rollback")[0]
    admin.patch(API, {"content": policy("Three")}, format="json")

    answer = browser.post(PATH, {**form.fields, "note": "late"})

    assert answer.status_code == 412
    assert "Somebody changed this meanwhile, so nothing was done." in answer.content.decode()
    assert admin.get(API).json()["data"]["version"] == 3


def test_a_form_that_is_sent_twice_does_it_once(browser: Browser, admin: APIClient) -> None:
    """Since it has a key of its own."""
    _published(admin, "One", "Two")
    fields = browser.forms(PATH, "rollback")[0].fields

    answers = [browser.post(PATH, {**fields, "note": "x"}) for _ in range(2)]

    assert [one.status_code for one in answers] == [303, 303]
    assert admin.get(API).json()["data"]["version"] == 3


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_whoever_may_not_has_no_button(
    sign_in: Callable[[str], Browser], admin: APIClient, role: str
) -> None:
    """And is refused with the form of somebody else; what it enforces is shown all the same."""
    _published(admin, "One", "Two")
    fields = sign_in("admin").forms(PATH, "rollback")[0].fields
    somebody = sign_in(role)

    page = somebody.get(PATH).content.decode()
    assert 'name="act"' not in page and "safety-filter, on requests" in _words(page)
    answer = somebody.post(PATH, {**fields, "form_token": somebody.form_token(), "note": "x"})
    assert answer.status_code == 403
    assert "permission_denied" in answer.content.decode()


def test_what_is_not_there_is_a_page(browser: Browser, admin: APIClient) -> None:
    """Not an answer for programs."""
    _published(admin, "One")
    for path in ("/configurations/none-such", f"{PATH}/policy?version=9", f"{PATH}/compare?to=9"):
        answer = browser.get(path)

        assert answer.status_code == 404, path
        assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("act", "filled"),
    [("rollback", {}), ("pin", {"expires_at": "2999-01-01T00:00"})],
)
def test_with_four_eyes_it_is_asked_and_another_confirms(
    sign_in: Callable[[str], Browser], admin: APIClient, act: str, filled: dict[str, str]
) -> None:
    """What waits stands on the page, with who asked and why."""
    _published(admin, "One", "Two", four_eyes=True)
    ada, bob = sign_in("editor"), sign_in("editor")

    asked = ada.send(PATH, act, asked="it was wrong", **filled)

    assert asked.headers["Location"] == f"{PATH}?done=asked"
    page = bob.get(PATH).content.decode()
    assert "Waits for a second person" in page and "it was wrong" in page
    assert ada.forms(PATH, "confirm_request") == [] != ada.forms(PATH, "withdraw_request")
    assert bob.send(PATH, "confirm_request").status_code == 303
    row = admin.get(API).json()["data"]
    assert row["version"] == 3 if act == "rollback" else row["pin"]["reason"] == "it was wrong"


def test_what_is_asked_may_be_refused_or_withdrawn(
    sign_in: Callable[[str], Browser], admin: APIClient
) -> None:
    """Then it is gone from the page."""
    _published(admin, "One", "Two", four_eyes=True)
    ada, bob = sign_in("editor"), sign_in("editor")

    for somebody, act in ((bob, "refuse_request"), (ada, "withdraw_request")):
        ada.send(PATH, "rollback", asked="it was wrong")
        assert somebody.send(PATH, act, reason="no").status_code == 303
        assert "Waits for a second person" not in bob.get(PATH).content.decode()
    assert admin.get(API).json()["data"]["version"] == 2


def test_an_admin_may_do_it_alone(browser: Browser, admin: APIClient) -> None:
    """And everybody sees that nobody has confirmed it."""
    _published(admin, "One", "Two", four_eyes=True)

    answer = browser.send(PATH, "rollback", asked="at night", alone="true")

    assert answer.status_code == 303
    assert admin.get(API).json()["data"]["version"] == 3
    assert "An admin changed it alone" in browser.get(PATH).content.decode()


def test_nothing_that_others_fill_in_is_markup(
    browser: Browser, admin: APIClient, register: Register
) -> None:
    """Whatever git, gateways or the API say."""
    _published(
        admin, "One", "Two", name=EVIL, description=EVIL, labels={EVIL: EVIL}, four_eyes=True
    )
    text = policy("One") + f"# {EVIL}\n{EVIL}: 1\n"
    Version.objects.update(
        content=text.encode(), repo_url=EVIL, commit=EVIL, ref=EVIL, path=EVIL, author=EVIL,
        message=EVIL, signer=EVIL, signer_key=EVIL, actor=EVIL, note=EVIL,
    )  # fmt: skip
    finding = {"code": EVIL, "severity": "error", "path": EVIL, "message": EVIL,
               "suggestion": EVIL, "line": 1, "column": 1}  # fmt: skip
    Configuration.objects.update(
        refused_since="2026-01-01T00:00:00Z", findings=[finding],
        pinned_at="2026-01-01T00:00:00Z", pin_reason=EVIL, pin_actor=EVIL,
    )  # fmt: skip
    Version.objects.filter(number=1).update(content=policy("Other").encode())

    browser.send(PATH, "unpin", asked=EVIL)
    for path in (PATH, f"{PATH}/policy", f"{PATH}/compare", f"{PATH}/compare?view=unified",
                 "/configurations", f"/configurations?q={EVIL}", f"{PATH}?done={EVIL}",
                 "/try?configuration=chat&edit=1"):  # fmt: skip
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert 'title=""' not in page and '">&lt;' not in page.replace('">&lt;script', ""), path


def test_a_page_of_much_takes_as_much_as_one_of_little(
    browser: Browser, admin: APIClient, register: Register
) -> None:
    """As many queries however long its history, its policy and its fleet, and under 100 KB."""
    _published(admin, "One")
    register("g1", configuration="chat")
    browser.get(PATH)
    taken = []
    for number in range(2):
        with CaptureQueriesContext(connection) as queries:
            browser.get(PATH)
        taken.append(len(queries))
        if number == 0:
            _grow(admin, register)

    assert taken == [21, 21]
    assert len(browser.get(PATH).content) < 100_000
    assert len(browser.get(f"{PATH}/policy").content) < 100_000


def _grow(admin: APIClient, register: Register) -> None:
    """Have a long history, many gateways and, in the end, a long policy."""
    long = "".join(f"# {line} {'<&>' * 100}\n" for line in range(2000))
    for number in range(25):
        content = policy(f"Number {number}") + (long if number == 24 else "")
        assert admin.patch(API, {"content": content}, format="json").status_code == 200
    for number in range(20):
        register(f"more-{number}", configuration="chat").run()


def test_history_goes_on(browser: Browser, admin: APIClient) -> None:
    """To the first version."""
    _published(admin, *(f"Number {number}" for number in range(25)))
    first = browser.get(PATH).content.decode()
    (link,) = re.findall(r'<a href="([^"]*)">Next page</a>', first)

    second = browser.get(PATH + link.replace("&amp;", "&")).content.decode()

    assert "policy?version=25" in first and 'policy?version=1"' not in first
    assert 'policy?version=1"' in second


def test_what_changes_by_itself_is_a_part(browser: Browser, admin: APIClient) -> None:
    """Which needs no judge."""
    _published(admin, "One")

    page = browser.get(PATH, part="now").content.decode()

    assert 'id="now"' in page and 'id="policy"' not in page


def test_a_policy_is_read_in_pieces(browser: Browser, admin: APIClient) -> None:
    """With its lines numbered through, and findings of other lines told above."""
    long = policy("Long") + "".join(f"# line {number}\n" for number in range(1200))
    _published(admin, "Long")
    Version.objects.update(content=(long + "pack: 1\n").encode())

    first = browser.get(f"{PATH}/policy").content.decode()
    (link,) = re.findall(r'<a href="([^"]*line=\d+)">Further lines</a>', first)
    second = browser.get(link.replace("&amp;", "&")).content.decode()

    assert 'id="L500"' in first and 'id="L501"' not in first
    assert 'id="L501"' in second and 'id="L500"' not in second
    assert re.search(r'line=1208">Line 1208</a>', first)


def test_two_versions_are_compared(browser: Browser, admin: APIClient) -> None:
    """In words first, then as texts, side by side or one below the other."""
    _published(admin, "One")
    weaker = policy("One").replace("- safety-filter", "- audit-logger")
    admin.patch(API, {"content": weaker}, format="json")

    split = browser.get(f"{PATH}/compare", **{"from": "1", "to": "2"}).content.decode()
    unified = browser.get(f"{PATH}/compare", view="unified").content.decode()

    for page in (split, unified):
        assert "weaker policies.chain: safety-filter no longer runs" in _words(page)
        assert page.index("What changes in enforcement") < page.index("Text</h2>")
    assert '<td class="gone">' in split and '<td class="new">' in split
    assert '<tr class="gone">' in unified and '<tr class="new">' in unified


def test_versions_that_cannot_be_compared_in_words_are_compared_as_texts(
    browser: Browser, admin: APIClient
) -> None:
    """And the page says why."""
    _published(admin, "One", "Two")
    Version.objects.filter(number=1).update(content=b"pack: 1\n")

    page = browser.get(f"{PATH}/compare").content.decode()

    assert "A version that the present rules refuse cannot be compared." in page
    assert '<td class="gone">' in page
