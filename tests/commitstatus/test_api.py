"""`/v1/forge-credentials` and the choice for a link: input, refusals, and what is never shown."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from commitstatus import proofs
from commitstatus.api import doctor
from commitstatus.models import CommitStatus, ForgeCredential
from events.models import AuditEntry
from gitrepos.errors import SecretLostError
from gitrepos.models import Link
from tests.support.api import created, error
from tests.support.forgeapi import app_key, pem
from tests.support.forgesaid import PATH, TOKEN, synced, told
from tests.support.syncing import get, link

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

APP = {"kind": "app", "app_id": "5", "installation_id": "6"}


def made(admin: APIClient, **fields: Any) -> dict[str, Any]:
    """A credential; a token for GitHub, or for a server of one's own where `hosts` are given."""
    own = {"api_url": "https://forge.example/api/v3"} if "hosts" in fields else {}
    body = {"name": "telling", "forge": "github", "token": TOKEN, **own, **fields}
    row: dict[str, Any] = created(admin.post(PATH, body, format="json"))
    return row


@pytest.mark.parametrize(
    ("fields", "api_url", "hosts"),
    [
        ({}, "https://api.github.com", ["github.com"]),
        ({"api_url": "https://GHE.example/api/v3/"}, "https://ghe.example/api/v3", ["ghe.example"]),
        ({"forge": "gitlab"}, "https://gitlab.com/api/v4", ["gitlab.com"]),
        ({"forge": "bitbucket"}, "https://api.bitbucket.org/2.0", ["bitbucket.org"]),
        ({"forge": "gitea", "api_url": "https://x.example:8443/api/v1"},
         "https://x.example:8443/api/v1", ["x.example:8443"]),
        ({"forge": "gitea", "api_url": "https://x.example/api/v1", "hosts": ["git.x.example"]},
         "https://x.example/api/v1", ["git.x.example"]),
    ],
)  # fmt: skip
def test_a_credential_has_its_places(
    admin: APIClient, fields: dict[str, Any], api_url: str, hosts: list[str]
) -> None:
    """Those of the public forges are known."""
    row = made(admin, **fields)

    assert (row["api_url"], row["hosts"], row["status_name"]) == (api_url, hosts, "keeptrusts")
    assert get(admin, PATH) == [row]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"forge": "sourcehut"}, "forge"),
        ({"forge": "gitea"}, "api_url"),
        ({"api_url": "http://forge.example/api"}, None),
        ({"api_url": "ftp://forge.example/api"}, "api_url"),
        ({"api_url": "https://forge.example/api?x"}, "api_url"),
        ({"token": "a b"}, "token"),
        ({"name": "A"}, "name"),
        ({"status_name": "a/b"}, "status_name"),
        ({"status_name": "\u202ea"}, "status_name"),
        ({"username": "a:b"}, "username"),
        ({"hosts": []}, "hosts"),
        ({"hosts": ["*.example"]}, "hosts.0"),
        ({"private_key": "x"}, "private_key"),
        ({"kind": "app"}, "private_key"),
        ({**APP, "token": TOKEN, "private_key": pem(app_key())}, "token"),
        ({**APP, "forge": "gitlab", "private_key": pem(app_key())}, "kind"),
        ({**APP, "private_key": "x"}, "private_key"),
    ],
)
def test_bad_input_is_refused(admin: APIClient, fields: dict[str, Any], field: str | None) -> None:
    """With the field; by http only where links may be."""
    body = {"name": "telling", "forge": "github", "token": TOKEN, **fields}
    if "private_key" in fields and "token" not in fields and fields.get("kind") == "app":
        del body["token"]
    if fields == {"kind": "app"}:
        del body["token"]

    answer = admin.post(PATH, body, format="json")

    assert answer.status_code == (201 if field is None else 400), answer.content
    if field:
        assert error(answer)["details"][0]["field"].startswith(field.partition(".")[0])


def test_no_answer_and_no_row_holds_a_secret(admin: APIClient) -> None:
    """Of either kind; of an App's key the fingerprint is shown."""
    body = {"name": "app", "forge": "github", **APP, "private_key": pem(app_key())}
    rows = [made(admin), created(admin.post(PATH, body, format="json"))]
    admin.patch(f"{PATH}/{rows[0]['id']}", {"token": TOKEN + "2"}, format="json")

    texts = [repr(rows), repr(get(admin, PATH)), repr(list(ForgeCredential.objects.values()))]
    texts.append(repr(list(AuditEntry.objects.values())))
    for secret in (TOKEN, pem(app_key()).splitlines()[3]):
        assert [text for text in texts if secret in text] == []
    assert rows[1]["fingerprint"].startswith("SHA256:")
    told_of = AuditEntry.objects.filter(action="forge_credential.edited").get()
    assert told_of.after == {"token": "changed"}


@pytest.mark.parametrize(
    "fields", [{"api_url": "https://elsewhere.example"}, {"app_id": "9"}, {"installation_id": "9"}]
)
def test_a_new_place_needs_the_secret(admin: APIClient, fields: dict[str, str]) -> None:
    """In the same request."""
    body = {"name": "app", "forge": "github", **APP, "private_key": pem(app_key())}
    path = f"{PATH}/{created(admin.post(PATH, body, format='json'))['id']}"

    bare = admin.patch(path, fields, format="json")
    whole = admin.patch(path, {**fields, "private_key": pem(app_key())}, format="json")

    [detail] = error(bare)["details"]
    assert (bare.status_code, detail["field"], detail["code"]) == (400, "private_key", "required")
    assert whole.status_code == 200


@pytest.mark.parametrize("column", proofs.BOUND)
def test_a_row_that_was_changed_gives_no_secret(admin: APIClient, column: str) -> None:
    """Nor does one that has the secret of another."""
    made(admin)
    row = ForgeCredential.objects.get()
    assert proofs.of(row).token == TOKEN
    setattr(row, column, "https://elsewhere.example" if column == "api_url" else "app")

    with pytest.raises(SecretLostError):
        proofs.of(row)


def test_what_links_need_stays(admin: APIClient) -> None:
    """A host of a link, and the credential itself."""
    row = made(admin, hosts=["forge.example"])
    one = synced(admin)
    told(admin, one)
    path = f"{PATH}/{row['id']}"

    answers = [admin.patch(path, {"hosts": ["other.example"]}, format="json"), admin.delete(path)]

    assert [(answer.status_code, error(answer)["code"]) for answer in answers] == [
        (409, "in_use")
    ] * 2
    assert get(admin, path)["git_repos"] == 1
    told(admin, one, None)
    assert admin.delete(path).status_code == 200
    assert not CommitStatus.objects.exists()


@pytest.mark.parametrize(
    ("url", "hosts", "fits"),
    [
        ("https://forge.example/org/repo.git", ["forge.example"], True),
        ("https://forge.example:8443/org/repo.git", ["forge.example"], False),
        ("https://forge.example:8443/org/repo.git", ["forge.example:8443"], True),
        ("https://other.example/org/repo.git", ["forge.example"], False),
        ("https://forge.example.org/org/repo.git", ["forge.example"], False),
    ],
)
def test_a_credential_tells_of_its_own_servers(
    admin: APIClient, url: str, hosts: list[str], fits: bool
) -> None:
    """A link elsewhere cannot set statuses of a repository of the same path."""
    made(admin, hosts=hosts)
    row = link(admin, url)

    answer = admin.patch(
        f"/v1/git-repos/{row['id']}/commit-status", {"credential": "telling"}, format="json"
    )

    assert answer.status_code == (200 if fits else 400)
    if not fits:
        assert error(answer)["details"][0]["code"] == "not_for_this_url"


def test_a_choice_is_no_edit_of_the_link(admin: APIClient) -> None:
    """Nothing is synced again by it; it is in the audit log once."""
    made(admin, hosts=["forge.example"])
    row = synced(admin)
    before = get(admin, f"/v1/git-repos/{row['id']}")
    entries = AuditEntry.objects.count()

    for name in ("telling", "telling", None, None):
        assert told(admin, row, name)["credential"] == name

    after = get(admin, f"/v1/git-repos/{row['id']}")
    assert after == before
    actions = AuditEntry.objects.order_by("pk").values_list("action", "before", "after")[entries:]
    assert list(actions) == [
        ("git_repo.commit_status_chosen", {"credential": None}, {"credential": "telling"}),
        ("git_repo.commit_status_chosen", {"credential": "telling"}, {"credential": None}),
    ]


@pytest.mark.parametrize(
    ("body", "status"), [({}, 400), ({"credential": "nobody"}, 400), ({"credential": 5}, 400)]
)
def test_a_bad_choice_is_refused(admin: APIClient, body: Any, status: int) -> None:
    """It names one that there is, or null."""
    row = synced(admin)

    answer = admin.patch(f"/v1/git-repos/{row['id']}/commit-status", body, format="json")

    assert answer.status_code == status


@pytest.mark.parametrize("forge", ["github", "gitlab", "bitbucket"])
@pytest.mark.parametrize("hosts", [["git.example"], ["github.com.example", "github.com"]])
def test_a_public_place_gets_no_token_of_another_server(
    admin: APIClient, forge: str, hosts: list[str]
) -> None:
    """Whoever names servers of his own has to name their API."""
    body = {"name": "x", "forge": forge, "token": TOKEN, "hosts": hosts}
    answer = admin.post(PATH, body, format="json")

    assert answer.status_code == 400
    assert [one["field"] for one in error(answer)["details"]] == ["api_url"]


def test_a_doctor_says_what_cannot_be_told(admin: APIClient) -> None:
    """By whom, since when, and why; well when all is told."""
    made(admin, hosts=["forge.example"])
    told(admin, synced(admin))
    assert list(doctor.findings()) == []
    now = timezone.now()
    CommitStatus.objects.update(told_at=now)
    assert [one.level for one in doctor.findings()] == ["ok"]
    CommitStatus.objects.update(error_code="unauthorized", error_since=now)

    (found,) = doctor.findings()

    assert found.level == "warning"
    assert f"since {now:%Y-%m-%dT%H:%M:%SZ}: unauthorized" in found.message


def test_links_that_are_told_are_listed(admin: APIClient) -> None:
    """Each as it is shown by itself, with its url; chosen by whether it fails, and with what."""
    made(admin, hosts=["forge.example"])
    made(admin, name="other", hosts=["forge.example"])
    well, failing, _untold = (
        synced(admin, f"https://forge.example/org/{name}.git", path=name) for name in "abc"
    )
    told(admin, well)
    told(admin, failing, "other")
    now = timezone.now()
    rows = CommitStatus.objects.filter(link=failing["id"])
    rows.update(error_code="auth_failed", error_message="no", error_since=now, failures=3)

    listed = get(admin, "/v1/commit-statuses")

    one = [get(admin, f"/v1/git-repos/{row['id']}/commit-status") for row in (well, failing)]
    assert listed == one
    assert [(row["url"], row["path"]) for row in listed] == [
        (row["url"], row["path"]) for row in (well, failing)
    ]
    assert listed[1]["error"] == {"code": "auth_failed", "message": "no"}
    assert (listed[0]["action"], listed[1]["action"]) == (
        None, "Give the token its permission, or send another.",
    )  # fmt: skip
    for query, found in (
        ("failing=true", one[1:]), ("failing=false", one[:1]), ("credential=other", one[1:]),
        ("credential=nobody", []), ("q=AUTH", one[1:]), ("sort=-url", one[::-1]),
        ("limit=1", one[:1]),
    ):  # fmt: skip
        assert get(admin, f"/v1/commit-statuses?{query}") == found, query
    Link.objects.filter(pk=well["id"])._raw_delete(Link.objects.db)
    assert get(admin, "/v1/commit-statuses") == one[1:]
