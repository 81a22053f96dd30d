"""Making, editing and removing links over the API."""

from datetime import datetime
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos.models import Host, Link, Remote
from tests.support.api import created, error, refusal
from tests.support.repo import Repo, policy
from tests.support.syncing import get, link, run_due

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/git-repos"
URL = "https://forge.example/org/policies.git"
TOKEN = "forge-token-hunter2"
NOBODY = f"{PATH}/00000000-0000-0000-0000-000000000000"


def post(admin: APIClient, **body: Any) -> Any:
    """Link a repository; `URL` unless a url is given."""
    return admin.post(PATH, {"url": URL, **body}, format="json")


def patch(admin: APIClient, row: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Edit a link; its row after that."""
    answer = admin.patch(f"{PATH}/{row['id']}", body, format="json")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["data"]
    return found


def test_a_url_is_enough(admin: APIClient) -> None:
    """The rest has defaults; nothing was observed yet."""
    answer = post(admin)

    row = created(answer)
    assert answer["Location"] == f"{PATH}/{row['id']}"
    assert get(admin, answer["Location"]) == row
    assert get(admin, PATH) == [row]
    unsure = ("id", "created_at", "updated_at", "next_poll_at", "webhook_url", "conditions")
    assert {name: value for name, value in row.items() if name not in unsure} == {
        "url": URL,
        "follows": "branch",
        "branch": "",
        "tag": "",
        "commit": "",
        "semver": "",
        "path": "",
        "auto_create_configuration": False,
        "adopt": False,
        "poll_interval_seconds": 300,
        "webhook_poll_interval_seconds": None,
        "suspended": False,
        "four_eyes": False,
        "fail_on": "",
        "minimum_coverage": 0,
        "minimum_killed": 0,
        "broken_glass": False,
        "id_prefix": "",
        "include": [],
        "exclude": [],
        "prune": False,
        "allowed_signers": "",
        "allowed_openpgp_keys": "",
        "has_access_token": False,
        "credential": None,
        "credential_expires_at": None,
        "credential_expiring": False,
        "has_webhook_secret": False,
        "generation": 1,
        "observed_generation": 0,
        "status": "pending",
        "last_commit": None,
        "last_tag": None,
        "last_polled_at": None,
        "last_synced_at": None,
        "last_delivery_at": None,
        "error": None,
        "held": None,
        "files": {},
    }


def test_what_is_asked_for_is_kept_as_it_was_sent(admin: APIClient) -> None:
    """The path with its slash, too."""
    asked = {
        "url": URL,
        "branch": "release/1.x",
        "path": "policies/production/",
        "auto_create_configuration": True,
        "adopt": True,
        "poll_interval_seconds": 604_800,
        "suspended": True,
    }

    row = created(post(admin, **asked))

    assert {name: row[name] for name in asked} == asked
    assert (row["status"], row["next_poll_at"]) == ("suspended", None)


def test_repo_url_is_another_name_of_url(admin: APIClient) -> None:
    """The answer calls it `url`."""
    row = created(admin.post(PATH, {"repo_url": URL}, format="json"))

    assert row["url"] == URL
    assert "repo_url" not in row


def test_both_names_may_say_the_same(admin: APIClient) -> None:
    """Two spellings of one url are the same; two urls are not."""
    spelled = URL.replace("forge.example", "FORGE.example:443")

    assert refusal(post(admin, repo_url=f"{URL}x")) == (400, ["repo_url"])
    assert created(post(admin, repo_url=spelled))["url"] == URL


@pytest.mark.parametrize(
    ("first", "second"),
    [("policies", "policies/"), ("policies/", "policies"), ("", "/"), ("", "."), ("a/b", "./a//b/"),
     ("a/b", "/a/./b/."), ("a.yaml", "a.yaml"), (" ", " ")],
)  # fmt: skip
def test_a_second_link_of_the_same_files_is_refused(
    admin: APIClient, first: str, second: str
) -> None:
    """409 with the id of the first, however url and path are spelled."""
    row = created(post(admin, path=first, branch="main"))

    answer = post(admin, url=f"{URL}/".replace("https", "HTTPS"), path=second, branch="main")

    found = error(answer)
    assert (answer.status_code, found["code"]) == (409, "already_linked")
    assert found["details"] == [{"id": row["id"]}]
    assert len(get(admin, PATH)) == 1


def test_other_files_of_a_repository_are_another_link(admin: APIClient) -> None:
    """Another branch, path or url; all of one url hang on one remote."""
    for body in ({}, {"branch": "main"}, {"path": "a"}, {"path": "A"}, {"url": f"{URL}x"}):
        created(post(admin, **body))

    assert Remote.objects.count() == 2


def test_a_token_does_not_make_another_link(admin: APIClient) -> None:
    """The same files are the same files, whoever may read them."""
    created(post(admin, access_token="one"))

    assert error(post(admin, access_token="two"))["code"] == "already_linked"
    assert Remote.objects.count() == 1


def test_an_access_token_is_in_no_answer(admin: APIClient) -> None:
    """Only whether there is one is told."""
    row = created(post(admin, access_token=TOKEN))
    one = f"{PATH}/{row['id']}"
    answers = [
        admin.get(PATH),
        admin.get(one),
        admin.patch(one, {"access_token": TOKEN, "path": "a"}, format="json"),
        admin.patch(one, {"access_token": f"{TOKEN} "}, format="json"),
        admin.patch(one, {"access_token": [TOKEN]}, format="json"),
        post(admin, path="a", access_token=TOKEN),
        post(admin, url=f"https://{TOKEN}@forge.example/r", access_token=TOKEN),
        admin.post(f"{one}/sync"),
        admin.get(f"{one}/syncs"),
        admin.get(f"{one}/files"),
        admin.delete(one),
    ]

    assert row["has_access_token"]
    assert {answer.status_code for answer in answers} == {200, 202, 400, 409}
    assert not [answer.content for answer in answers if TOKEN.encode() in answer.content]
    assert not [answer for answer in answers if TOKEN in str(answer.headers)]


def test_an_access_token_is_in_no_table(admin: APIClient) -> None:
    """Not as text; what is sealed opens only with the operator's key."""
    created(post(admin, access_token=TOKEN))

    rows = [row for model in apps.get_models() for row in model._default_manager.values()]
    assert "v1." in str(rows)
    assert TOKEN not in str(rows)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("branch", "main"), ("path", "policies/"), ("auto_create_configuration", True),
        ("adopt", True), ("poll_interval_seconds", 60), ("url", f"{URL}x"),
        ("webhook_poll_interval_seconds", 3600),
    ],
)  # fmt: skip
def test_a_field_is_edited_alone(admin: APIClient, field: str, value: object) -> None:
    """The edit is counted, and what was in flight for the link is due again."""
    row = created(post(admin))

    changed = patch(admin, row, **{field: value})

    observed = {name: changed[name] for name in ("next_poll_at", "updated_at", "conditions")}
    assert changed["updated_at"] > row["updated_at"]
    assert changed == {**row, field: value, "generation": 2, **observed}
    assert get(admin, f"{PATH}/{row['id']}") == changed


def test_an_edit_may_say_repo_url_too(admin: APIClient) -> None:
    """As a link's creation may."""
    assert patch(admin, created(post(admin)), repo_url=f"{URL}x")["url"] == f"{URL}x"


def test_an_edit_to_what_is_linked_already_is_refused(admin: APIClient) -> None:
    """409 with the id of the other, and the link stays as it was."""
    first = created(post(admin, path="policies"))
    second = created(post(admin, path="other"))

    answer = admin.patch(f"{PATH}/{second['id']}", {"path": "policies/"}, format="json")

    assert (answer.status_code, error(answer)["details"]) == (409, [{"id": first["id"]}])
    assert get(admin, f"{PATH}/{second['id']}") == second


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://forge.example/org/moved.git", True),
        ("https://FORGE.example:443/org/policies.git", True),
        ("http://forge.example/org/policies.git", False),
        ("https://other.example/org/policies.git", False),
        ("https://forge.example.evil.example/org/policies.git", False),
        ("https://forge.example:8443/org/policies.git", False),
    ],
)
def test_a_token_is_kept_for_its_own_server_alone(admin: APIClient, url: str, kept: bool) -> None:
    """Another path keeps it; another scheme, host or port drops it."""
    row = created(post(admin, access_token=TOKEN))

    assert patch(admin, row, url=url)["has_access_token"] is kept


@pytest.mark.parametrize("field", ["branch", "path"])
def test_a_token_is_kept_when_other_files_are_asked_for(admin: APIClient, field: str) -> None:
    """The server is the same."""
    row = created(post(admin, access_token=TOKEN))

    assert patch(admin, row, **{field: "other"})["has_access_token"]


def test_a_token_that_is_sent_again_goes_with_the_url(admin: APIClient) -> None:
    """Whoever sends both means it."""
    row = created(post(admin, access_token=TOKEN))

    assert patch(admin, row, url="https://other.example/r", access_token="t")["has_access_token"]


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_token_is_taken_away(admin: APIClient, nothing: object) -> None:
    """By null, and by an empty text; nothing of it is left in the database."""
    row = created(post(admin, access_token=TOKEN))

    assert not patch(admin, row, access_token=nothing)["has_access_token"]
    assert not Remote.objects.exclude(credential="").exists()


def test_a_link_leaves_no_remote_behind(admin: APIClient) -> None:
    """Neither an edit nor the end of a link does."""
    row = created(post(admin, access_token=TOKEN))
    patch(admin, row, url="https://other.example/r")
    assert list(Remote.objects.values_list("host", flat=True)) == ["other.example"]

    admin.delete(f"{PATH}/{row['id']}")

    assert not Remote.objects.exists()


def test_a_suspended_link_is_not_polled(admin: APIClient) -> None:
    """Until it is resumed; then it is due at once."""
    row = created(post(admin))

    suspended = patch(admin, row, suspended=True)
    assert (suspended["status"], suspended["next_poll_at"]) == ("suspended", None)

    resumed = patch(admin, row, suspended=False)
    assert resumed["status"] == "pending"
    assert datetime.fromisoformat(resumed["next_poll_at"]) <= timezone.now()


def test_a_remote_is_polled_as_often_as_its_hastiest_link_asks(admin: APIClient) -> None:
    """One that is suspended does not count."""
    created(post(admin, path="a", poll_interval_seconds=600))
    hasty = created(post(admin, path="b", poll_interval_seconds=60))
    assert Remote.objects.get().interval_seconds == 60

    patch(admin, hasty, suspended=True)

    assert Remote.objects.get().interval_seconds == 600


@pytest.mark.django_db(transaction=True)
def test_a_link_that_goes_leaves_its_configurations(admin: APIClient, repo: Repo) -> None:
    """In force, fed by nobody; the answer names them."""
    repo.commit({"b/policy-config.yaml": policy("B"), "a/policy-config.yaml": policy("A")})
    row = link(admin, repo.url)
    run_due()

    answer = admin.delete(f"{PATH}/{row['id']}")

    assert answer.status_code == 200
    assert answer.json()["data"] == {"id": row["id"], "orphaned_configurations": ["a", "b"]}
    left = get(admin, "/v1/configurations")
    assert [(c["id"], c["status"], c["git_repo"]) for c in left] == [
        ("a", "active", ""),
        ("b", "active", ""),
    ]
    assert error(admin.get(f"{PATH}/{row['id']}"))["code"] == "not_found"


@pytest.mark.django_db(transaction=True)
def test_an_orphan_is_edited_like_any_other(admin: APIClient, repo: Repo) -> None:
    """Nobody feeds it, so nobody need be overridden."""
    repo.commit({"a/policy-config.yaml": policy("A")})
    row = link(admin, repo.url)
    run_due()
    admin.delete(f"{PATH}/{row['id']}")

    answer = admin.patch("/v1/configurations/a", {"content": policy("Here")}, format="json")

    assert answer.json()["data"]["source"] == "api"


def test_a_link_that_fed_nothing_orphans_nothing(admin: APIClient) -> None:
    """The list is empty, not missing."""
    row = created(post(admin))

    answer = admin.delete(f"{PATH}/{row['id']}")

    assert answer.json()["data"]["orphaned_configurations"] == []
    assert not Link.objects.exists()


def test_an_unknown_link_is_not_found(admin: APIClient) -> None:
    """404 for each verb, and for an id that is none."""
    answers = [
        admin.get(NOBODY), admin.delete(NOBODY), admin.patch(NOBODY, {"path": "a"}, format="json"),
        admin.post(f"{NOBODY}/sync"), admin.get(f"{NOBODY}/syncs"), admin.get(f"{NOBODY}/files"),
        admin.get(f"{PATH}/1"), admin.get(f"{PATH}/%00"), admin.get(f"{PATH}/{'a' * 5000}"),
    ]  # fmt: skip

    assert [error(answer)["code"] for answer in answers] == ["not_found"] * len(answers)


def test_a_list_of_links_costs_two_queries(
    admin: APIClient, django_assert_num_queries: Any
) -> None:
    """Counters and rows, however many there are; a third one while any host rests."""
    for number in range(20):
        created(post(admin, url=f"{URL}{number}"))

    with django_assert_num_queries(2):
        rows = get(admin, PATH)
    Host.objects.create(name="elsewhere.example", cooling_until=timezone.now())
    with django_assert_num_queries(3):
        get(admin, PATH)

    assert [row["url"] for row in rows] == [f"{URL}{number}" for number in range(20)]
