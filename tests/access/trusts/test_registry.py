"""Trusts: making, changing and deleting them, and what they give."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from access import tokens
from access.models import Token, Trust
from access.roles import ROLES
from events.models import AuditEntry
from tests.access.trusts.conftest import TRUSTS, Trusting, asking, refused
from tests.support.api import created, error, refusal
from tests.support.issuer import AUDIENCE, Issuer, github_claims

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

SOON, LATE = "2999-01-31T12:00:00Z", "2999-06-30T12:00:00Z"
BODY = {
    "name": "t", "issuer": "https://token.actions.githubusercontent.com", "audience": AUDIENCE,
    "repository_id": "74", "ref": "refs/heads/main",
}  # fmt: skip


def maker(**fields: Any) -> tuple[Token, APIClient]:
    """An admin's token that may less than all, and a client with it."""
    token, text = tokens.create("maker", **fields)
    client = APIClient(REMOTE_ADDR="10.0.0.1")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return token, client


def token(issuer: Issuer, **changes: Any) -> str:
    return issuer.token(github_claims(issuer.url, **changes))


def test_a_trust_is_shown_as_it_was_made(admin: APIClient) -> None:
    """With what was left out: the role for CI, an hour, and no other condition."""
    answer = admin.post(TRUSTS, BODY, format="json")
    row = created(answer)

    assert answer["Location"] == f"{TRUSTS}/{row['id']}"
    shown = {**BODY, "project_id": "", "subject": "", "environment": "", "role": "ci",
             "networks": [], "sight": None, "max_seconds": 3600, "enabled": True,
             "expires_at": None}  # fmt: skip
    assert {name: row[name] for name in shown} == shown
    assert row["made_by"] == str(Token.objects.get(name="tests").pk)
    assert admin.get(TRUSTS).json()["data"] == [row]
    assert admin.get(f"{TRUSTS}/{row['id']}").json()["data"] == row


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", None), ("name", "a\nb"), ("name", "x" * 201),
        ("issuer", None), ("issuer", "http://issuer.example"), ("audience", None),
        ("audience", ""), ("repository_id", 74), ("repository_id", "x"),
        ("repository_id", "7" * 21), ("repository_id", ""), ("ref", "main"), ("ref", ["a"]),
        ("role", "admin"), ("role", "root"), ("role", None), ("max_seconds", 59),
        ("max_seconds", 86_401), ("max_seconds", "300"), ("enabled", "yes"),
        ("networks", ["x"]), ("sight", {}), ("sight", {"ids": ["A"]}), ("sight", "*"),
        ("expires_at", "2001-01-01T00:00:00Z"), ("other", 1),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_used(admin: APIClient, field: str, value: Any) -> None:
    """Neither when a trust is made nor when it is changed."""
    row = created(admin.post(TRUSTS, BODY, format="json"))
    before = Trust.objects.values().get()

    for answer in (
        admin.post(TRUSTS, {**BODY, field: value}, format="json"),
        admin.patch(f"{TRUSTS}/{row['id']}", {field: value}, format="json"),
    ):
        assert refusal(answer)[0] == 400
        assert refusal(answer)[1][0].split(".")[0] == ("ref" if field == "ref" else field)
    assert Trust.objects.values().get() == before


@pytest.mark.parametrize("field", ["issuer", "audience", "name"])
def test_what_has_no_default(admin: APIClient, field: str) -> None:
    """Above all the audience: this control plane knows none of its urls."""
    body = {name: value for name, value in BODY.items() if name != field}

    assert refusal(admin.post(TRUSTS, body, format="json")) == (400, [field])


@pytest.mark.parametrize(
    ("limits", "asked", "field"),
    [
        ({"expires_at": SOON}, {"expires_at": LATE}, "expires_at"),
        ({"networks": ["10.0.0.0/8"]}, {}, "networks"),
        ({"networks": ["10.0.0.0/8"]}, {"networks": ["0.0.0.0/0"]}, "networks"),
    ],
)
def test_no_trust_gives_more_than_its_maker_has(
    db: None, limits: dict[str, Any], asked: dict[str, Any], field: str
) -> None:
    """Neither longer nor from more places, by an edit neither."""
    from django.utils.dateparse import parse_datetime

    if "expires_at" in limits:
        limits = {"expires_at": parse_datetime(limits["expires_at"])}
    token, client = maker(**limits)
    within = {"networks": token.networks}

    assert refusal(client.post(TRUSTS, {**BODY, **asked}, format="json")) == (400, [field])
    row = created(client.post(TRUSTS, {**BODY, **within}, format="json"))
    if "expires_at" in limits:
        assert row["expires_at"].startswith("2999-01-31T12:00:00")
    if asked:
        answer = client.patch(f"{TRUSTS}/{row['id']}", asked, format="json")
        assert refusal(answer) == (400, [field])


def test_who_may_less_may_take_away(admin: APIClient) -> None:
    """An admin from few networks disables and renames any trust, and gives none more."""
    row = created(admin.post(TRUSTS, BODY, format="json"))
    _, client = maker(networks=["10.0.0.0/8"])
    path = f"{TRUSTS}/{row['id']}"

    assert client.patch(path, {"enabled": False, "name": "off"}, format="json").status_code == 200
    for more in ({"enabled": True}, {"ref": "refs/heads/other"}, {"role": "editor"}):
        assert refusal(client.patch(path, more, format="json")) == (400, ["networks"])


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_a_job_may_what_its_role_may(trusting: Trusting, issuer: Issuer, role: str) -> None:
    """And is what whoami says: the trust, whom it speaks of, and the actions."""
    row = trusting(role=role)
    text = token(issuer)

    shown = asking(text).json()["data"]
    assert (shown["trust"], shown["subject"]) == (row, github_claims("")["sub"])
    assert shown["actions"] == sorted(ROLES[role])
    for path in ("/v1/tokens", TRUSTS):
        assert asking(text, path=path).status_code == 403
    refused = asking(text, "delete", f"/v1/tokens/{row['id']}")
    assert (refused.status_code, error(refused)["code"]) == (403, "permission_denied")


def test_the_oldest_trust_that_is_met_counts(trusting: Trusting, issuer: Issuer) -> None:
    """Of several for one job; where none is met, the log has the one that came nearest."""
    trusting(name="other", repository_id="75", ref="refs/heads/main", role="editor")
    first = trusting(name="first", role="viewer")
    trusting(name="second", role="editor")

    assert asking(token(issuer)).json()["data"]["trust"]["id"] == first["id"]
    assert refused(token(issuer, ref="refs/heads/x")) == ["ref"]


def test_a_change_is_in_force_at_once(admin: APIClient, trusting: Trusting, issuer: Issuer) -> None:
    """For a JWT that was good a moment ago."""
    path, text = f"{TRUSTS}/{trusting()['id']}", token(issuer)

    def after(**fields: Any) -> int:
        assert admin.patch(path, fields, format="json").status_code == 200
        status: int = asking(text).status_code
        return status

    assert asking(text).status_code == 200
    assert after(enabled=False) == 401
    assert after(enabled=True) == 200
    assert after(ref="refs/heads/x") == 401
    assert after(ref="refs/heads/main", max_seconds=60) == 401
    assert after(max_seconds=300, networks=["10.0.0.0/8"]) == 401
    assert after(networks=[]) == 200
    admin.delete(path)
    assert asking(text).status_code == 401
    assert admin.delete(path).status_code == 404


def test_a_trust_is_good_in_its_networks(trusting: Trusting, issuer: Issuer) -> None:
    """Elsewhere the answer is that to any unknown token."""
    trusting(networks=["10.0.0.0/8"])

    assert refused(token(issuer)) == ["network"]


def test_a_trust_may_be_narrowed(admin: APIClient, trusting: Trusting, issuer: Issuer) -> None:
    """As a token is; an edit may widen it again."""
    path = f"{TRUSTS}/{trusting(sight={'ids': ['a-*']})['id']}"
    content = "pack: {name: a, version: 1.0.0, enabled: true}\npolicies: {chain: [safety-filter]}\n"
    for name in ("a-one", "b-two"):
        created(admin.post("/v1/configurations", {"id": name, "content": content}, format="json"))
    text = token(issuer)

    def seen() -> list[str]:
        return [row["id"] for row in asking(text, path="/v1/configurations").json()["data"]]

    assert seen() == ["a-one"]
    assert asking(text, path="/v1/configurations/b-two").status_code == 404
    row = admin.patch(path, {"sight": {"ids": ["b-*"]}}, format="json").json()["data"]
    assert row["sight"] == {"ids": ["b-*"], "labels": {}}
    assert seen() == ["b-two"]
    admin.patch(path, {"sight": None}, format="json")
    assert seen() == ["a-one", "b-two"]


def test_a_trust_ends(trusting: Trusting, issuer: Issuer) -> None:
    """As a token does."""
    from django.utils import timezone

    row = trusting(expires_at=SOON)
    assert asking(token(issuer)).status_code == 200
    Trust.objects.filter(pk=row["id"]).update(expires_at=timezone.now())
    trusting(name="another", repository_id="75", ref="refs/heads/main")  # So that it is read anew.

    assert refused(token(issuer)) == ["source"]


def test_revoking_a_line_deletes_its_trusts(admin: APIClient) -> None:
    """Those of the token and of all that it made; without the switch they stay."""
    top, client = maker()
    text = created(client.post("/v1/tokens", {"name": "m", "role": "admin"}, format="json"))[
        "token"
    ]
    middle = APIClient()
    middle.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    names = {}
    for who, name in ((client, "top"), (middle, "middle"), (admin, "beside")):
        names[name] = created(who.post(TRUSTS, {**BODY, "name": name}, format="json"))["id"]

    listed = admin.get(f"{TRUSTS}?descendants_of={top.pk}").json()["data"]
    assert [row["name"] for row in listed] == ["top", "middle"]
    admin.delete(f"/v1/tokens/{top.pk}")
    assert Trust.objects.count() == 3
    admin.delete(f"/v1/tokens/{top.pk}?descendants=true")
    assert [trust.name for trust in Trust.objects.all()] == ["beside"]
    deleted = AuditEntry.objects.filter(action="trust.deleted").values_list("target", flat=True)
    assert set(deleted) == {names["top"], names["middle"]}


@pytest.mark.parametrize("above", ["x", "", "00000000-0000-0000-0000-000000000000"])
def test_nobodys_trusts(admin: APIClient, above: str) -> None:
    """No id, or nobody's."""
    assert admin.get(f"{TRUSTS}?descendants_of={above}").status_code in (400, 404)


def test_the_audit_log_names_the_job(trusting: Trusting, issuer: Issuer) -> None:
    """By the trust and by whom the JWT speaks of, printable and short."""
    row = trusting(role="editor")
    text = token(issuer, sub="repo:octo-org/policies\x1b[31m\0" + "x" * 400)
    content = "pack: {name: a, version: 1.0.0, enabled: true}\npolicies: {chain: [safety-filter]}\n"

    answer = asking(text, "post", "/v1/configurations", id="a", content=content)

    assert answer.status_code == 201, answer.content
    entry = AuditEntry.objects.get(action="configuration.created")
    assert (entry.actor_kind, entry.actor_id) == ("trust", row["id"])
    assert entry.actor_name.startswith("repo:octo-org/policies\\x1b[31m\\x00xxx")
    assert len(entry.actor_name) == 200


def test_a_first_token_may_look_like_a_jwt(admin: APIClient) -> None:
    """Whatever an operator chose: a token that is known is one."""
    Token.objects.all().delete()
    text = "a-token-that-is-chosen.by-an-operator.with-two-dots"
    assert tokens.bootstrap(text)

    assert asking(text).json()["data"]["token"]["name"] == "bootstrap admin"


def test_a_name_is_taken_once(admin: APIClient, trusting: Trusting) -> None:
    """By it `kt apply` knows a trust; who keeps it may be edited, and a free one taken."""
    first, second = trusting(name="a"), trusting(name="b")
    fields = {name: first[name] for name in ("issuer", "audience", "repository_id", "ref")}
    again = admin.post(TRUSTS, {**fields, "name": "a"}, format="json")
    renamed = admin.patch(f"{TRUSTS}/{second['id']}", {"name": "a"}, format="json")
    kept = admin.patch(f"{TRUSTS}/{first['id']}", {"name": "a", "enabled": False}, format="json")
    admin.delete(f"{TRUSTS}/{first['id']}")

    assert [(one.status_code, error(one)["code"]) for one in (again, renamed)] == [
        (409, "name_taken")
    ] * 2
    assert kept.status_code == 200
    assert trusting(name="a")["name"] == "a"
