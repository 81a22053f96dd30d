"""Script in whatever git, gateways and people can fill: pages show it, and no browser runs it."""

import re
from typing import Any

from rest_framework.test import APIClient

from gitrepos.models import Link
from tests.console.browser import Browser
from tests.support.repo import Repo, policy
from tests.support.syncing import link, run_due

EVIL = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>"
_RUNS = re.compile(r"<img src=x|<script>|\{\{")
_SHOWN = "&lt;img src=x onerror=alert(1)&gt;"


def _harmless(page: str) -> str:
    found = _RUNS.findall(page)
    assert found == [], page
    return page


def test_what_git_has(browser: Browser, admin: APIClient, repo: Repo) -> None:
    """Paths, messages of commits, ids and texts of findings."""
    folder = EVIL.replace("/", "")
    broken = f"pack:\n  name: |-\n    {EVIL}\n{EVIL!r}: {EVIL!r}\n"
    repo.plant({f"{folder}/policy-config.yaml": broken, "b/policy-config.yaml": policy(EVIL[3:])})
    row = link(admin, repo.url)
    run_due()
    here = f"/repositories/{row['id']}"

    for path in ("/repositories", here, f"{here}/files", f"{here}/syncs"):
        page = _harmless(browser.shows(path))
    assert "onerror=alert(1)" in page


def test_what_a_link_has(browser: Browser, admin: APIClient) -> None:
    """Refs, paths, what is held and why, and what an error says."""
    row = link(admin, "https://forge.example/x.git", path=EVIL, include=[EVIL.replace("*", "")])
    held = {"reason": EVIL, "message": EVIL, "commit": "a" * 40, "since": "2026-01-31T12:00:00Z",
            "would_remove": [{"path": EVIL, "configuration": EVIL}], "weakens": [EVIL],
            "people": {"addresses": [EVIL]}, "tag": EVIL, "tag_object": ""}  # fmt: skip
    Link.objects.update(held=held, observed_generation=1, last_commit=EVIL, last_ref=EVIL,
        error_code="", error_message=EVIL, branch=EVIL)  # fmt: skip
    here = f"/repositories/{row['id']}"

    for below in ("", "/edit", "/webhook"):
        assert _SHOWN in _harmless(browser.shows(f"{here}{below}"))
    assert _SHOWN in _harmless(browser.shows("/repositories"))


def test_what_is_written_into_forms(browser: Browser) -> None:
    """It comes back as what it is."""
    fields: dict[str, Any] = {"url": EVIL, "path": EVIL, "include": f"</textarea>{EVIL}"}

    answer = browser.send("/repositories/new", "test", act="link", **fields)

    assert answer.status_code == 400
    page = _harmless(answer.content.decode())
    assert _SHOWN in page and "&lt;/textarea&gt;" in page


def test_what_urls_ask_for(browser: Browser) -> None:
    """Filters are shown again, and what is refused is."""
    for path in ("/repositories", "/repositories/credentials", "/gateways"):
        for name in ("q", "labels", "configuration", "done", "gone", "status", "cursor"):
            _harmless(browser.get(path, **{name: EVIL}).content.decode())


def test_what_a_test_finds(browser: Browser, repo: Repo, worker: None) -> None:
    """Before anything is saved."""
    folder = EVIL.replace("/", "")
    repo.plant({f"{folder}/policy-config.yaml": f"{EVIL!r}: 1\n"})

    answer = browser.send("/repositories/new", "test", url=repo.url)

    page = _harmless(answer.content.decode())
    assert "onerror=alert(1)" in page
