"""`GET /v1/drift`: four hashes side by side for each gateway."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from gateways.models import Gateway, State
from gateways.reports import live
from keeptrusts.redis_client import client
from tests.gateways.conftest import Register
from tests.support.api import error, refusal
from tests.support.gateways import Machine, running
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    confirm,
    edit,
    get,
    link,
    make,
    override,
    poll,
    rollback,
    run_due,
    unlink,
)

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/drift"


def digest(content: str) -> str:
    """What `sha256sum` prints of it."""
    return hashlib.sha256(content.encode()).hexdigest()


def row(admin: APIClient, gateway: str | None = "edge-1") -> dict[str, Any]:
    """One gateway's row."""
    [found] = [found for found in get(admin, PATH) if found["gateway"] == gateway]
    return dict(found)


def set_back(**ages: int) -> None:
    """Let so many seconds pass since the moments of a gateway's state."""
    now = timezone.now()
    State.objects.update(**{name: now - timedelta(seconds=age) for name, age in ages.items()})
    client().flushdb()


def test_a_gateway_in_sync(admin: APIClient, gateway: Machine) -> None:
    """Desired, published and running are one hash."""
    said = gateway.run()

    found = row(admin)

    assert found["state"] == "in_sync"
    names = ("desired_hash", "published_hash", "running_hash")
    assert {found[name] for name in names} == {said["content_hash"]}
    assert (found["configuration"], found["desired_version"], found["running_version"]) == (
        "bot", 1, 1,
    )  # fmt: skip
    assert found["problem"] is None


def test_a_gateway_that_never_came(admin: APIClient, gateway: Machine) -> None:
    """It is offline, and nothing was published to it."""
    found = row(admin)

    assert (found["state"], found["published_hash"], found["running_hash"]) == (
        "offline", None, None,
    )  # fmt: skip


def test_a_gateway_whose_id_is_used_again_is_another(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """What the one before it said and was told says nothing of it."""
    gateway.run(problem={"code": "disk", "message": "full"})
    admin.delete(gateway.path)
    admin.post(f"{gateway.path}/release")
    register(gateway.id, configuration="bot")

    found = row(admin)

    assert (found["state"], found["why"]) == ("offline", "it never reported")
    names = ("published_hash", "running_hash", "running_version", "last_seen_at", "problem")
    assert [found[name] for name in names] == [None] * 5


def test_a_change_rolls_out(admin: APIClient, gateway: Machine) -> None:
    """First it was not told, then it was, then it runs it."""
    gateway.run()
    override(admin, "bot", policy("Bot 2"))
    first = row(admin)

    said = gateway.statement()
    second = row(admin)
    gateway.report(running=running(said))

    assert (first["state"], first["why"]) == (
        "rolling_out",
        "it has yet to receive the newest version",
    )
    assert first["published_hash"] == digest(policy("Bot"))
    assert second["published_hash"] == second["desired_hash"] == digest(policy("Bot 2"))
    assert second["why"] == "it has yet to report the newest version"
    assert row(admin)["state"] == "in_sync"


def test_a_gateway_that_runs_something_else(admin: APIClient, gateway: Machine) -> None:
    """A hash that no version has."""
    said = gateway.statement()

    gateway.report(running={**running(said), "content_hash": "e" * 64})

    found = row(admin)
    assert (found["state"], found["running_hash"]) == ("drifted", "e" * 64)


def test_an_edited_state_is_drift(admin: APIClient, gateway: Machine) -> None:
    """The gateway says so itself, and what it says is shown."""
    gateway.run(problem={"code": "state_edited", "message": "restored"}, health="degraded")

    found = row(admin)
    assert found["state"] == "drifted"
    assert found["problem"] == {"code": "state_edited", "message": "restored"}


def test_silence_is_seen(admin: APIClient, gateway: Machine) -> None:
    """First stale, then offline; the next report ends it."""
    gateway.run()
    set_back(last_seen_at=20)
    assert row(admin)["state"] == "stale"
    set_back(last_seen_at=400)
    assert row(admin)["state"] == "offline"

    gateway.run()

    assert row(admin)["state"] == "in_sync"


def test_redis_knows_it_first(admin: APIClient, gateway: Machine) -> None:
    """The database is a minute behind; what is shown is not."""
    gateway.run()
    State.objects.update(last_seen_at=timezone.now() - timedelta(seconds=400))

    assert row(admin)["state"] == "in_sync"


def test_what_was_said_last_counts_wherever_it_is_kept(admin: APIClient, gateway: Machine) -> None:
    """The database was restored to a report before; Redis has the last one."""
    gateway.run(problem={"code": "disk", "message": "full"})
    kept = State.objects.values().get()
    override(admin, "bot", policy("Bot 2"))
    said = gateway.run()
    State.objects.update(**kept)

    found = row(admin)

    assert (found["state"], found["running_hash"], found["running_version"]) == (
        "in_sync", said["content_hash"], 2,
    )  # fmt: skip
    assert found["problem"] is None
    State.objects.all().delete()
    assert (row(admin)["state"], row(admin)["running_hash"]) == ("in_sync", said["content_hash"])


@pytest.mark.parametrize("by", [1, 2**61], ids=["ahead", "ahead of the clock"])
def test_a_gateway_that_knows_more_than_the_database_shows(
    admin: APIClient, gateway: Machine, monkeypatch: pytest.MonkeyPatch, by: int
) -> None:
    """With the call that tells it again, should that not come by itself."""
    monkeypatch.setattr(live, "is_first_ahead", lambda *_: False)
    said = gateway.statement()
    ahead = {**running(said), "publish_seq": said["publish_seq"] + by}
    gateway.report(running=ahead)

    found = row(admin)

    path = f"{gateway.path}/reissue"
    assert (found["state"], path in found["why"]) == ("drifted", True)
    answer = admin.post(path)
    assert answer.status_code == (200 if by == 1 else 409)
    if by == 1:
        assert gateway.run()["publish_seq"] > ahead["publish_seq"]
        assert row(admin)["state"] == "in_sync"
    else:
        assert error(answer)["code"] == "gateway_ahead"


def test_a_gateway_that_the_database_lost_shows(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """It was registered after the backup was made, and runs."""
    for one in (gateway, register("lost", configuration="bot"), register("deleted")):
        one.run() if one.id != "deleted" else one.report()
    admin.delete("/v1/gateways/deleted")
    Gateway.objects.filter(pk="lost").delete()

    found = row(admin, "lost")

    assert (found["state"], found["configuration"]) == ("drifted", None)
    assert "register it again" in found["why"]
    assert get(admin, f"{PATH}?gateway=lost") == [found]
    assert {one["gateway"] for one in get(admin, PATH)} == {"edge-1", "lost"}
    assert len(get(admin, f"{PATH}?configuration=bot")) == 1


def test_a_graceful_end_is_offline(admin: APIClient, gateway: Machine) -> None:
    """At once, not after five minutes."""
    gateway.run(stopping=True)

    assert row(admin)["state"] == "offline"


@pytest.fixture
def from_git(admin: APIClient, repo: Repo, register: Register) -> Callable[[str], Machine]:
    """A gateway bound to what a linked repository feeds."""

    def _from_git(content: str) -> Machine:
        repo.commit({"bot/policy-config.yaml": content})
        link(admin, repo.url)
        poll()
        return register(configuration="bot")

    return _from_git


def test_an_override_shows(
    admin: APIClient, repo: Repo, from_git: Callable[[str], Machine]
) -> None:
    """Git says one thing, the gateway runs another, as somebody asked."""
    content = policy("bot")
    gateway = from_git(content)
    gateway.run()
    assert row(admin)["state"] == "in_sync"

    override(admin, "bot", content + "# by hand\n")
    gateway.run()

    found = row(admin)
    assert found["state"] == "overridden"
    assert found["git_hash"] == digest(content)
    assert found["git_commit"] == repo.git("rev-parse", "HEAD")
    assert found["running_hash"] == digest(content + "# by hand\n")


def test_a_quarantined_file_shows(
    admin: APIClient, repo: Repo, from_git: Callable[[str], Machine]
) -> None:
    """Git's head is broken; what runs is the last good one."""
    content = policy("bot")
    from_git(content).run()

    broken = content.replace("safety-filter", "no-such-filter")
    repo.commit({"bot/policy-config.yaml": broken})
    poll()

    found = row(admin)
    assert found["state"] == "quarantined"
    assert (found["git_hash"], found["running_hash"]) == (digest(broken), digest(content))


def test_a_rollback_during_a_quarantine_shows_what_is_in_force(
    admin: APIClient, repo: Repo, from_git: Callable[[str], Machine]
) -> None:
    """Not the last good version of git, but the one that somebody chose."""
    content = policy("bot")
    gateway = from_git(content)
    repo.commit({"bot/policy-config.yaml": content + "# two\n"})
    poll()
    repo.commit({"bot/policy-config.yaml": "pack: ["})
    poll()
    rollback(admin, "bot", 1)
    gateway.run()

    found = row(admin)
    assert found["state"] == "quarantined"
    assert found["why"].startswith("the file in git is refused; version 3, made by the API")


def test_a_removal_that_waits_for_a_person_shows(admin: APIClient, repo: Repo) -> None:
    """With the link that holds it, and no longer once it is confirmed."""
    names = ["a", "b", "c", "d"]
    repo.commit({f"{name}/policy-config.yaml": policy(name) for name in names})
    held = link(admin, repo.url)
    run_due()
    commit = repo.commit({f"{name}/policy-config.yaml": None for name in names[:3]})
    poll()

    before = {one["configuration"]: one["held"] for one in get(admin, "/v1/drift")}
    confirm(admin, held)
    poll()

    assert before["d"] is None
    assert [before[name]["commit"] for name in names[:3]] == [commit] * 3
    assert before["a"]["git_repo"] == held["id"]
    assert before["a"]["message"] == (
        "3 of 4 configurations would lose their file at once. What loses its file stays in force:"
        " the link has `prune` off."
    )
    assert [one["held"] for one in get(admin, "/v1/drift")] == [None] * 4


def _rename(admin: APIClient, repo: Repo, row: dict[str, Any]) -> str:
    edit(admin, row, prune=True)
    repo.commit({"bot/policy-config.yaml": None, "bot2/policy-config.yaml": policy("bot")})
    return "its policy is bot2 now, in bot2/policy-config.yaml"


def _leave_out(admin: APIClient, _repo: Repo, row: dict[str, Any]) -> str:
    edit(admin, row, exclude=["bot"])
    return "bot/policy-config.yaml is gone"


def _unlink(admin: APIClient, _repo: Repo, row: dict[str, Any]) -> str:
    unlink(admin, row)
    return "the link that fed it was deleted"


def _archive(admin: APIClient, _repo: Repo, _row: dict[str, Any]) -> str:
    assert admin.delete("/v1/configurations/bot?override=true").status_code == 200
    return "it was archived"


@pytest.mark.parametrize("lose", [_rename, _leave_out, _unlink, _archive])
def test_what_no_file_feeds_any_more_is_not_in_sync(
    admin: APIClient,
    repo: Repo,
    from_git: Callable[[str], Machine],
    lose: Callable[[APIClient, Repo, dict[str, Any]], str],
) -> None:
    """Whatever became of the file; and the whole list costs at most one query more."""
    from_git(policy("bot")).run()
    [made] = get(admin, "/v1/git-repos")
    with CaptureQueriesContext(connection) as before:
        assert row(admin)["state"] == "in_sync"
    why = lose(admin, repo, made)
    poll()

    with CaptureQueriesContext(connection) as after:
        found = row(admin)

    assert (found["state"], found["configuration_state"]) == ("orphaned", "orphaned")
    assert why in found["why"]
    assert len(after) <= len(before) + 1
    assert [one["gateway"] for one in get(admin, f"{PATH}?state=orphaned")] == ["edge-1"]
    assert admin.get(PATH).json()["summary"]["orphaned"] == 1
    assert (found["git_hash"] is None) == (lose is not _archive)


def test_a_file_that_comes_back_ends_it(
    admin: APIClient, repo: Repo, from_git: Callable[[str], Machine]
) -> None:
    """Also with the bytes that it had."""
    gateway = from_git(policy("bot"))
    gateway.run()
    repo.commit({"bot/policy-config.yaml": None})
    poll()
    lost = row(admin)["state"]
    repo.commit({"bot/policy-config.yaml": policy("bot")})
    poll()
    gateway.run()

    assert (lost, row(admin)["state"]) == ("orphaned", "in_sync")


def test_a_file_that_another_one_is_in_conflict_with_shows(
    admin: APIClient, repo: Repo, from_git: Callable[[str], Machine]
) -> None:
    """Neither of the two is in force; what was stays."""
    from_git(policy("bot", id="bot")).run()
    repo.commit({"twin/policy-config.yaml": policy("Twin", id="bot")})
    poll()

    assert row(admin)["state"] == "quarantined"


def test_a_held_commit_orphans_nothing(
    admin: APIClient, repo: Repo, from_git: Callable[[str], Machine]
) -> None:
    """What git said last, of all that passed, has its file."""
    from_git(policy("bot")).run()
    repo.git("update-ref", "-d", "refs/heads/main", at=repo.bare)
    poll()

    assert get(admin, "/v1/git-repos")[0]["status"] == "held"
    assert row(admin)["state"] == "in_sync"


def test_a_configuration_that_nobody_runs_has_a_row(admin: APIClient, gateway: Machine) -> None:
    """Without a gateway; one that is bound has none."""
    make(admin, "other", policy("Other"))

    found = [found["configuration"] for found in get(admin, PATH) if found["gateway"] is None]

    assert found == ["other"]


def test_rows_are_selected(admin: APIClient, register: Register, gateway: Machine) -> None:
    """By state, gateway and configuration; the summary counts before the state selects."""
    register("second", configuration="bot")
    gateway.run()

    answer = admin.get(f"{PATH}?configuration=bot&state=offline").json()
    assert [found["gateway"] for found in answer["data"]] == ["second"]
    assert (answer["summary"]["offline"], answer["summary"]["in_sync"]) == (1, 1)
    assert [found["gateway"] for found in get(admin, f"{PATH}?gateway=edge-1")] == ["edge-1"]
    assert set(answer["summary"]) == {
        "in_sync", "rolling_out", "drifted", "stale", "offline", "overridden", "quarantined",
        "orphaned",
    }  # fmt: skip


def test_a_selected_row_is_the_one_of_the_whole_list(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """Bound or not; and of the other configurations nothing is read, however many there are."""
    gateway.run()
    register("loose")
    make(admin, "other", policy("Other"))
    make(admin, "third", policy("Third"))
    rows = get(admin, PATH)

    for name in ("gateway=edge-1", "gateway=loose", "configuration=bot", "configuration=other"):
        column, _, value = name.partition("=")
        with CaptureQueriesContext(connection) as queries:
            selected = get(admin, f"{PATH}?{name}")

        assert selected == [found for found in rows if found[column] == value] != [], name
        read = [one["sql"] for one in queries if 'FROM "configurations_version"' in one["sql"]]
        assert all("'bot'" in sql or "'other'" in sql for sql in read), name


def test_what_nothing_has_is_refused(admin: APIClient) -> None:
    """400: a name that is empty or has what no database compares, and an unknown state."""
    for query in ("gateway=%00", "gateway=", "configuration=%00", "state=fine"):
        refused = refusal(admin.get(f"{PATH}?{query}"))
        assert refused == (400, [query.partition("=")[0]]), query


def test_several_states_are_selected(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """With commas between, as in the lists of links and of events."""
    register("second", configuration="bot")
    gateway.run()

    found = get(admin, f"{PATH}?configuration=bot&state=offline,in_sync")

    assert {row["gateway"] for row in found} == {"edge-1", "second"}


def test_a_deleted_gateway_has_no_row(admin: APIClient, gateway: Machine) -> None:
    """Its configuration has one again."""
    gateway.run()
    admin.delete(gateway.path)

    assert [found["gateway"] for found in get(admin, PATH)] == [None]


def test_disagreeing_selectors_show(
    admin: APIClient, register: Register, bot: str, bind: Callable[..., str]
) -> None:
    """The gateway goes on with what it had."""
    make(admin, "other", policy("Other"))
    bind("bot", a="1")
    gateway = register(labels={"a": "1", "b": "1"})
    bind("other", b="1")
    gateway.run()

    found = row(admin)
    assert found["configuration"] == "bot"
    assert found["why"].startswith("ambiguous_binding")
