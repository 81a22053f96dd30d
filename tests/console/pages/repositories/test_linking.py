"""Linking a repository: looked at first, saved then."""

from typing import Any

from rest_framework.test import APIClient

from gitrepos.models import Link
from tests.console.browser import Browser
from tests.support.repo import Repo, policy
from tests.support.syncing import make

NEW = "/repositories/new"


def _send(browser: Browser, act: str, **filled: str) -> Any:
    """The form of the page, sent with the button of an act."""
    return browser.send(NEW, "test", **{"act": act, **filled})


def test_a_test_shows_what_would_be_found(browser: Browser, repo: Repo, worker: None) -> None:
    """With findings, and nothing is saved; the form keeps what was written."""
    repo.commit({"p/a/policy-config.yaml": policy("A"), "p/b/policy-config.yaml": "pack: 1\n"})

    answer = _send(browser, "test", url=repo.url, path="p", ref="main")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "This is what a link would find. Nothing is saved." in page
    assert "2 policy files" in page and "<code>p/a/policy-config.yaml</code>" in page
    assert "quarantined" in page and "line 1" in page
    assert f'value="{repo.url}"' in page and 'value="p"' in page
    assert not Link.objects.exists()


def test_what_git_refuses_is_told(browser: Browser, repo: Repo, worker: None) -> None:
    """By its code, as the first sync would."""
    repo.commit({"a": "b"})

    page = _send(browser, "test", url=repo.url, follows="tag", ref="v9").content.decode()

    assert "Git gave nothing:" in page and "<code>tag_not_found</code>" in page


def test_a_link_is_saved_and_watched(browser: Browser, admin: APIClient, repo: Repo) -> None:
    """The page of the link is next, and waits for its first sync."""
    answer = _send(
        browser, "link", url=repo.url, follows="semver", ref="^1.2", path="p", exclude="old/**\nx",
        proof="token", access_token="forge-token-hunter2", poll_interval_seconds="600",
    )  # fmt: skip

    [row] = admin.get("/v1/git-repos").json()["data"]
    assert answer.headers["Location"] == f"/repositories/{row['id']}?done=link"
    assert (row["semver"], row["exclude"], row["path"]) == ("^1.2", ["old/**", "x"], "p")
    assert (row["has_access_token"], row["auto_create_configuration"]) == (True, True)
    assert row["poll_interval_seconds"] == 600
    page = browser.shows(answer.headers["Location"])
    assert "Linked." in page and "The first sync" in page and "hunter2" not in page


def test_a_secret_comes_back_to_nobody(browser: Browser) -> None:
    """Also when something else was wrong."""
    answer = _send(
        browser, "link", url="ftp://x", proof="token", access_token="forge-token-hunter2"
    )

    page = answer.content.decode()
    assert answer.status_code == 400 and 'value="ftp://x"' in page
    assert "hunter2" not in page


def test_it_says_which_one_it_follows(browser: Browser) -> None:
    """A tag without a name is no wish."""
    page = _send(browser, "link", url="https://f.example/x.git", follows="tag").content.decode()

    assert "write which tag it follows" in page
    assert '<option value="tag" selected>' in page


def test_what_is_linked_already_says_so(browser: Browser, repo: Repo) -> None:
    """With the words of the API."""
    for _ in range(2):
        answer = _send(browser, "link", url=repo.url)

    assert answer.status_code == 409 and "already_linked" in answer.content.decode()


def test_what_would_not_be_adopted_is_a_conflict(
    browser: Browser, admin: APIClient, repo: Repo, worker: None
) -> None:
    """The page says what helps."""
    make(admin, "bot", policy("Bot", id="bot"))
    repo.commit({"policy-config.yaml": policy("Bot", id="bot")})

    page = _send(browser, "test", url=repo.url).content.decode()

    assert "conflict" in page and "not_adopted" in page


def test_a_form_is_tested_as_often_as_it_is_changed(
    browser: Browser, repo: Repo, worker: None
) -> None:
    """And saved then, without being loaded again: a test keeps nothing under its key."""
    repo.commit({"p/policy-config.yaml": policy("A"), "q/policy-config.yaml": policy("B")})
    fields = browser.forms(NEW, "test")[0].fields | {"url": repo.url}

    pages = [
        browser.post(NEW, {**fields, "path": path}).content.decode() for path in ("p", "q", "p")
    ]
    saved = browser.post(NEW, {**fields, "path": "q", "act": "link"})

    assert ["<code>p/policy-config.yaml</code>" in page for page in pages] == [True, False, True]
    assert saved.status_code == 303
    assert Link.objects.get().path == "q"
