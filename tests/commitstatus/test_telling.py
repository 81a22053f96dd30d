"""Telling, through the database and a real server: what arrives, how often, and what is shown."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from commitstatus import credentials, sender, tasks, telling
from commitstatus.models import CommitStatus, ForgeCredential
from configurations.models import Configuration
from gateways.models import Gateway, State
from gitrepos.forge import documents
from gitrepos.models import Link, LinkedFile
from keeptrusts import celery
from tests.support.forgeapi import Answer, Call, ForgeAPI, forge_api, hanging, said
from tests.support.forgesaid import (
    COMMIT,
    OTHER,
    TOKEN,
    URL,
    a_round,
    kept,
    later,
    posted,
    shown,
    stands,
    synced,
    takes,
    told,
)
from tests.support.repo import Repo, policy
from tests.support.syncing import get, link, poll
from tests.support.syncing import shown as link_shown

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

CONTEXT = "keeptrusts/policies (main)"


def fed(row: dict[str, Any], gateways: int, enforcing: int, name: str = "bot") -> None:
    """Have a link feed a configuration, and gateways bound to it run its content or another."""
    now = timezone.now()
    Configuration.objects.create(
        pk=name, name=name, status="active", source="git", owner=row["id"], version=1,
        content_hash="c" * 64, created_at=now, updated_at=now,
    )  # fmt: skip
    LinkedFile.objects.create(
        link_id=row["id"], path=f"policies/{name}/policy-config.yaml", configuration=name,
        blob="d" * 40, content_hash="c" * 64, outcome="synced", updated_at=now,
    )  # fmt: skip
    for number in range(gateways):
        gateway = Gateway.objects.create(
            pk=f"{name}-{number}", name="g", digest=f"{name}-{number}", bound_id=name,
            changed_seq=0, created_at=now, updated_at=now,
        )  # fmt: skip
        if number or enforcing == gateways:
            State.objects.create(
                gateway=gateway, running_hash="c" * 64, health="ok", kt_version="1",
                started_at=now, stopping=False, counters={}, stream=False, last_seen_at=now,
            )  # fmt: skip


def test_a_synced_commit_is_told_once(admin: APIClient, api: ForgeAPI, row: dict[str, Any]) -> None:
    """With the credential, to the API alone; and the link shows what was told."""
    fed(row, 3, 2)

    assert (a_round(), a_round()) == (1, 0)
    later()
    assert a_round() == 0

    asked, told_ = api.calls
    assert (asked.method, asked.path) == ("GET", "/repos/org/repo")
    assert (told_.method, told_.path) == ("POST", f"/repos/org/repo/statuses/{COMMIT}")
    assert {call.headers["Authorization"] for call in api.calls} == {f"Bearer {TOKEN}"}
    description = "synced, enforced by 2 of 3"
    assert told_.body == {"state": "success", "description": description, "context": CONTEXT}
    found = shown(admin, row)
    assert found.pop("told_at")
    assert found == {
        "git_repo": row["id"], "url": row["url"], "path": row["path"], "credential": "telling",
        "status_name": CONTEXT, "visibility": "private", "commit": COMMIT, "state": "success",
        "description": description, "error": None, "action": None, "error_since": None,
        "failures": 0, "retry_at": None,
    }  # fmt: skip


def test_counts_are_told_anew_once_a_minute(api: ForgeAPI, row: dict[str, Any]) -> None:
    """And only when they changed; the visibility is asked for once an hour."""
    fed(row, 2, 1)
    a_round()
    now = timezone.now()
    State.objects.create(
        gateway_id="bot-0", running_hash="c" * 64, health="ok", kt_version="1", started_at=now,
        stopping=False, counters={}, stream=False, last_seen_at=now,
    )  # fmt: skip
    later(40)
    a_round()
    assert len(posted(api)) == 1

    later(30)
    a_round()

    assert [one["description"] for one in posted(api)] == [
        "synced, enforced by 1 of 2", "synced, enforced by 2 of 2",
    ]  # fmt: skip
    assert [call.method for call in api.calls] == ["GET", "POST", "POST"]
    State.objects.all().delete()
    later(3600)
    a_round()
    assert [call.method for call in api.calls][3:] == ["GET", "POST"]


@pytest.mark.parametrize("answer", [
    said(200, private=False, visibility="public"), said(404), said(500), said(200),
    said(302, {"Location": "https://elsewhere.example"}), (200, b"no JSON", {}),
    said(200, private=True, visibility="private", more="x" * 100_000),
])  # fmt: skip
def test_of_a_repository_that_may_be_public_little_is_told(
    settings: Any, api: ForgeAPI, row: dict[str, Any], answer: Answer
) -> None:
    """Neither gateways nor configurations, whatever is not known to be private."""
    fed(row, 3, 2)
    api.answers["GET /repos/"] = lambda _: answer
    a_round()
    LinkedFile.objects.update(outcome="quarantined")
    later()
    a_round()
    stands(row, held={"commit": OTHER, "reason": "weaker"}, error_code="weaker")
    later()
    a_round()

    assert [(one["state"], one["description"]) for one in posted(api)] == [
        ("success", "policy synced"), ("failure", "policy refused"),
        ("pending", "policy waits for a person"),
    ]  # fmt: skip
    assert not any("target_url" in one for one in posted(api))


def test_a_page_is_named_where_people_may_know_of_it(
    settings: Any, api: ForgeAPI, row: dict[str, Any]
) -> None:
    """In a private repository, where an operator said where the console is."""
    settings.ENV = dataclasses.replace(settings.ENV, public_url="https://kt.example")

    a_round()

    [body] = posted(api)
    assert body["target_url"] == f"https://kt.example/repositories/{row['id']}"


def test_the_newest_commit_alone_is_told(api: ForgeAPI, row: dict[str, Any]) -> None:
    """At once, without waiting for the next look."""
    a_round()
    stands(row, last_commit=OTHER)

    assert (a_round(), a_round()) == (1, 0)
    assert api.calls[-1].path.endswith(OTHER)

    stands(row, last_commit=COMMIT, error_code="too_large", failed_commit="c" * 40)
    a_round()
    assert (posted(api)[-1]["state"], posted(api)[-1]["description"]) == (
        "error", "not synced: too_large",
    )  # fmt: skip


def test_nothing_is_told_of_what_nobody_chose(admin: APIClient, api: ForgeAPI) -> None:
    """It is off, until somebody chooses; and off again when it is taken back."""
    kept(admin, api)
    made = synced(admin)
    assert (a_round(), shown(admin, made)["credential"]) == (0, None)
    told(admin, made)
    a_round()
    told(admin, made, None)
    stands(made, last_commit=OTHER)

    assert a_round() == 0
    assert len(posted(api)) == 1
    assert shown(admin, made)["commit"] is None


FAILURES = [
    (said(401), "auth_failed", 0), (said(403), "auth_failed", 0), (said(404), "repo_not_found", 0),
    (said(422), "status_refused", 0), (said(500), "unreachable", 30),
    (said(307, {"Location": "https://elsewhere.example/"}), "moved", 0),
    (said(429), "rate_limited", 60), (said(403, {"Retry-After": "600"}), "rate_limited", 600),
    (said(403, {"X-RateLimit-Remaining": "0"}), "rate_limited", 60),
    (said(429, {"Retry-After": "90000"}), "rate_limited", 3600),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "code", "pause"), FAILURES)
def test_a_failure_is_shown_and_touches_no_sync(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any], answer: Answer, code: str, pause: int
) -> None:
    """It is tried again later, and not before the API lets."""
    before = link_shown(admin, row)
    api.answers["POST /repos/"] = lambda _: answer

    assert (a_round(), a_round()) == (1, 0)

    found = shown(admin, row)
    assert (found["error"]["code"], found["failures"], found["commit"]) == (code, 1, None)
    assert "elsewhere" not in found["error"]["message"] and TOKEN not in str(found)
    [by] = get(admin, "/v1/forge-credentials")
    assert by["failing"] == 1
    if pause:
        until = datetime.fromisoformat(by["paused_until"]) - datetime.now(UTC)
        assert abs(until.total_seconds() - pause) < 20
    else:
        assert by["paused_until"] is None
    assert {**link_shown(admin, row), "next_poll_at": 0} == {**before, "next_poll_at": 0}

    takes(api)
    later(max(pause, 31) + 5)
    a_round()
    found = shown(admin, row)
    assert (found["error"], found["failures"], found["commit"]) == (None, 0, COMMIT)


def test_a_failure_is_tried_seldom_and_not_for_ever(api: ForgeAPI, row: dict[str, Any]) -> None:
    """Twelve times for a commit, with growing waits."""
    api.answers["POST /repos/"] = lambda _: said(404)
    waits = []
    for _ in range(20):
        before = CommitStatus.objects.get().failures
        later(3700)
        a_round()
        after = CommitStatus.objects.get()
        if after.failures == before:
            break
        assert after.retry_at is not None
        waits.append((after.retry_at - timezone.now()).total_seconds())

    assert len(posted(api)) == 12
    # Each is spread below its longest.
    longest = [min(30 * 2**number, 3600) for number in range(12)]
    assert all(0.7 * most - 5 < wait < most for wait, most in zip(waits, longest, strict=True))

    stands(row, last_commit=OTHER)
    later(3700)
    assert a_round() == 1


def test_a_clock_that_was_set_back_holds_up_nothing(api: ForgeAPI, row: dict[str, Any]) -> None:
    """Looks, tries, pauses and beliefs of the time that was are over."""
    assert a_round() == 1
    ahead = timezone.now() + timedelta(days=1)
    CommitStatus.objects.update(
        look_at=ahead, retry_at=ahead, told_at=ahead, visibility_until=ahead, description="old"
    )
    ForgeCredential.objects.update(paused_until=ahead)

    assert (a_round(), a_round()) == (1, 0)

    assert [call.method for call in api.calls] == ["GET", "POST"] * 2
    later()
    CommitStatus.objects.update(description="old")
    api.answers["POST /repos/"] = lambda _: said(429)
    assert a_round() == 1
    paused_until = ForgeCredential.objects.get().paused_until
    assert paused_until is not None and paused_until < timezone.now() + timedelta(hours=1)


def test_an_api_that_hangs_pauses_its_credential_alone(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links of another are told meanwhile."""
    monkeypatch.setattr(documents, "_DEADLINE_SECONDS", 0.3)
    api.answers["GET /repos/"] = hanging
    with forge_api() as other:
        takes(other)
        kept(admin, other, name="other")
        second = synced(admin, url="https://forge.example/org/other.git")
        told(admin, second, "other")

        a_round()
        stands(row, last_commit=OTHER)
        stands(second, last_commit=OTHER)
        a_round()

        assert len(posted(other)) == 2
    assert len(api.calls) == 1
    assert shown(admin, row)["error"]["code"] == "timeout"


def test_an_answer_that_is_huge_is_not_read(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any]
) -> None:
    """64 KiB."""
    api.answers["POST /repos/"] = lambda _: said(201, x="x" * 100_000)

    a_round()

    assert shown(admin, row)["error"]["code"] == "too_large"


def test_redirects_lead_nowhere(api: ForgeAPI, row: dict[str, Any]) -> None:
    """Of either request; nobody else gets the credential."""
    with forge_api() as other:
        takes(other)

        def away(call: Call) -> Answer:
            return said(307, {"Location": f"{other.url}{call.path}"})

        api.answers = {"GET /": away, "POST /": away}
        a_round()

        assert other.calls == []
    assert posted(api)[0]["description"] == "policy synced"


def test_a_url_of_another_form_is_told_of(admin: APIClient, api: ForgeAPI) -> None:
    """By the link, without a call."""
    kept(admin, api)
    made = synced(admin, url="https://forge.example/alone.git")
    told(admin, made)

    a_round()

    error = shown(admin, made)["error"]
    assert (error["code"], error["message"].endswith("OWNER/REPOSITORY.")) == ("not_of_forge", True)
    assert api.calls == []


def test_a_link_that_moves_is_told_of_anew(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any]
) -> None:
    """Its new repository may be public, and elsewhere the credential tells nothing."""
    a_round()
    takes(api, private=False)
    moved = "https://forge.example/org/public.git"
    stands(row, url=moved, last_url=moved)
    later(61)
    a_round()
    elsewhere = "https://other.example/org/repo.git"
    stands(row, url=elsewhere, last_url=elsewhere)
    later(61)
    a_round()

    assert [one["description"] for one in posted(api)] == ["synced", "policy synced"]
    assert api.calls[-1].path == f"/repos/org/public/statuses/{COMMIT}"
    found = shown(admin, row)
    assert (found["error"]["code"], found["commit"]) == ("host_not_allowed", None)


def test_after_a_failure_that_pauses_the_rest_is_left(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch asks an API that is down once, not for each of its links."""
    monkeypatch.setattr(sender, "_AT_ONCE", 1)
    api.answers = {"": lambda _: said(503)}
    for number in range(3):
        told(admin, synced(admin, url=f"https://forge.example/org/r{number}.git"))

    a_round()

    assert len(api.calls) == 2
    assert CommitStatus.objects.filter(failures=1).count() == 1
    assert {one.look_at > timezone.now() for one in CommitStatus.objects.all()} == {True}


def test_a_secret_that_leads_elsewhere_is_not_sent(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any]
) -> None:
    """Whoever writes to the database."""
    with forge_api() as other:
        ForgeCredential.objects.update(api_url=other.url)
        a_round()

        assert other.calls == []
    assert shown(admin, row)["error"]["code"] == "credential_unreadable"


def test_a_rotation_seals_it_anew(settings: Any, api: ForgeAPI, row: dict[str, Any]) -> None:
    """And it goes on."""
    keys = ("k" * 50, *settings.ENV.secret_keys)
    settings.ENV = dataclasses.replace(settings.ENV, secret_keys=keys)
    call_command("rotate_secrets")
    settings.ENV = dataclasses.replace(settings.ENV, secret_keys=keys[:1])

    a_round()

    assert api.calls[-1].headers["Authorization"] == f"Bearer {TOKEN}"


def test_an_app_tells_with_a_token_of_its_installation(admin: APIClient, api: ForgeAPI) -> None:
    """Which may set statuses and read no contents; one for all links."""
    fields = {**api.credential(), "name": "telling", "forge": "github", "status_name": "kt"}
    key = fields.pop("private_key")
    credentials.create({**fields, "hosts": ["forge.example"]}, secret=key)
    for number in range(2):
        made = synced(admin, url=f"https://forge.example/org/r{number}.git")
        told(admin, made)

    assert a_round() == 2

    [asked] = [call for call in api.calls if "/app/" in call.path]
    assert asked.body == {"permissions": {"metadata": "read", "statuses": "write"}}
    sent = {call.headers["Authorization"] for call in api.calls if "/repos/" in call.path}
    assert sent == {f"Bearer {api.tokens[0]}"}


def test_a_round_ends_with_what_is_due(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any]
) -> None:
    """Many links in a few batches, each told once."""
    now, first = timezone.now(), Link.objects.get()
    by = ForgeCredential.objects.get()
    more = [
        Link(
            remote=first.remote, url=f"https://forge.example/org/r{number}.git",
            last_url=f"https://forge.example/org/r{number}.git", last_commit=COMMIT,
            observed_generation=1, created_at=now, updated_at=now,
        )
        for number in range(60)
    ]  # fmt: skip
    Link.objects.bulk_create(more)
    CommitStatus.objects.bulk_create(
        CommitStatus(link=one, credential=by, look_at=now, created_at=now, updated_at=now)
        for one in more
    )

    assert (a_round(), a_round()) == (61, 0)

    assert len({call.path for call in api.calls if call.method == "POST"}) == 61
    assert len(posted(api)) == 61


def test_what_one_process_has_no_other_takes(api: ForgeAPI, row: dict[str, Any]) -> None:
    """Until its lease ends: then the same is told again."""
    assert len(telling._claimed(timezone.now())) == 1
    stands(row, last_commit=OTHER)
    assert a_round() == 0

    later(121)
    assert a_round() == 1


def test_what_was_chosen_anew_meanwhile_is_not_written_over(
    admin: APIClient, api: ForgeAPI, row: dict[str, Any]
) -> None:
    """The result of a call is of the choice before."""
    claimed = telling._claimed(timezone.now())
    CommitStatus.objects.update(updated_at=timezone.now() + timedelta(seconds=1))
    telling._tell(claimed)

    assert len(posted(api)) == 1
    assert shown(admin, row)["commit"] is None


def test_a_link_goes_with_its_statuses(admin: APIClient, row: dict[str, Any]) -> None:
    """And a process that knows no such table may remove links, whose rows harm nobody."""
    Link.objects.filter(pk=row["id"])._raw_delete("default")
    assert a_round() == 0
    [by] = get(admin, "/v1/forge-credentials")
    assert by["git_repos"] == 0
    assert admin.delete(f"/v1/forge-credentials/{by['id']}").status_code == 200


def test_what_a_sync_finds_is_told(
    admin: APIClient, api: ForgeAPI, repo: Repo, settings: Any, tmp_path: Path
) -> None:
    """Through a real repository: synced, quarantined with its line, and synced again."""
    settings.ENV = dataclasses.replace(settings.ENV, data_dir=tmp_path / "data")
    commits = [repo.commit({"p/bot/policy-config.yaml": policy()})]
    kept(admin, api)
    made = link(admin, repo.url, path="p")
    told_of = {"url": URL, "last_url": URL}

    def next_round() -> None:
        poll()
        Link.objects.filter(pk=made["id"]).update(**told_of)
        later()
        a_round()
        Link.objects.filter(pk=made["id"]).update(url=repo.url, last_url=repo.url)

    Link.objects.filter(pk=made["id"]).update(url=URL)
    told(admin, made)
    Link.objects.filter(pk=made["id"]).update(url=repo.url)
    next_round()
    commits.append(repo.commit({"p/bot/policy-config.yaml": policy() + "unknown: 1\n"}))
    next_round()
    commits.append(repo.commit({"p/bot/policy-config.yaml": policy("Two")}))
    next_round()

    assert [call.path.rpartition("/")[2] for call in api.calls if call.method == "POST"] == commits
    first, second, third = posted(api)
    assert (first["description"], third["description"]) == ("synced", "synced")
    assert second["state"] == "failure"
    assert second["description"].startswith("quarantined at line ")
    assert "p/bot/policy-config.yaml" in second["description"]


def test_beat_asks_for_the_task() -> None:
    """By the queue of what workers do in threads."""
    celery.app.loader.import_default_modules()
    entry = celery.app.conf.beat_schedule["tell"]

    assert entry["task"] in celery.app.tasks
    assert celery.app.conf.task_routes[entry["task"]] == {"queue": "tick"}


def test_the_task_is_a_round(api: ForgeAPI, row: dict[str, Any]) -> None:
    """One at a time in a process."""
    with tasks._turn:
        tasks.tell()
    assert api.calls == []

    tasks.tell()

    assert len(posted(api)) == 1
