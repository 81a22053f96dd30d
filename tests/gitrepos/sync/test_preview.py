"""Previews of a sync, on the worker's side; the API's side is tested in `tests/acceptance/`."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos import tasks
from gitrepos.api.link_serializers import Asked
from gitrepos.forge.addresses import parse
from gitrepos.links import links, preview_requests, shared_credentials
from gitrepos.models import Link, PreviewRequest
from gitrepos.sync import preview
from keeptrusts.messaging.mailbox import take
from keeptrusts.redis_client import client as broker
from tests.support.api import error
from tests.support.credentials import credential
from tests.support.eyes import strong, weak
from tests.support.forge import Forge
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    get,
    link,
    make,
    outcomes,
    override,
    pin,
    poll,
    run_due,
    shown,
)

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "bot/policy-config.yaml"


def dry_run(row: dict[str, Any]) -> dict[str, Any]:
    """As a worker answers for a link, through the row that it is asked in."""
    return answered(Link.objects.select_related("remote").get(pk=row["id"]))


def answered(row: Link) -> dict[str, Any]:
    """As a worker answers for a link, saved or not."""
    asked = preview_requests.take(preview_requests.keep(row))
    assert asked is not None
    with CaptureQueriesContext(connection) as queries:
        answer = preview.of(asked)
    assert written(queries) == []
    return answer


def draft(url: str, *, token: str = "", credential: str = "", **fields: Any) -> Link:
    """A link that nobody saves."""
    to = parse(url, schemes={"http", "https"})
    return links.draft(to, token=token, credential=credential, fields=fields)


def tried(url: str, *, token: str = "", **fields: Any) -> dict[str, Any]:
    """As a worker answers for a link that nobody saved."""
    return answered(draft(url, token=token, **fields))


def brief(answer: dict[str, Any]) -> dict[str, tuple[str, int | None]]:
    """Outcome and version of each file, by path."""
    return {file["path"]: (file["outcome"], file["version"]) for file in answer["files"]}


def written(queries: CaptureQueriesContext) -> list[str]:
    """The queries that write or lock."""
    return [
        q["sql"] for q in queries if not q["sql"].startswith("SELECT") or "FOR UPDATE" in q["sql"]
    ]


def test_a_dry_run_shows_what_a_sync_would_do_and_writes_nothing(
    admin: APIClient, repo: Repo
) -> None:
    """Each file with its outcome and the version it would make; then the sync does just that."""
    repo.commit({BOT: policy("One"), "same/policy-config.yaml": policy("Same")})
    row = link(admin, repo.url)
    run_due()
    commit = repo.commit(
        {
            BOT: policy("Two"),
            "new/policy-config.yaml": policy("New"),
            "bad/policy-config.yaml": "pack: [",
        }
    )

    answer = dry_run(row)

    assert (answer["commit"], answer["error"], answer["held"]) == (commit, None, None)
    assert brief(answer) == {
        "bad/policy-config.yaml": ("quarantined", None),
        BOT: ("synced", 2),
        "new/policy-config.yaml": ("synced", 1),
        "same/policy-config.yaml": ("synced", None),
    }
    [bad] = [file for file in answer["files"] if file["outcome"] == "quarantined"]
    assert bad["findings"][0]["code"].startswith("E")

    poll()
    assert {path: said for (path, _), said in outcomes(admin, row).items()} == {
        path: said for path, (said, _) in brief(answer).items()
    }


def test_a_dry_run_shows_what_would_go(admin: APIClient, repo: Repo) -> None:
    """And that it would wait for a person."""
    names = ["a", "b", "c", "d"]
    repo.commit({f"p/{name}/policy-config.yaml": policy(name) for name in names})
    row = link(admin, repo.url, path="p")
    run_due()
    repo.commit({f"p/{name}/policy-config.yaml": None for name in names[:3]})

    answer = dry_run(row)

    assert answer["held"]["reason"] == "mass_removal"
    assert [gone["configuration"] for gone in answer["would_remove"]] == names[:3]
    assert shown(admin, row)["held"] is None


@pytest.mark.parametrize("asked", [{"fail_on": "weaker"}, {"four_eyes": True}])
def test_a_dry_run_says_that_a_weaker_commit_would_wait(
    admin: APIClient, repo: Repo, asked: dict[str, Any]
) -> None:
    """Where the link asks for that; the sync then holds it."""
    repo.commit({BOT: strong()})
    row = link(admin, repo.url, **asked)
    run_due()
    repo.commit({BOT: weak()})

    answer = dry_run(row)

    poll()
    assert answer["held"]["reason"] == shown(admin, row)["held"]["reason"] == "weaker"
    assert answer["held"]["message"] == shown(admin, row)["held"]["message"]


def test_a_preview_is_asked_with_whatever_an_edit_may_change() -> None:
    """But when a link is polled, and what is of its remote."""
    polling = {"suspended", "poll_interval_seconds"} | {
        name for name in Asked().fields if name.startswith("webhook_")
    }
    remote = {"repo_url", "access_token", "credential"}

    kept = set(preview_requests._LINK)
    assert set(Asked().fields) - polling - remote - kept == set()


def test_a_dry_run_of_a_path_that_is_gone_shows_what_would_go(admin: APIClient, repo: Repo) -> None:
    """With git's reason beside it."""
    repo.commit({f"p/{BOT}": policy("Bot")})
    row = link(admin, repo.url, path="p")
    run_due()
    repo.commit({f"p/{BOT}": None, "x": "y"})

    answer = dry_run(row)

    assert (answer["error"]["code"], answer["held"]["reason"]) == (
        "path_not_found",
        "path_not_found",
    )
    assert answer["would_remove"] == [{"path": f"p/{BOT}", "configuration": "bot"}]


def test_a_dry_run_knows_overrides_pins_and_renames(admin: APIClient, repo: Repo) -> None:
    """As the sync does."""
    repo.commit({f"{name}/policy-config.yaml": policy(name) for name in ("over", "pin", "old")})
    row = link(admin, repo.url)
    run_due()
    override(admin, "over", policy("over", description="by hand"))
    pin(admin, "pin")
    repo.git("mv", "old", "new")
    repo.commit({"pin/policy-config.yaml": policy("pin", description="more")})

    answer = dry_run(row)

    assert brief(answer) == {
        "new/policy-config.yaml": ("synced", 1),
        "over/policy-config.yaml": ("synced", None),
        "pin/policy-config.yaml": ("pinned", None),
    }
    assert [file["renamed_from"] for file in answer["files"]] == ["old", "", ""]


def test_a_link_is_tried_before_it_is_saved(admin: APIClient, repo: Repo) -> None:
    """Branch, path, prefix and globs are those that were sent; nothing is left."""
    make(admin, "eu-bot", policy("By the API"))
    repo.commit({f"p/{BOT}": policy("Bot"), "p/x/policy-config.yaml": policy("X")})

    answer = tried(
        repo.url,
        branch="main",
        path="p",
        id_prefix="eu-",
        exclude=["p/x"],
        auto_create_configuration=True,
    )

    assert brief(answer) == {f"p/{BOT}": ("conflict", None)}
    assert [finding["code"] for finding in answer["files"][0]["findings"]] == ["not_adopted"]
    assert get(admin, "/v1/git-repos") == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"path": "nowhere"}, "path_not_found"), ({"branch": "gone"}, "branch_not_found")],
)
def test_a_trial_says_what_is_wrong(
    admin: APIClient, repo: Repo, fields: dict[str, Any], code: str
) -> None:
    """Before there is anything to hold."""
    repo.commit({BOT: policy()})

    answer = tried(repo.url, **fields)

    assert (answer["error"]["code"], answer["held"], answer["files"]) == (code, None, [])


TOKEN = "a-token-for-the-forge"


def test_a_trial_needs_and_uses_the_token(admin: APIClient, forge: Forge, repo: Repo) -> None:
    """It waits sealed, and nothing of it stays."""
    repo.commit({BOT: policy()})
    forge.tokens[repo.bare.name] = TOKEN
    preview_requests.keep(draft(repo.url, token=TOKEN))
    kept = str(PreviewRequest.objects.values())

    answers = [tried(repo.url), tried(repo.url, token="wrong"), tried(repo.url, token=TOKEN)]

    assert [answer["error"] and answer["error"]["code"] for answer in answers] == [
        "auth_failed",
        "auth_failed",
        None,
    ]
    assert repo.url in kept
    assert TOKEN not in kept
    assert PreviewRequest.objects.count() == 1


@pytest.mark.parametrize("way", ["trial", "dry run"])
def test_a_message_names_a_row_and_nothing_else(
    admin: APIClient, forge: Forge, repo: Repo, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Whoever reads the broker sees no url and no secret, and sends nothing anywhere with it."""
    repo.commit({BOT: policy()})
    forge.tokens[repo.bare.name] = TOKEN
    messages: list[Any] = []

    def publish(arguments: Any, **options: Any) -> None:
        messages.append(json.loads(json.dumps(arguments)))
        tasks.preview_link(*messages[-1])

    monkeypatch.setattr(tasks.preview_link, "apply_async", publish)
    path, body = "/v1/git-repos/test", {"url": repo.url, "access_token": TOKEN}
    if way == "dry run":
        row = link(admin, repo.url, access_token=TOKEN)
        path, body = f"/v1/git-repos/{row['id']}/sync?dry_run=true", {}
    answer = admin.post(path, body, format="json")
    calls = len(forge.calls(repo))

    [message] = messages
    tasks.preview_link(*message)

    assert (answer.status_code, answer.json()["data"]["error"]) == (200, None)
    assert [len(part) for part in message] == [32, 36]
    assert broker().keys("mailbox:*") == []
    assert len(forge.calls(repo)) == calls
    assert not PreviewRequest.objects.exists()


@pytest.mark.parametrize("change", ["url", "id", "credential"])
def test_a_request_that_was_altered_leads_nowhere(
    admin: APIClient, forge: Forge, repo: Repo, change: str
) -> None:
    """In the database, too, a token stays with where it goes."""
    url = repo.url.replace(f":{forge.port}", ":1")
    other = draft(url, token="another")
    row = PreviewRequest.objects.get(pk=preview_requests.keep(draft(url, token=TOKEN)))
    changed = {"url": repo.url, "id": str(other.remote.pk), "credential": other.remote.credential}
    row.asked["remote"][change] = changed[change]
    row.save()

    tasks.preview_link("ticket", str(row.pk))

    assert take("ticket", seconds=5)["error"]["code"] == "credential_unreadable"
    assert TOKEN not in str(forge.authorizations)


def test_requests_are_few_and_short_lived(admin: APIClient, repo: Repo) -> None:
    """Those that a killed process left make room after a minute, by any clock."""
    row = draft(repo.url)
    ids = [preview_requests.keep(row) for _ in range(20)]

    refused = admin.post("/v1/git-repos/test", {"url": repo.url}, format="json")
    PreviewRequest.objects.filter(pk=ids[0]).update(created_at=timezone.now() - timedelta(hours=1))
    PreviewRequest.objects.filter(pk=ids[1]).update(created_at=timezone.now() + timedelta(hours=1))
    late = [preview_requests.take(pk) for pk in ids[:2]]
    tasks.sweep()

    assert (refused.status_code, error(refused)["code"]) == (429, "busy")
    assert late == [None, None]
    assert PreviewRequest.objects.count() == 18
    assert preview_requests.keep(row)


def test_a_worker_leaves_its_answer_for_whoever_waits(admin: APIClient, repo: Repo) -> None:
    """Once, and for nobody else."""
    repo.commit({BOT: policy()})

    tasks.preview_link("one", str(preview_requests.keep(draft(repo.url))))

    assert take("another", seconds=1) is None
    assert [file["path"] for file in take("one", seconds=5)["files"]] == [BOT]
    assert take("one", seconds=1) is None


def test_a_credential_that_is_deleted_meanwhile_is_told(admin: APIClient) -> None:
    """Whoever waits for the look hears of it, instead of nothing."""
    used = credential(admin, token="secret", hosts=["forge.example"])
    asked = preview_requests.keep(draft("https://forge.example/org/repo.git", credential="shared"))
    shared_credentials.delete(used["id"])

    tasks.preview_link("ticket", str(asked))

    assert take("ticket", seconds=5)["error"]["code"] == "internal"
