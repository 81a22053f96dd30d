"""A GitHub App as a credential: input, use by links, failures, and where its key goes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from gitrepos.errors import SecretLostError
from gitrepos.links import sealed_secrets
from gitrepos.models import GitCredential
from tests.support.api import error
from tests.support.credentials import PATH, change, credential
from tests.support.forge import Forge
from tests.support.forgeapi import APP, Answer, Call, ForgeAPI, app_key, forge_api, pem, said
from tests.support.repo import Repo, policy
from tests.support.syncing import hashes, link, poll, run_due, shown

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "bot/policy-config.yaml"


@pytest.fixture
def api() -> Iterator[ForgeAPI]:
    """The API beside the forge."""
    with forge_api() as running:
        yield running


def app(admin: APIClient, forge: Forge, api: ForgeAPI, **fields: Any) -> dict[str, Any]:
    """A credential of an App for a forge."""
    return credential(admin, hosts=[f"127.0.0.1:{forge.port}"], **api.credential(**fields))


def wants_newest(forge: Forge, repos: list[Repo], api: ForgeAPI) -> None:
    """Have the forge want, for repositories, the token that the API gave last."""

    def token(call: Call) -> Answer:
        answer = api.token(call)
        forge.tokens.update({repo.bare.name: api.tokens[-1] for repo in repos})
        return answer

    api.answers["POST /app/"] = token
    forge.tokens.update({repo.bare.name: "none was given yet" for repo in repos})


def test_links_are_synced_with_one_token(
    admin: APIClient, forge: Forge, api: ForgeAPI, make_repo: Callable[[], Repo]
) -> None:
    """Checks and fetches alike; the forge sees the token, and the API alone what the key signed."""
    repos = [make_repo(), make_repo()]
    app(admin, forge, api)
    rows = []
    for number, repo in enumerate(repos):
        repo.commit({f"p{number}/policy-config.yaml": policy()})
        rows.append(link(admin, repo.url, credential="shared"))
    wants_newest(forge, repos, api)

    run_due()

    assert [shown(admin, row)["status"] for row in rows] == ["synced"] * 2
    assert sorted(hashes()) == ["p0", "p1"]
    [call] = api.calls
    assert call.body == {"permissions": {"contents": "read"}}
    jwt = call.headers["Authorization"].removeprefix("Bearer ")
    assert not [value for _, value in forge.authorizations if jwt in value]


def test_a_token_that_the_forge_refuses_is_had_anew(
    admin: APIClient, forge: Forge, api: ForgeAPI, repo: Repo
) -> None:
    """By the poll after it: somebody may have revoked it."""
    repo.commit({BOT: policy()})
    app(admin, forge, api)
    wants_newest(forge, [repo], api)
    row = link(admin, repo.url, credential="shared")
    run_due()
    forge.tokens[repo.bare.name] = "another"

    poll()
    refused = shown(admin, row)["error"]["code"]
    poll()

    assert (refused, shown(admin, row)["error"]) == ("auth_failed", None)
    assert len(api.tokens) == 2


@pytest.mark.parametrize(
    ("fields", "answer", "code"),
    [
        ({"private_key": pem(app_key(1))}, None, "app_key_refused"),
        ({"installation_id": "9"}, None, "installation_gone"),
        ({}, said(403, message="This installation has been suspended"), "app_suspended"),
        ({}, said(422, message="The permissions requested"), "app_not_permitted"),
        ({}, said(429, {"Retry-After": "60"}), "rate_limited"),
        ({}, said(500), "app_unanswered"),
    ],
)
def test_a_failure_is_shown_by_the_link(
    admin: APIClient,
    forge: Forge,
    api: ForgeAPI,
    repo: Repo,
    fields: dict[str, str],
    answer: Any,
    code: str,
) -> None:
    """With its code and what helps; the forge is not called without a token."""
    app(admin, forge, api, **fields)
    if answer:
        api.answers["POST /app/"] = lambda _: answer
    row = link(admin, repo.url, credential="shared")

    run_due()

    seen = shown(admin, row)
    assert seen["error"]["code"] == code
    assert forge.calls(repo) == []
    conditions = {one["type"]: one for one in seen["conditions"]}
    assert conditions["Ready"]["action"] or code == "rate_limited"  # It ends by itself.


def test_one_apps_failure_is_no_other_links(
    admin: APIClient, forge: Forge, api: ForgeAPI, make_repo: Callable[[], Repo]
) -> None:
    """An API that does not answer makes git's server no host that rests."""
    repos = [make_repo() for _ in range(4)]
    app(admin, forge, api)
    api.answers["POST /app/"] = lambda _: said(503)
    rows = []
    for number, repo in enumerate(repos):
        repo.commit({f"p{number}/policy-config.yaml": policy()})
        named = {"credential": "shared"} if number else {}
        rows.append(link(admin, repo.url, **named))

    for _ in range(3):
        poll()

    assert [shown(admin, row)["status"] for row in rows] == ["synced", *["error"] * 3]


def test_what_the_key_signs_is_bound(admin: APIClient, forge: Forge, api: ForgeAPI) -> None:
    """A new API, App or installation needs the key again, as a new host does."""
    made = app(admin, forge, api)
    edits: list[dict[str, Any]] = [
        {"api_url": "https://elsewhere.example"}, {"app_id": "9"}, {"installation_id": "9"},
        {"hosts": ["elsewhere.example"]},
    ]  # fmt: skip
    for fields in edits:
        bare = admin.patch(f"{PATH}/{made['id']}", fields, format="json")
        [detail] = error(bare)["details"]
        assert (bare.status_code, detail["field"], detail["code"]) == (
            400, "private_key", "required",
        )  # fmt: skip
        assert "must be sent again with a new" in detail["message"]
        change(admin, made, **fields, private_key=pem(app_key(1)))

    change(admin, made, name="other", api_url="https://elsewhere.example")


@pytest.mark.parametrize("column", [*sealed_secrets.INSTALLED, "hosts"])
def test_a_row_that_leads_elsewhere_signs_nothing(
    admin: APIClient, forge: Forge, api: ForgeAPI, column: str
) -> None:
    """Whoever writes to the database."""
    app(admin, forge, api)
    row = GitCredential.objects.get()
    setattr(row, column, ["elsewhere.example"] if column == "hosts" else "https://9.example")

    with pytest.raises(SecretLostError):
        sealed_secrets.text_of(row)


def test_no_answer_shows_the_key(admin: APIClient, forge: Forge, api: ForgeAPI) -> None:
    """It has the fingerprint, by which GitHub's page tells keys apart."""
    made = app(admin, forge, api)

    told = repr(made) + repr(GitCredential.objects.values().get())

    assert made["fingerprint"].startswith("SHA256:")
    assert (made["kind"], made["app_id"], made["api_url"]) == ("app", APP, api.url)
    assert made["public_key"] == ""
    assert pem(app_key()).splitlines()[3] not in told


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"api_url": "forge.example"}, "api_url"),
        ({"api_url": "ssh://git@forge.example"}, "api_url"),
        ({"api_url": "https://me:secret@forge.example"}, "api_url"),
        ({"api_url": "https://forge.example/api?x=y"}, "api_url"),
        ({"api_url": "https://forge.example/api/../v3"}, "api_url"),
        ({"api_url": "https://forge.example//v3"}, "api_url"),
        ({"api_url": "https://forge.example/%2e/v3"}, "api_url"),
        ({"app_id": "12 3"}, "app_id"),
        ({"installation_id": "12/3"}, "installation_id"),
        ({"private_key": "x"}, "private_key"),
        ({"username": "me"}, "username"),
        ({"token": "x"}, "token"),
        ({"kind": "token", "token": "x"}, "api_url"),
    ],
)
def test_bad_input_is_refused(admin: APIClient, fields: dict[str, str], field: str) -> None:
    """With the field."""
    body = {
        "name": "app", "kind": "app", "hosts": ["github.com"], "app_id": APP,
        "api_url": "https://api.github.com", "installation_id": "5",
        "private_key": pem(app_key()), **fields,
    }  # fmt: skip

    answer = admin.post(PATH, body, format="json")

    assert answer.status_code == 400
    assert error(answer)["details"][0]["field"] == field


def test_the_api_is_githubs_own_unless_it_is_said(admin: APIClient) -> None:
    """Of an Enterprise Server it is `https://HOST/api/v3`."""
    fields = {"kind": "app", "app_id": APP, "installation_id": "5", "private_key": pem(app_key())}

    made = credential(admin, hosts=["github.com"], **fields)
    other = credential(
        admin, name="x", hosts=["a.example"], api_url="https://A.example/api/v3/", **fields
    )

    assert (made["api_url"], other["api_url"]) == (
        "https://api.github.com", "https://a.example/api/v3",
    )  # fmt: skip
