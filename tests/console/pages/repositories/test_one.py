"""A link's own pages: how it stands, its files and syncs, and what is done there."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from access import tokens
from commitstatus.models import CommitStatus
from tests.console.browser import Browser
from tests.console.pages.repositories.conftest import FILE
from tests.support.api import created
from tests.support.eyes import strong, waiting, weak
from tests.support.repo import Repo, policy
from tests.support.syncing import edit, hashes, link, poll, run_due, shown

BROKEN = policy("Bot", id="bot").replace("    - safety-filter", "    - pii-detectr")


def _here(row: dict[str, Any]) -> str:
    return f"/repositories/{row['id']}"


def _person(name: str, role: str = "editor") -> Browser:
    """Somebody who commits under an address of their own."""
    browser = Browser(Client(HTTP_HOST="localhost"))
    emails = [f"{name}@keeptrusts.example"]
    browser.sign_in(tokens.create(name, role=role, emails=emails)[1])
    return browser


def test_it_says_how_it_stands(browser: Browser, linked: dict[str, Any], admin: APIClient) -> None:
    """In a sentence, with its facts and its syncs."""
    commit = shown(admin, linked)["last_commit"]

    page = browser.shows(_here(linked))

    assert f"Commit {commit} is synced." in page
    assert "1 synced" in page and "version 1" in page
    assert '<a href="/configurations/bot">bot</a>' in page


def test_it_says_what_its_forge_is_told(
    browser: Browser, linked: dict[str, Any], admin: APIClient
) -> None:
    """Nothing where nobody chose that; else the state, and why it cannot be told."""
    assert "Commit status" not in browser.shows(_here(linked))
    host = linked["url"].split("/")[2]
    body = {"name": "telling", "forge": "gitea", "token": "t", "hosts": [host]}
    created(admin.post("/v1/forge-credentials", {**body, "api_url": "https://x.example/api/v1"},
                       format="json"))  # fmt: skip
    path = f"/v1/git-repos/{linked['id']}/commit-status"
    admin.patch(path, {"credential": "telling"}, format="json")
    assert "told with telling, nothing yet" in browser.shows(_here(linked))
    now = timezone.now()
    CommitStatus.objects.update(
        commit="a" * 40, state="success", description="synced & enforced", told_at=now,
        error_code="auth_failed", error_message="<b>no</b>", error_since=now,
    )  # fmt: skip

    page = browser.shows(_here(linked))

    assert "synced &amp; enforced" in page
    assert "<code>auth_failed</code>" in page and "&lt;b&gt;no&lt;/b&gt;" in page
    assert "Give the token its permission, or send another." in page


def test_a_new_link_is_watched_until_its_first_sync(
    browser: Browser, admin: APIClient, repo: Repo
) -> None:
    """A live region, and without scripts a page that loads again; then neither."""
    repo.commit({FILE: policy("Bot", id="bot")})
    row = link(admin, repo.url)

    page = browser.shows(_here(row))
    assert "The first sync" in page and 'http-equiv="refresh"' in page
    assert 'data-live="git-repos syncs' in page
    run_due()
    page = browser.shows(_here(row))
    assert "The first sync" not in page and 'http-equiv="refresh"' not in page


def test_what_is_not_in_force_is_told_wherever_one_looks(
    browser: Browser, linked: dict[str, Any], admin: APIClient, repo: Repo
) -> None:
    """On the overview, with the files, and on the page of what the file feeds, while it is so."""
    repo.commit(
        {FILE: BROKEN, "policies/new/policy-config.yaml": BROKEN.replace("id: bot", "id: new")}
    )
    poll()
    files = f"{_here(linked)}/files?outcome=quarantined"

    overview, page = browser.shows("/"), browser.shows("/configurations/bot")

    assert "Files not in force as in git: 2 quarantined." in overview and files in overview
    assert "is in quarantine" in page and f"<code>{FILE}</code>" in page and files in page
    repo.commit({FILE: policy("Mended", id="bot"), "policies/new/policy-config.yaml": None})
    poll()
    assert "Files not in force" not in browser.shows("/")
    assert "is in quarantine" not in browser.shows("/configurations/bot")


def test_a_pinned_file_is_not_said_to_be_in_force(
    browser: Browser, linked: dict[str, Any], admin: APIClient, repo: Repo
) -> None:
    """The link is synced; what stays in force is what was pinned."""
    body = {"version": 1, "reason": "an incident"}
    assert admin.post("/v1/configurations/bot/pin", body, format="json").status_code == 200
    repo.commit({FILE: policy("Newer", id="bot")})
    poll()

    page = browser.shows(_here(linked))

    assert "is synced. 1 of its files is pinned: other versions stay in force." in page


def test_a_quarantined_file_says_where_and_what_to_do(
    browser: Browser, linked: dict[str, Any], repo: Repo
) -> None:
    """By line and code, on the link's page and among all files."""
    repo.commit({FILE: BROKEN, "policies/new/policy-config.yaml": policy("New", id="new")})
    poll()

    for path in (_here(linked), f"{_here(linked)}/files"):
        page = browser.shows(path)
        assert "line 8, column 7: <strong>" in page
        assert "Fix: " in page and "pii-detector" in page
        assert FILE in page
    only = browser.shows(f"{_here(linked)}/files", outcome="synced")
    assert "policies/new/" in only and FILE not in only


UNTESTED = policy("Support", id="bot") + (
    "    - dlp-filter\n"
    "policy:\n  dlp-filter:\n    action: block\n    blocked_terms: ['<b>`x`</b>']\n"
)


def test_a_gate_is_asked_for_and_says_what_is_missing(
    browser: Browser, admin: APIClient, linked: dict[str, Any], repo: Repo
) -> None:
    """By a form; with a case to paste, in its own lines and as it is."""
    repo.commit({FILE: UNTESTED})
    poll()
    given = {"minimum_killed": "95", "minimum_coverage": ""}
    assert browser.send(f"{_here(linked)}/edit", "edit", **given).status_code == 303
    assert shown(admin, linked)["minimum_killed"] == 95
    run_due()

    page = browser.shows(_here(linked))
    assert "kill fewer than 95 % of their mutants" in page
    assert "reach less than" not in page
    assert "<strong>too_few_killed</strong>" in page
    assert '<pre class="wrapped">- name: ' in page
    assert "content: &quot;&lt;b&gt;`x`&lt;/b&gt;&quot;" in page

    assert browser.send(f"{_here(linked)}/edit", "edit", minimum_killed="").status_code == 303
    assert shown(admin, linked)["minimum_killed"] == 0
    refused = browser.send(f"{_here(linked)}/edit", "edit", minimum_coverage="101")
    assert (refused.status_code, "less than or equal to 100" in refused.content.decode()) == (
        400,
        True,
    )


def test_quarantined_files_come_first(browser: Browser, admin: APIClient, repo: Repo) -> None:
    """Before those that no configuration has."""
    repo.commit({"a/policy-config.yaml": policy("A"), "b/policy-config.yaml": BROKEN})
    row = link(admin, repo.url, auto_create_configuration=False)
    run_due()

    page = browser.shows(_here(row))

    assert page.index("b/policy-config.yaml") < page.index("a/policy-config.yaml")


def test_a_sync_is_asked_for(browser: Browser, linked: dict[str, Any], repo: Repo) -> None:
    """And what came of it is on the page afterwards."""
    repo.commit({FILE: policy("Other", id="bot")})

    answer = browser.send(_here(linked), "sync")

    assert answer.headers["Location"] == f"{_here(linked)}?done=sync"
    assert "A sync is due." in browser.shows(_here(linked))
    run_due()
    assert "version 2" in browser.shows(_here(linked))
    runs = browser.shows(f"{_here(linked)}/syncs")
    assert "2 syncs that changed something or failed" in runs and "manual" in runs
    assert "version 2" not in browser.shows(f"{_here(linked)}/syncs", failed="true")


def test_a_dry_run_is_told_in_words(
    browser: Browser, admin: APIClient, repo: Repo, worker: None
) -> None:
    """What would be made of each file and what that does; nothing is written."""
    repo.commit({FILE: strong()})
    row = link(admin, repo.url)
    run_due()
    before = hashes()
    repo.commit({FILE: weak()})

    answer = browser.send(_here(row), "preview")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "This is what a sync would do. Nothing was written." in page
    assert '<span class="weaker">weaker</span> policies.chain: pii-detector no longer runs' in page
    assert "version 2" in page
    assert hashes() == before


def test_a_held_commit_is_looked_at_and_passes(
    browser: Browser, admin: APIClient, repo: Repo, linked: dict[str, Any]
) -> None:
    """With what would go; the form names the commit that was shown, and no other."""
    edit(admin, linked, prune=True)
    run_due()
    commit = repo.commit({FILE: None})
    poll()

    page = browser.shows(_here(linked))
    assert "A commit waits for a person" in page and commit in page
    assert "What would go" in page and f"<li><code>{FILE}</code>" in page
    assert "These configurations are archived then" in page
    answer = browser.send(_here(linked), "confirm")
    assert answer.headers["Location"] == f"{_here(linked)}?done=confirm"
    run_due()
    assert hashes() == {}


def test_a_held_commit_that_another_replaced_does_not_pass(
    browser: Browser, admin: APIClient, repo: Repo, linked: dict[str, Any]
) -> None:
    """Whoever looked at the first is told, and sees the second."""
    repo.commit({FILE: None})
    poll()
    form = browser.forms(_here(linked), "confirm")[0]
    newer = repo.commit({"README": "more"})
    poll()

    answer = browser.post(_here(linked), form.fields)

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "held_changed" in page and newer in page
    assert list(hashes()) == ["bot"]


def test_under_four_eyes_another_person_confirms(admin: APIClient, repo: Repo) -> None:
    """By the one form of its request; the author of the commit is told why not."""
    repo.commit({FILE: strong()})
    row = link(admin, repo.url, branch="main", path="policies", four_eyes=True, fail_on="weaker")
    run_due()
    repo.commit({FILE: weak()})
    poll()

    page = _person("bob").shows(_here(row))
    assert "What it weakens" in page and "pii-detector no longer runs" in page
    assert _person("bob").forms(_here(row), "confirm") == []
    answer = _person("author").send(_here(row), "confirm_request")
    assert answer.status_code == 403 and "own_commit" in answer.content.decode()
    assert _person("bob").send(_here(row), "confirm_request").status_code == 303
    run_due()
    assert shown(admin, row)["status"] == "synced"


def test_an_edit_under_four_eyes_is_asked_for_and_confirmed(
    admin: APIClient, repo: Repo, linked: dict[str, Any]
) -> None:
    """Where it is refused, the page offers to ask; the other sees what it changes."""
    edit(admin, linked, four_eyes=True)
    run_due()
    ada, bob = _person("ada"), _person("bob")

    refused = ada.send(f"{_here(linked)}/edit", "edit", prune="true")
    assert refused.status_code == 409
    assert "nothing was changed" in refused.content.decode()
    form = ada.forms_of(refused, "edit")[0]
    asked = ada.post(f"{_here(linked)}/edit", {**form.fields, "asked": "to tidy up"})
    assert asked.headers["Location"] == f"{_here(linked)}/edit?done=asked"
    assert "It waits for a second person now" in ada.shows(asked.headers["Location"])
    [waits] = waiting(admin)
    assert (waits["kind"], waits["reason"]) == ("git_repo.edit", "to tidy up")
    page = bob.shows(_here(linked))
    assert "to tidy up" in page and "<li>prune: false → true</li>" in page
    assert ada.forms(_here(linked), "confirm_request") == []
    fields = bob.forms(_here(linked), "confirm_request")[0].fields
    own = ada.post(_here(linked), {**fields, "form_token": ada.form_token()})
    assert own.status_code == 403
    assert bob.send(_here(linked), "confirm_request").status_code == 303
    assert shown(admin, linked)["prune"] is True


def test_an_admin_does_it_alone_with_a_reason(
    browser: Browser, admin: APIClient, linked: dict[str, Any]
) -> None:
    """Everybody is told on the link's page until somebody else confirms it."""
    edit(admin, linked, four_eyes=True)
    refused = browser.send(_here(linked), "remove")
    form = browser.forms_of(refused, "remove")[0]
    assert "alone" not in form.fields

    answer = browser.post(_here(linked), {**form.fields, "asked": "an incident", "alone": "true"})

    assert answer.status_code == 303
    assert admin.get("/v1/git-repos").json()["data"] == []


def test_an_edit_keeps_what_is_not_changed(
    browser: Browser, admin: APIClient, linked: dict[str, Any]
) -> None:
    """Emptied fields are emptied, an unticked one is false, and the token stays."""
    edit(
        admin, linked, include=["**/x.yaml"], id_prefix="a-", prune=True, poll_interval_seconds=600
    )
    before = shown(admin, linked)

    answer = browser.send(f"{_here(linked)}/edit", "edit", include="", id_prefix="", prune="false")

    assert answer.headers["Location"] == f"{_here(linked)}?done=edit"
    after = shown(admin, linked)
    assert (after["include"], after["id_prefix"], after["prune"]) == ([], "", False)
    kept = (
        "url",
        "branch",
        "path",
        "poll_interval_seconds",
        "auto_create_configuration",
        "follows",
    )
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_a_wrong_field_says_so_beside_it(browser: Browser, linked: dict[str, Any]) -> None:
    """With what was written in the others."""
    answer = browser.send(
        f"{_here(linked)}/edit", "edit", path="../up", poll_interval_seconds="soon", include="a*"
    )  # fmt: skip

    page = answer.content.decode()
    assert answer.status_code == 400
    assert "must be a whole number" in page and 'value="../up"' in page and "a*</textarea>" in page


def test_a_link_is_suspended_resumed_and_removed(
    browser: Browser, admin: APIClient, linked: dict[str, Any]
) -> None:
    """What it feeds stays in force, which the next page says."""
    browser.send(_here(linked), "suspend")
    assert shown(admin, linked)["status"] == "suspended"
    browser.send(_here(linked), "resume")
    assert shown(admin, linked)["suspended"] is False

    answer = browser.send(_here(linked), "remove")

    assert answer.headers["Location"] == "/repositories?done=remove"
    assert "What it fed stays in force" in browser.shows(answer.headers["Location"])
    assert list(hashes()) == ["bot"]


def test_whoever_is_late_is_told(
    browser: Browser, admin: APIClient, linked: dict[str, Any]
) -> None:
    """An edit upon an older state changes nothing."""
    form = browser.forms(f"{_here(linked)}/edit", "edit")[0]
    edit(admin, linked, prune=True)

    answer = browser.post(f"{_here(linked)}/edit", {**form.fields, "path": "other"})

    assert answer.status_code == 412
    assert "Somebody changed this meanwhile" in answer.content.decode()


def test_a_webhook_is_set_up_step_by_step(
    browser: Browser, admin: APIClient, linked: dict[str, Any]
) -> None:
    """The secret is kept and shown to nobody; each forge has its steps."""
    here, secret = f"{_here(linked)}/webhook", "a-secret-of-seventeen"

    page = browser.shows(here)
    assert f"http://localhost/v1/git-repos/{linked['id']}/webhook" in page
    for forge in ("GitHub", "GitLab", "Forgejo", "Bitbucket", "Azure DevOps"):
        assert forge in page
    browser.send(here, "webhook", webhook_secret=secret)
    assert shown(admin, linked)["has_webhook_secret"] is True
    page = browser.shows(here)
    assert secret not in page and "the first genuine delivery has not come yet" in page
    browser.send(here, "no_webhook")
    assert shown(admin, linked)["has_webhook_secret"] is False


def test_a_viewer_sees_the_same_without_buttons(
    sign_in: Callable[[str], Browser], linked: dict[str, Any]
) -> None:
    """On none of the pages is there a form but to sign out."""
    viewer = sign_in("viewer")

    for below in ("", "/files", "/syncs", "/edit", "/webhook"):
        page = viewer.shows(f"{_here(linked)}{below}")
        assert page.count('method="post"') == 1
    assert "is synced." in viewer.shows(_here(linked))


def test_it_costs_the_same_with_many_files(browser: Browser, admin: APIClient, repo: Repo) -> None:
    """Pages of files and syncs by a fixed number of queries, below 100 KB."""
    repo.commit({f"p{number}/policy-config.yaml": BROKEN for number in range(1)})
    row = link(admin, repo.url)
    run_due()
    counts = []
    for _ in range(2):
        for below in ("", "/files", "/syncs"):
            with CaptureQueriesContext(connection) as made:
                page = browser.shows(f"{_here(row)}{below}")
            counts.append(len(made))
            assert len(page.encode()) < 100_000
        repo.commit({f"p{number}/policy-config.yaml": BROKEN for number in range(80)})
        poll()

    assert counts[:3] == counts[3:]
    assert max(counts) <= 16
