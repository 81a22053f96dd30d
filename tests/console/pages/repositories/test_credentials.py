"""Shared credentials: kept, changed, deleted, and never shown."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from gitrepos.models import GitCredential
from tests.console.browser import Browser
from tests.support.syncing import link

LIST = "/repositories/credentials"
SECRET = "forge-token-hunter2"


def _kept(browser: Browser, name: str = "policies") -> str:
    """A credential for forge.example; its page."""
    answer = browser.send(f"{LIST}/new", "make", name=name, hosts="forge.example", token=SECRET)
    assert answer.headers["Location"] == f"{LIST}?done=make"
    return f"{LIST}/{GitCredential.objects.get(name=name).pk}"


def test_one_is_kept_and_its_secret_never_shown(browser: Browser) -> None:
    """Neither in the list nor on its page."""
    here = _kept(browser)

    for path in (LIST, here):
        page = browser.shows(path)
        assert "policies" in page and "forge.example" in page and SECRET not in page


@pytest.mark.parametrize("kind", ["token", "basic", "ssh", "tls", "app"])
def test_each_kind_has_its_fields(browser: Browser, kind: str) -> None:
    """A secret field each, which is empty after a refusal."""
    secrets = {
        "token": "token", "basic": "password", "ssh": "private_key", "tls": "client_key",
        "app": "private_key",
    }  # fmt: skip
    form = browser.forms(f"{LIST}/new?kind={kind}", "make")[0]
    assert (form.fields["kind"], form.fields[secrets[kind]]) == (kind, "")

    answer = browser.post(
        f"{LIST}/new", {**form.fields, "name": "NOT A NAME", "hosts": "x", secrets[kind]: SECRET}
    )

    page = answer.content.decode()
    assert answer.status_code == 400 and SECRET not in page
    assert 'value="NOT A NAME"' in page and f'name="kind" value="{kind}"' in page


def test_one_is_changed(browser: Browser, admin: APIClient) -> None:
    """What is left empty stays, but an end, which is taken away."""
    here = _kept(browser)
    before = GitCredential.objects.get()

    browser.send(here, "edit", name="others", expires_at="2999-12-31")
    [row] = admin.get("/v1/git-credentials").json()["data"]
    assert (row["name"], row["expires_at"][:10]) == ("others", "2999-12-31")
    browser.send(here, "edit", expires_at="")
    after = GitCredential.objects.get()
    assert (after.expires_at, after.secret) == (None, before.secret)
    answer = browser.send(here, "edit", hosts="forge.example\nother.example")
    assert answer.status_code == 400 and "required" in answer.content.decode()


def test_one_in_use_stays(browser: Browser, admin: APIClient) -> None:
    """The page names the links; then it goes."""
    here = _kept(browser)
    row = link(admin, "https://forge.example/org/policies.git", credential="policies")

    assert f'<a href="/repositories/{row["id"]}">' in browser.shows(here)
    answer = browser.send(here, "delete")
    assert answer.status_code == 409 and "in_use" in answer.content.decode()
    admin.delete(f"/v1/git-repos/{row['id']}")
    assert browser.send(here, "delete").headers["Location"] == f"{LIST}?done=delete"
    assert "The credential is deleted." in browser.shows(f"{LIST}?done=delete")


def test_an_editor_looks_and_changes_nothing(sign_in: Callable[[str], Browser]) -> None:
    """Credentials are an admin's."""
    here = _kept(sign_in("admin"))
    editor = sign_in("editor")

    for path in (LIST, f"{LIST}/new", here):
        assert editor.shows(path).count('method="post"') == 1
