"""Input of links: accepted values, and refusals with the field's name."""

import dataclasses
import subprocess
from typing import Any

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from tests.gitrepos.forge.test_addresses import LOOPBACK, NO_URL
from tests.support.api import created, error, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/git-repos"
URL = "https://forge.example/org/policies.git"

# Whether each is a branch's name is for git to say.
BRANCHES = [
    "main", "release/1.x", "a/b/c", "a.b", "a-b", "a@b", "@a", "a@", "a{b", "a}b", "#1", "a'b",
    'a"b', "$(id)", "a;b", "a|b", "a&b", "a<b", "a>b", "a%b", "a=b", "a,b", "a!b", "é", "支援",
    "a\u00a0b", "lock", "a.lock.b", ".lock", "a/.lock", "a.locks", "x" * 200,
    "-a", "--upload-pack=x", "a b", " a", "a ", "a..b", "..", "...", "a..", ".a", "a/.b", "a.",
    "a./b", "/a", "a/", "a//b", "/", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a]b", "a\\b",
    "a\tb", "a\nb", "a\x7fb", "a\x1bb", "a@{b", "@{", "@{u}", "a.lock", "a.lock/b", "a/b.lock", ".",
]  # fmt: skip
FIELDS: dict[str, list[Any]] = {
    "url": [5, None, True, [], {}, [URL]],
    "repo_url": [5, None, True, [], {}, f"{URL}?x=1"],
    "branch": [5, True, [], {}, "refs/heads/main", "x" * 201, "a\x00b", "@", "refs/pull/1/head"],
    "tag": [5, True, [], {}, "refs/tags/v1", "x" * 201, "a..b", "v1 ", "-v1", "v1.lock"],
    "commit": [5, True, [], {}, "abc1234", "g" * 40, "0" * 40, "a" * 41, "HEAD"],
    "semver": [5, True, [], {}, "latest", ">>1", "1.2.3.4", "^1 ||", "x" * 201],
    "path": [
        "a\u202eb",
        5, None, True, [], {}, "..", "../a", "a/../b", "a/..", "/..", "./../a", "a\nb", "a\tb",
        "a\rb", "\x1b[2J", "a\x00b", "a\x7f", "x" * 1001,
    ],
    "auto_create_configuration": [1, 0, "true", "yes", None, [], {}],
    "adopt": [1, "false", None],
    "suspended": [1, "false", None],
    "poll_interval_seconds": [
        -1, 0, -(10**30), 604_801, 10**18, 10**30, 300.0, 0.5, "300", "", True, None, [300], {},
    ],
    "access_token": [5, True, [], {}, "a b", "a\n", "\x00", "a\x00b", "é", "x" * 4001],
    "id": ["x"], "status": ["synced"], "generation": [5], "has_access_token": [True],
}  # fmt: skip
PATHS = [
    "", "/", ".", "./", "a", "a/", "/a", "a/b/policy-config.yaml", "-a", "...", "a..b", "a b",
    "支援/", ":(glob)*", "a\\b", "$(id)", "x" * 1000,
]  # fmt: skip


def git_accepts(branch: str) -> bool:
    """What git itself says of a branch's name."""
    command = ["git", "check-ref-format", "--branch", branch]
    done = subprocess.run(command, cwd="/", capture_output=True)
    return done.returncode == 0 and done.stdout.decode().rstrip("\n") == branch


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_cannot_be_is_refused(admin: APIClient, field: str) -> None:
    """In a new link and in an edit alike; nothing is made or changed."""
    row = created(admin.post(PATH, {"url": URL}, format="json"))

    for value in FIELDS[field]:
        body = {field: value} if field == "repo_url" else {"url": f"{URL}x", field: value}
        new = admin.post(PATH, body, format="json")
        edit = admin.patch(f"{PATH}/{row['id']}", {field: value}, format="json")
        assert refusal(new) == refusal(edit) == (400, [field]), value

    assert admin.get(PATH).json()["data"] == [row]


@pytest.mark.parametrize("field", ["url", "repo_url"])
def test_a_bad_url_is_refused(admin: APIClient, field: str) -> None:
    """Under the name it was sent by; a token in it is not repeated."""
    for url in NO_URL:
        answer = admin.post(PATH, {field: url}, format="json")
        assert refusal(answer) == (400, [field]), url
        assert "user:token" not in error(answer)["message"]


def test_an_address_inside_is_refused(admin: APIClient, settings: Settings) -> None:
    """In any spelling, with the setting that would allow it."""
    settings.ENV = dataclasses.replace(settings.ENV, git_allowed_networks=())

    for host in LOOPBACK:
        answer = admin.post(PATH, {"url": f"https://{host}/r"}, format="json")
        [detail] = error(answer)["details"]
        assert (detail["field"], detail["code"]) == ("url", "host_not_allowed"), host
        assert "KEEPTRUSTS_GIT_ALLOWED_NETWORKS" in detail["message"]


def test_an_address_that_the_operator_allows_is_taken(admin: APIClient) -> None:
    """The tests' own environment allows loopback."""
    created(admin.post(PATH, {"url": "https://127.0.0.1/r"}, format="json"))


@pytest.mark.parametrize("url", ["file:///srv/r.git", "http://forge.example/r"])
def test_a_scheme_without_leave_is_refused(admin: APIClient, settings: Settings, url: str) -> None:
    """With the setting that would allow it."""
    settings.ENV = dataclasses.replace(settings.ENV, git_schemes=frozenset({"https", "ssh"}))

    answer = admin.post(PATH, {"url": url}, format="json")

    assert refusal(answer) == (400, ["url"])
    assert "KEEPTRUSTS_GIT_SCHEMES" in error(answer)["message"]


def test_a_branch_is_what_git_calls_one(admin: APIClient) -> None:
    """The API takes and refuses what git does."""
    for branch in BRANCHES:
        answer = admin.post(PATH, {"url": URL, "branch": branch}, format="json")
        if git_accepts(branch):
            assert created(answer)["branch"] == branch
        else:
            assert refusal(answer) == (400, ["branch"]), branch


COMMIT = "5c0ffee" + "0" * 33
FORMS = {"branch": "main", "tag": "v1", "commit": COMMIT, "semver": "^1"}


@pytest.mark.parametrize("form", FORMS)
def test_one_thing_is_followed(admin: APIClient, form: str) -> None:
    """Two at once are refused; a new one takes the place of the last, an empty one removes it."""
    new = created(admin.post(PATH, {"url": URL, form: FORMS[form]}, format="json"))
    rows = []
    for other in FORMS.keys() - {form}:
        both = {form: FORMS[form], other: FORMS[other]}
        _, [field] = refusal(admin.post(PATH, {"url": f"{URL}x", **both}, format="json"))
        assert field in both
        assert refusal(admin.patch(f"{PATH}/{new['id']}", both, format="json"))[0] == 400
        body = {other: FORMS[other], form: ""}
        rows.append((other, admin.patch(f"{PATH}/{new['id']}", body, format="json").json()["data"]))
    last = rows[-1][0]
    for body in ({form: None}, {last: None}):
        rows.append((last, admin.patch(f"{PATH}/{new['id']}", body, format="json").json()["data"]))

    for other, row in rows[:-1]:
        assert (row["follows"], row[other]) == (other, FORMS[other])
        assert {row[name] for name in FORMS.keys() - {other}} == {""}
    assert (rows[-1][1]["follows"], rows[-1][1][last]) == ("branch", "")


def test_links_are_listed_by_what_they_follow(admin: APIClient) -> None:
    """One form or several; the same repository is linked once by each."""
    made = {
        form: created(admin.post(PATH, {"url": URL, form: value}, format="json"))["id"]
        for form, value in FORMS.items()
    }

    again = [admin.post(PATH, {"url": URL, form: FORMS[form]}, format="json") for form in FORMS]
    for wanted in (["branch"], ["tag"], ["commit", "semver"], list(FORMS)):
        answer = admin.get(f"{PATH}?follows={','.join(wanted)}")
        assert {row["id"] for row in answer.json()["data"]} == {made[form] for form in wanted}

    assert [answer.json()["error"]["code"] for answer in again] == ["already_linked"] * 4
    assert refusal(admin.get(f"{PATH}?follows=tags")) == (400, ["follows"])


def test_a_path_inside_the_repository_is_taken(admin: APIClient) -> None:
    """As it was sent; its characters mean nothing but themselves."""
    for number, path in enumerate(PATHS):
        body = {"url": f"{URL}{number}", "path": path}
        assert created(admin.post(PATH, body, format="json"))["path"] == path


def test_an_interval_under_the_floor_is_raised(admin: APIClient, settings: Settings) -> None:
    """The row has the floor, and a notice says so, in a new link and in an edit."""
    settings.ENV = dataclasses.replace(settings.ENV, min_poll_interval_seconds=30)
    body = {"poll_interval_seconds": 29}

    new = admin.post(PATH, {"url": URL, **body}, format="json")
    edit = admin.patch(new["Location"], body, format="json")

    for answer in (new, edit):
        assert answer.json()["data"]["poll_interval_seconds"] == 30
        [notice] = answer.json()["notices"]
        assert "from 29 to 30" in notice
        assert "KEEPTRUSTS_MIN_POLL_INTERVAL_SECONDS" in notice


def test_an_interval_at_the_floor_needs_no_notice(admin: APIClient, settings: Settings) -> None:
    """There is nothing to tell."""
    settings.ENV = dataclasses.replace(settings.ENV, min_poll_interval_seconds=30)

    answer = admin.post(PATH, {"url": URL, "poll_interval_seconds": 30}, format="json")

    assert created(answer)["poll_interval_seconds"] == 30
    assert set(answer.json()) == {"data"}


def test_the_default_interval_is_raised_to_the_floor(admin: APIClient, settings: Settings) -> None:
    """A floor above the default holds for whoever asked for nothing, too."""
    settings.ENV = dataclasses.replace(settings.ENV, min_poll_interval_seconds=600)

    answer = admin.post(PATH, {"url": URL}, format="json")

    assert created(answer)["poll_interval_seconds"] == 600
