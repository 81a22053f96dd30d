"""Pages of configurations."""

from collections.abc import Callable

from rest_framework.test import APIClient

from tests.console.browser import Browser
from tests.support.repo import policy


def _published(admin: APIClient, *names: str) -> None:
    """A configuration `chat`, a version for each name."""
    first, *others = names
    body = {"id": "chat", "content": policy(first)}
    assert admin.post("/v1/configurations", body, format="json").status_code == 201
    for name in others:
        body = {"content": policy(name)}
        assert admin.patch("/v1/configurations/chat", body, format="json").status_code == 200


def test_the_list_leads_to_each(browser: Browser, admin: APIClient) -> None:
    """By its id, with the version in force."""
    _published(admin, "One", "Two")

    page = browser.get("/configurations").content.decode()

    assert '<a href="/configurations/chat">chat</a>' in page
    assert '<td class="number">2</td>' in page


def test_a_version_is_rolled_back_to(browser: Browser, admin: APIClient) -> None:
    """With a reason, which the history shows; the page says what was done."""
    _published(admin, "One", "Two")

    answer = browser.send("/configurations/chat", "rollback", note="the second one was wrong")

    assert (answer.status_code, answer.headers["Location"]) == (
        303, "/configurations/chat?done=rollback",
    )  # fmt: skip
    page = browser.get(answer.headers["Location"]).content.decode()
    assert "The content of that version is the next version now." in page
    assert "the second one was wrong" in page
    assert admin.get("/v1/configurations/chat").json()["data"]["version"] == 3


def test_two_people_do_not_overwrite_each_other(browser: Browser, admin: APIClient) -> None:
    """Whoever sends a form of an older state sees the new one, and that nothing was done."""
    _published(admin, "One", "Two")
    form = browser.forms("/configurations/chat", "rollback")[0]
    admin.patch("/v1/configurations/chat", {"content": policy("Three")}, format="json")

    answer = browser.post("/configurations/chat", {**form.fields, "note": "late"})

    assert answer.status_code == 412
    assert "Somebody changed this meanwhile, so nothing was done." in answer.content.decode()
    assert admin.get("/v1/configurations/chat").json()["data"]["version"] == 3


def test_a_form_that_is_sent_twice_does_it_once(browser: Browser, admin: APIClient) -> None:
    """Since it has a key of its own."""
    _published(admin, "One", "Two")
    fields = browser.forms("/configurations/chat", "rollback")[0].fields

    answers = [browser.post("/configurations/chat", {**fields, "note": "x"}) for _ in range(2)]

    assert [one.status_code for one in answers] == [303, 303]
    assert admin.get("/v1/configurations/chat").json()["data"]["version"] == 3


def test_whoever_may_not_has_no_button(sign_in: Callable[[str], Browser], admin: APIClient) -> None:
    """And is refused with the form of somebody else."""
    _published(admin, "One", "Two")
    fields = sign_in("admin").forms("/configurations/chat", "rollback")[0].fields
    viewer = sign_in("viewer")

    assert viewer.forms("/configurations/chat", "rollback") == []
    answer = viewer.post(
        "/configurations/chat", {**fields, "form_token": viewer.form_token(), "note": "x"}
    )
    assert answer.status_code == 403
    assert "permission_denied" in answer.content.decode()


def test_what_is_not_there_is_a_page(browser: Browser) -> None:
    """Not an answer for programs."""
    answer = browser.get("/configurations/none-such")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
