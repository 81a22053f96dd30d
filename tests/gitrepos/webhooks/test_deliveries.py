"""`POST /v1/git-repos/{id}/webhook`: a genuine push starts a sync, and nothing else does."""

import itertools
import urllib.parse
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos import tasks
from gitrepos.models import Link, Remote
from gitrepos.polling.turns import next_turn
from gitrepos.webhooks import deliveries
from keeptrusts.api.requestid import HEADER
from keeptrusts.redis_client import client as broker
from tests.support import hooks
from tests.support.api import error, like, together
from tests.support.forge import Forge, Reply
from tests.support.hooks import COMMIT, FORMS, SECRET, STANDARD_SECRET
from tests.support.repo import Repo, policy
from tests.support.syncing import content, edit, link, poll, run_due, runs, shown

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "bot/policy-config.yaml"
NOBODY = {"webhook_url": "/v1/git-repos/00000000-0000-0000-0000-000000000000/webhook"}


@pytest.fixture
def row(admin: APIClient, repo: Repo) -> dict[str, Any]:
    """A link with a secret whose first commit is in force."""
    repo.commit({FILE: policy("One")})
    made = link(admin, repo.url, branch="main", webhook_secret=SECRET)
    run_due()
    return made


@pytest.fixture
def idle(admin: APIClient) -> dict[str, Any]:
    """A link with a secret that nobody polls."""
    url = "https://forge.example/org/policies.git"
    return link(admin, url, branch="main", webhook_secret=SECRET)


def reason(answer: Any) -> str:
    """Why a delivery was ignored."""
    assert answer.status_code == 202, answer.content
    data = answer.json()["data"]
    assert not data["accepted"]
    assert data["message"]
    found: str = data["reason"]
    return found


def accepted(answer: Any) -> bool:
    """Whether a delivery has its link looked at."""
    assert answer.status_code == 202, answer.content
    return answer.json()["data"]["accepted"] is True


def refused(answer: Any) -> tuple[int, str]:
    """Status and code of an error."""
    return answer.status_code, error(answer)["code"]


def asked() -> int:
    """How many syncs were asked for, of all links together."""
    return sum(Link.objects.values_list("requested_seq", flat=True))


@pytest.mark.smoke
@pytest.mark.parametrize("form", FORMS)
def test_a_push_is_synced_without_a_poll(
    client: APIClient, admin: APIClient, repo: Repo, row: dict[str, Any], form: str
) -> None:
    """As each forge tells of it; the history says that a webhook did it."""
    make, sign = FORMS[form]
    commit = repo.commit({FILE: policy("Two")})
    name = urllib.parse.urlsplit(repo.url).path.strip("/").removesuffix(".git")
    body = make("main", commit) if form == "generic" else make("main", commit, f"x/{name}")
    Link.objects.update(url=f"https://forge.example/x/{name}.git")

    assert accepted(hooks.post(client, row, body, sign(body)))
    run_due()

    assert content(admin, "bot") == policy("Two").encode()
    assert runs(admin, row)[0]["trigger"] == "webhook"
    assert shown(admin, row)["last_delivery_at"] is not None


def test_a_signing_token_of_gitlab_is_a_secret_too(
    client: APIClient, admin: APIClient, idle: dict[str, Any]
) -> None:
    """Then GitLab signs, and sends the secret no more."""
    edit(admin, idle, webhook_secret=STANDARD_SECRET)
    body = hooks.gitlab_push()

    assert accepted(hooks.post(client, idle, body, hooks.standard(body)))


def test_a_form_is_taken_like_json(client: APIClient, idle: dict[str, Any]) -> None:
    """It is what GitHub sends unless it is told otherwise."""
    body = urllib.parse.urlencode({"payload": hooks.github_push().decode()}).encode()
    form = "application/x-www-form-urlencoded"

    assert accepted(hooks.post(client, idle, body, hooks.github(body), content_type=form))


def _but_its_id(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is told, but for the id that each request has."""
    return {name: told[name] for name in sorted(told) if name not in ("request_id", HEADER)}


@pytest.mark.smoke
def test_what_is_not_signed_is_refused_and_tells_nothing(
    client: APIClient, admin: APIClient, idle: dict[str, Any]
) -> None:
    """Whether there is such a link, and whether it has a secret, is not to be learnt."""
    bare = link(admin, "https://forge.example/org/other.git")
    body = hooks.github_push()
    answers = [
        hooks.post(client, somebody, body, headers)
        for somebody in (idle, bare, NOBODY)
        for headers in ({}, hooks.github(body, secret="another-secret-0123"), hooks.github(b""))
    ]

    assert [answer.status_code for answer in answers] == [401] * 9
    assert len({str(_but_its_id(answer.json()["error"])) for answer in answers}) == 1
    assert len({str(_but_its_id(answer.headers)) for answer in answers}) == 1
    assert answers[0]["WWW-Authenticate"].startswith("Signature")
    assert asked() == 0


def test_a_token_is_no_signature(admin: APIClient, idle: dict[str, Any]) -> None:
    """An admin's neither."""
    assert refused(hooks.post(admin, idle, hooks.github_push(), {})) == (401, "unsigned")


@pytest.mark.smoke
@pytest.mark.parametrize("form", FORMS)
def test_a_replay_is_ignored(client: APIClient, idle: dict[str, Any], form: str) -> None:
    """202, since nothing is wrong with it; the link is looked at no second time."""
    make, sign = FORMS[form]
    body = make()
    headers = sign(body)
    assert accepted(hooks.post(client, idle, body, headers))
    Link.objects.update(served_seq=F("requested_seq"))

    again = hooks.post(client, idle, body, headers)

    assert reason(again) == "replayed"
    assert asked() == 1


@pytest.mark.smoke
@pytest.mark.parametrize("form", sorted(set(FORMS) - {"azure", "generic"}))
def test_a_push_made_again_is_synced_again(
    client: APIClient, idle: dict[str, Any], form: str
) -> None:
    """The forge tells of it with the same body, under another id."""
    make, sign = FORMS[form]
    body = make()
    for _ in range(2):
        assert accepted(hooks.post(client, idle, body, sign(body)))
        Link.objects.update(served_seq=F("requested_seq"))

    assert asked() == 2


def test_what_is_remembered_of_a_link_is_bounded(
    client: APIClient, idle: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ids are not signed: whoever has one delivery can send it under ever new ones."""
    monkeypatch.setattr(deliveries, "_MOST_REMEMBERED", 3)
    body = hooks.github_push()
    sent = [hooks.github(body) for _ in range(5)]
    for headers in sent:
        assert accepted(hooks.post(client, idle, body, headers))

    [key] = broker().keys(f"*{idle['id']}*")

    assert broker().zcard(key) == 3
    assert 0 < broker().ttl(key) <= 86_400
    assert reason(hooks.post(client, idle, body, sent[4])) == "replayed"
    assert accepted(hooks.post(client, idle, body, sent[0]))


@pytest.mark.parametrize(
    "url",
    [
        "https://dev.azure.com/Org/A%20Team/_git/policies",
        "https://tfs.forge.example/Collection/A%20Team/_git/policies.git",
        "https://forge.example/v3/org/A%20Team/policies",
    ],
)
@pytest.mark.parametrize(("name", "taken"), [("A Team/policies", True), ("B/policies", False)])
def test_a_repository_of_azure_is_known_in_each_form_of_its_url(
    client: APIClient, admin: APIClient, url: str, name: str, taken: bool
) -> None:
    """By project and name, with blanks in them."""
    row = link(admin, url, webhook_secret=SECRET)
    body = hooks.azure_push(name=name)

    answer = hooks.post(client, row, body, hooks.azure(body))

    assert answer.json()["data"]["accepted"] is taken


def test_a_delivery_to_one_link_is_none_to_another(
    client: APIClient, admin: APIClient, idle: dict[str, Any]
) -> None:
    """One hook may serve two links with one secret; each takes it once."""
    other = link(admin, idle["url"], branch="main", path="b", webhook_secret=SECRET)
    body = hooks.github_push()
    headers = hooks.github(body)

    assert accepted(hooks.post(client, idle, body, headers))
    assert accepted(hooks.post(client, other, body, headers))


@pytest.mark.smoke
def test_of_two_equal_deliveries_at_once_one_is_taken(
    client: APIClient, idle: dict[str, Any]
) -> None:
    """Whichever comes first."""
    body = hooks.github_push()
    headers = hooks.github(body)

    answers = together(8, lambda _: hooks.post(APIClient(), idle, body, headers))

    assert sorted(map(accepted, answers)) == [False] * 7 + [True]
    assert asked() == 1


def test_what_failed_may_be_sent_again(client: APIClient, idle: dict[str, Any]) -> None:
    """Only what was taken counts as taken."""
    body = b'{"ref": 1}'

    first = hooks.post(client, idle, body, hooks.github(body))
    second = hooks.post(client, idle, body, hooks.github(body))

    assert (refused(first), refused(second)) == ((400, "unreadable"), (400, "unreadable"))


def test_a_body_without_bounds_is_refused(client: APIClient, idle: dict[str, Any]) -> None:
    """413 before anything is done with it."""
    body = b" " * (8 * 1024 * 1024 + 1)

    answer = hooks.post(client, idle, body, hooks.github(body))

    assert refused(answer) == (413, "body_too_large")


def test_without_a_broker_a_delivery_is_to_be_sent_again(
    client: APIClient, idle: dict[str, Any], settings: Any
) -> None:
    """Nobody could tell a replay; the poll finds the push all the same."""
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    body = hooks.github_push()

    answer = hooks.post(client, idle, body, hooks.github(body))

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert answer["Retry-After"] == "1"
    assert asked() == 0


@pytest.mark.parametrize(
    ("body", "event", "why"),
    [
        (b"{}", "ping", "no_push"),
        (b"{}", "pull_request", "no_push"),
        (b'{"ref": "refs/pull/1/head"}', "push", "no_push"),
        (b'{"ref": "refs/tags/main"}', "push", "other_branch"),
        (hooks.push("dev"), "push", "other_branch"),
        (hooks.push("main/x"), "push", "other_branch"),
        (hooks.github_push("main", name="org/other"), "push", "other_repository"),
        (hooks.github_push("main", name="g/policies"), "push", "other_repository"),
    ],
)
def test_what_does_not_concern_the_link_is_ignored(
    client: APIClient, idle: dict[str, Any], body: bytes, event: str, why: str
) -> None:
    """202, since nothing is wrong with it, and why."""
    assert reason(hooks.post(client, idle, body, hooks.github(body, event=event))) == why
    assert asked() == 0


@pytest.mark.smoke
def test_a_delivery_for_a_suspended_link_is_ignored(
    client: APIClient, admin: APIClient, idle: dict[str, Any]
) -> None:
    """Whoever suspended it meant it."""
    edit(admin, idle, suspended=True)
    body = hooks.github_push()

    assert reason(hooks.post(client, idle, body, hooks.github(body))) == "suspended"
    assert Remote.objects.get().next_poll_at is None


@pytest.mark.parametrize(
    ("followed", "pushed", "wanted"),
    [
        ({"tag": "v1.2.0"}, "refs/tags/v1.2.0", True),
        ({"tag": "v1.2.0"}, "refs/tags/v1.2.1", False),
        ({"tag": "v1.2.0"}, "refs/heads/v1.2.0", False),
        ({"semver": "^1.2"}, "refs/tags/v1.3.0", True),
        ({"semver": "^1.2"}, "refs/tags/v2.0.0", False),
        ({"semver": "^1.2"}, "refs/heads/main", False),
        ({"commit": COMMIT}, "refs/heads/main", False),
    ],
)
def test_a_pushed_tag_moves_links_that_follow_it(
    client: APIClient, admin: APIClient, followed: dict[str, str], pushed: str, wanted: bool
) -> None:
    """They are looked at once; nobody waits for a commit, since it may be a tag's own object."""
    url = "https://forge.example/org/policies"
    row = link(admin, url, webhook_secret=SECRET, **followed)
    body = b'{"ref": "%s", "after": "%s"}' % (pushed.encode(), COMMIT.encode())

    answer = hooks.post(client, row, body, hooks.github(body))

    assert answer.json()["data"]["accepted"] is wanted
    assert (asked(), Link.objects.get().expected_commit) == (int(wanted), "")


@pytest.mark.parametrize(("pushed", "wanted"), [("main", True), ("dev", False)])
def test_a_link_without_a_branch_follows_the_default_one(
    client: APIClient, admin: APIClient, pushed: str, wanted: bool
) -> None:
    """Which the forge names beside the push."""
    row = link(admin, "https://forge.example/org/policies", webhook_secret=SECRET)
    body = hooks.github_push(pushed)

    answer = hooks.post(client, row, body, hooks.github(body))

    assert answer.json()["data"]["accepted"] is wanted
    assert Link.objects.get().expected_commit == (COMMIT if wanted else "")


def test_a_link_without_a_branch_looks_where_nobody_names_the_default_one(
    client: APIClient, admin: APIClient
) -> None:
    """It waits for no commit, which may be of another branch."""
    row = link(admin, "https://forge.example/org/policies", webhook_secret=SECRET)
    body = hooks.cloud_push("dev")

    assert accepted(hooks.post(client, row, body, hooks.bitbucket(body)))
    assert (asked(), Link.objects.get().expected_commit) == (1, "")


@pytest.mark.smoke
def test_a_burst_is_one_sync(
    client: APIClient, admin: APIClient, forge: Forge, repo: Repo, row: dict[str, Any]
) -> None:
    """A hundred pushes of which only the last can be seen."""
    commit = repo.commit({FILE: policy("Two")})
    bodies = [hooks.push("main", commit) for _ in range(100)]
    before = len(forge.calls(repo))

    answers = together(
        4,
        lambda n: [hooks.post(APIClient(), row, b, hooks.github(b)) for b in bodies[n::4]],
    )
    run_due()
    run_due()

    assert all(accepted(answer) for answer in itertools.chain(*answers))
    assert asked() == 1
    assert [run["trigger"] for run in runs(admin, row)] == ["webhook", "poll"]
    assert content(admin, "bot") == policy("Two").encode()
    assert len(forge.calls(repo)) - before <= 8  # Of one check and one fetch.


def test_a_burst_of_a_whole_organisation_asks_each_link_once(
    client: APIClient, admin: APIClient
) -> None:
    """Only the link that the url names is looked at, also of those on one remote."""
    url = "https://forge.example/org/policies.git"
    rows = [link(admin, url, path=path, webhook_secret=SECRET) for path in ("a", "b", "c")]
    for _ in range(3):
        body = hooks.push()
        hooks.post(client, rows[1], body, hooks.github(body))

    assert [Link.objects.get(pk=row["id"]).requested_seq for row in rows] == [0, 1, 0]


@pytest.mark.smoke
def test_a_delivery_during_a_sync_is_served_by_the_next(
    client: APIClient, admin: APIClient, forge: Forge, repo: Repo, row: dict[str, Any]
) -> None:
    """The running one asked the forge before the push; however many come meanwhile."""
    repo.commit({FILE: policy("Two")})

    def twist(_method: str, reply: Reply) -> Reply:
        if b"PACK" in reply[2] and forge.twists.pop(repo.bare.name, None):
            commit = repo.commit({FILE: policy("Three")})
            for _ in range(3):
                body = hooks.push("main", commit)
                assert accepted(hooks.post(APIClient(), row, body, hooks.github(body)))
            connection.close()
        return reply

    forge.twists[repo.bare.name] = twist
    poll()
    between = content(admin, "bot")
    remote = Remote.objects.get()
    due = remote.next_poll_at == remote.last_polled_at

    run_due()

    assert (between, due) == (policy("Two").encode(), True)
    assert content(admin, "bot") == policy("Three").encode()
    found = Link.objects.get()
    assert (found.served_seq, found.expected_until) == (found.requested_seq, None)


@pytest.mark.smoke
def test_a_push_that_the_forge_does_not_show_yet_is_looked_for(
    client: APIClient, admin: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """Every second; once it is there, it is in force and nobody looks any more."""
    repo.write(FILE, policy("Two"))
    repo.git("commit", "--quiet", "--all", "-m", "Two")
    body = hooks.push("main", repo.git("rev-parse", "HEAD"))
    hooks.post(client, row, body, hooks.github(body))

    waits = []
    for _ in range(3):
        Remote.objects.update(next_poll_at=timezone.now())
        run_due()
        found = Remote.objects.get()
        assert found.next_poll_at is not None and found.last_polled_at is not None
        waits.append((found.next_poll_at - found.last_polled_at).total_seconds())
    reconciling = shown(admin, row)["conditions"][1]
    repo.push()
    poll()

    assert waits == [1, 1, 1]
    assert (reconciling["status"], reconciling["reason"]) == ("True", "Announced")
    assert content(admin, "bot") == policy("Two").encode()
    assert runs(admin, row)[0]["trigger"] == "webhook"
    assert shown(admin, row)["conditions"][1]["status"] == "False"
    polled_at = Remote.objects.get().last_polled_at
    assert polled_at is not None
    assert Remote.objects.filter(next_poll_at=next_turn(polled_at)).exists()


def test_a_push_that_never_shows_is_left_to_the_poll(
    client: APIClient, row: dict[str, Any]
) -> None:
    """After a minute; it may have been overtaken by another."""
    Link.objects.update(poll_interval_seconds=86_400)
    Remote.objects.update(interval_seconds=86_400)
    body = hooks.push("main", COMMIT)
    hooks.post(client, row, body, hooks.github(body))
    left = Link.objects.get().expected_until
    assert left is not None
    assert timedelta(seconds=50) < left - timezone.now() <= timedelta(seconds=60)
    run_due()
    soon = Remote.objects.get().next_poll_at
    Link.objects.update(expected_until=timezone.now())

    poll()

    later = Remote.objects.get().next_poll_at
    assert soon is not None and later is not None
    assert later - soon > timedelta(seconds=60)


def test_a_forge_that_fails_is_not_pressed(
    client: APIClient, forge: Forge, repo: Repo, row: dict[str, Any]
) -> None:
    """The looks for a push double their distance with each failure."""
    body = hooks.push("main", COMMIT)
    hooks.post(client, row, body, hooks.github(body))
    forge.answers[repo.bare.name] = (500, {}, b"")
    waits = []
    for _ in range(3):
        poll()
        found = Remote.objects.get()
        assert found.next_poll_at is not None and found.last_polled_at is not None
        waits.append((found.next_poll_at - found.last_polled_at).total_seconds())
    forge.release(repo)

    assert waits == [2, 4, 8]


def test_a_branch_that_was_deleted_is_looked_at_once(
    client: APIClient, repo: Repo, row: dict[str, Any]
) -> None:
    """There is no commit to wait for."""
    body = hooks.push("main", hooks.ZEROS)

    assert accepted(hooks.post(client, row, body, hooks.github(body)))
    run_due()

    found = Link.objects.get()
    assert (found.served_seq, found.expected_until) == (1, None)


def test_a_link_that_gets_webhooks_is_polled_more_rarely(
    client: APIClient, admin: APIClient, idle: dict[str, Any]
) -> None:
    """From the first genuine delivery on, a ping too."""
    edit(admin, idle, webhook_poll_interval_seconds=3600)
    assert Remote.objects.get().interval_seconds == 300

    hooks.post(client, idle, b"{}", hooks.github(b"{}", event="ping"))

    assert Remote.objects.get().interval_seconds == 3600
    edit(admin, idle, path="b")
    assert Remote.objects.get().interval_seconds == 3600


def test_a_link_whose_webhooks_stay_away_is_polled_as_before(
    client: APIClient, admin: APIClient, idle: dict[str, Any]
) -> None:
    """After a week without one, whatever else is on its remote."""
    edit(admin, idle, webhook_poll_interval_seconds=3600)
    link(admin, idle["url"], path="b", poll_interval_seconds=7200)
    hooks.post(client, idle, b"{}", hooks.github(b"{}", event="ping"))
    tasks.sweep()
    assert Remote.objects.get().interval_seconds == 3600
    Link.objects.update(last_delivery_at=timezone.now() - timedelta(days=8))

    tasks.sweep()

    assert Remote.objects.get().interval_seconds == 300


def test_a_new_secret_has_to_prove_itself(
    client: APIClient, admin: APIClient, idle: dict[str, Any]
) -> None:
    """Until a delivery is signed with it, the poll is what finds pushes; so without one."""
    edit(admin, idle, webhook_poll_interval_seconds=3600)
    hooks.post(client, idle, b"{}", hooks.github(b"{}", event="ping"))

    edit(admin, idle, webhook_secret=None)

    row = shown(admin, idle)
    assert (row["has_webhook_secret"], row["last_delivery_at"]) == (False, None)
    assert Remote.objects.get().interval_seconds == 300


def test_a_rarer_poll_is_not_a_more_frequent_one(admin: APIClient, idle: dict[str, Any]) -> None:
    """Refused whichever of the two is edited, and nothing is changed."""
    path = f"/v1/git-repos/{idle['id']}"
    for body in (
        {"webhook_poll_interval_seconds": 299},
        {"webhook_poll_interval_seconds": 400, "poll_interval_seconds": 500},
    ):
        answer = admin.patch(path, body, format="json")
        assert refused(answer) == (400, "invalid")
    assert shown(admin, idle)["webhook_poll_interval_seconds"] is None
    edit(admin, idle, webhook_poll_interval_seconds=300)
    edit(admin, idle, webhook_poll_interval_seconds=None)


@pytest.mark.parametrize(
    "secret", ["short", "x" * 15, "x" * 201, "with a space in it", "é" * 16, 1]
)
def test_a_secret_is_long_enough_to_be_one(
    admin: APIClient, idle: dict[str, Any], secret: object
) -> None:
    """And fit for a header, where GitLab puts it."""
    answer = admin.patch(f"/v1/git-repos/{idle['id']}", {"webhook_secret": secret}, format="json")

    assert refused(answer) == (400, "invalid")


@pytest.mark.smoke
def test_a_secret_is_in_no_answer_and_no_table(admin: APIClient, idle: dict[str, Any]) -> None:
    """Only whether there is one is told."""
    path = f"/v1/git-repos/{idle['id']}"
    answers = [admin.get(path), admin.get("/v1/git-repos"), admin.get(f"{path}/syncs")]

    assert idle["has_webhook_secret"] is True
    assert [SECRET in answer.content.decode() for answer in answers] == [False] * 3
    assert SECRET not in str(list(Link.objects.values()))
    assert Link.objects.get().webhook_secret.startswith("v1.")


def test_a_secret_opens_for_its_own_link_alone(
    client: APIClient, admin: APIClient, idle: dict[str, Any]
) -> None:
    """Whoever writes to the database cannot move it to another."""
    other = link(admin, "https://forge.example/org/other.git")
    Link.objects.filter(pk=other["id"]).update(
        webhook_secret=Link.objects.get(pk=idle["id"]).webhook_secret
    )
    body = hooks.push()

    assert refused(hooks.post(client, other, body, hooks.github(body))) == (401, "unsigned")


def test_a_delivery_meets_an_edit_and_neither_is_lost(
    admin: APIClient, idle: dict[str, Any]
) -> None:
    """At the same moment, again and again."""
    bodies = [hooks.push() for _ in range(20)]

    def work(number: int) -> list[int]:
        if number:
            return [
                hooks.post(APIClient(), idle, body, hooks.github(body)).status_code
                for body in bodies
            ]
        client = like(admin)
        return [
            client.patch(
                f"/v1/git-repos/{idle['id']}", {"path": f"p{n}"}, format="json"
            ).status_code
            for n in range(20)
        ]

    answers = together(2, work)

    assert answers == [[200] * 20, [202] * 20]
    found = Link.objects.get()
    assert (found.path, found.generation, found.requested_seq) == ("p19", 21, 1)
