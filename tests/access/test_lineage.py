"""What a token gives, to whom, for how long, and from where."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from access import tokens, uses
from access.models import Token
from access.roles import ROLES, covers
from access.sights import NARROWABLE, Sight
from keeptrusts.api.errors import ConflictError
from keeptrusts.redis_client import client as redis_client
from tests.support.api import created, error, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

TOKENS = "/v1/tokens"
# The last one lies within the others.
SIGHTS = (
    None, Sight(("a*",)), Sight(labels=frozenset({("t", "a")})), Sight(("b",)), Sight(),
)  # fmt: skip
SOON, LATE = "2999-01-31T12:00:00Z", "2999-06-30T12:00:00Z"


def bearer(text: str, address: str = "127.0.0.1") -> APIClient:
    """A client with a token, from an address."""
    client = APIClient(REMOTE_ADDR=address)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def make(admin: APIClient, **fields: Any) -> dict[str, Any]:
    """Make a token; its row, with its text."""
    row: dict[str, Any] = created(admin.post(TOKENS, {"name": "t", **fields}, format="json"))
    return row


def test_a_new_token_may_only_read(admin: APIClient) -> None:
    """Unless its maker says what it is for."""
    row = make(admin)

    assert row["role"] == "viewer"
    refused = bearer(row["token"]).post(TOKENS, {"name": "x"}, format="json")
    assert (refused.status_code, error(refused)["code"]) == (403, "permission_denied")


def test_who_made_it_and_why_is_kept(admin: APIClient) -> None:
    """The maker by its id, which is nobody else's."""
    maker = make(admin, role="admin")

    row = make(bearer(maker["token"]), note="for the nightly job")

    assert (row["made_by"], row["note"]) == (maker["id"], "for the nightly job")
    assert Token.objects.get(name="tests").made_by is None


@pytest.mark.parametrize("role", ["", "root", "Admin", None, 5, ["admin"]])
def test_a_role_is_one_of_the_table(admin: APIClient, role: Any) -> None:
    """A slip of the pen is no role."""
    assert refusal(admin.post(TOKENS, {"name": "t", "role": role}, format="json"))[1] == ["role"]


def test_roles_cover_one_another() -> None:
    """An admin all, each itself, and none of two that differ the other by accident."""
    found = {(one, other) for one in ROLES for other in ROLES if covers(one, other)}

    assert found == {
        *((one, one) for one in ROLES), *(("admin", one) for one in ROLES),
        ("editor", "viewer"), ("editor", "ci"), ("editor", "metrics"), ("auditor", "viewer"),
        ("auditor", "metrics"), ("viewer", "metrics"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("maker", "asked", "field"),
    [
        ({"expires_at": SOON}, {"expires_at": LATE}, "expires_at"),
        ({"networks": ["10.0.0.0/8"]}, {}, "networks"),
        ({"networks": ["10.0.0.0/8"]}, {"networks": ["11.0.0.0/8"]}, "networks"),
        ({"networks": ["10.0.0.0/8"]}, {"networks": ["0.0.0.0/0"]}, "networks"),
        ({"networks": ["10.0.0.0/8"]}, {"networks": ["10.1.0.0/16", "::/0"]}, "networks"),
    ],
)
def test_no_token_gives_more_than_its_maker_has(
    admin: APIClient, maker: dict[str, Any], asked: dict[str, Any], field: str
) -> None:
    """Neither longer, nor from more places."""
    text = make(admin, role="admin", **maker)["token"]

    answer = bearer(text, "10.0.0.1").post(TOKENS, {"name": "t", **asked}, format="json")

    assert refusal(answer) == (400, [field])


def test_no_role_is_given_that_its_maker_lacks() -> None:
    """Also where a role may make tokens without being an admin's; today none may."""
    for maker in ROLES:
        for role in ROLES:
            made = Token(role=maker)
            if covers(maker, role):
                tokens._check_bounds({"role": role, "expires_at": None, "networks": []}, made)
            else:
                with pytest.raises(tokens.FieldError):
                    tokens._check_bounds({"role": role, "expires_at": None, "networks": []}, made)


def test_no_token_sees_more_than_its_maker() -> None:
    """Also where a narrowed token may make others; today none may."""
    for maker in SIGHTS:
        for asked in SIGHTS:
            row = Token(role="editor", sight=maker and maker.stored())
            fields = {"role": "ci", "expires_at": None, "networks": []}
            fields["sight"] = asked and asked.stored()
            if maker is None or asked in (maker, SIGHTS[-1]):
                tokens._check_bounds(fields, row)
            else:
                with pytest.raises(tokens.FieldError, match="sight"):
                    tokens._check_bounds(fields, row)


@pytest.mark.parametrize(
    "sight",
    [
        {}, {"ids": []}, {"ids": [], "labels": {}}, {"ids": ["A"]}, {"ids": ["a/b"]}, {"ids": "a"},
        {"ids": ["****"]}, {"labels": {"a": 1}}, {"labels": ["a"]}, {"names": ["a"]}, "a", [],
        {"ids": ["a"] * 51}, {"labels": {str(n): "" for n in range(51)}},
        {"labels": {"a\0": "b"}},
    ],
)  # fmt: skip
def test_a_sight_has_globs_or_labels(admin: APIClient, sight: Any) -> None:
    """One of nothing would be a mistake, and what is misspelt must not be one of all."""
    answer = admin.post(TOKENS, {"name": "t", "sight": sight}, format="json")

    status, fields = refusal(answer)
    assert status == 400
    assert all(field.startswith("sight") for field in fields)


@pytest.mark.parametrize(("role", "able"), [(role, role in NARROWABLE) for role in ROLES])
def test_some_roles_may_be_narrowed(admin: APIClient, role: str, able: bool) -> None:
    """Not those that are about more than configurations."""
    body = {"name": "t", "role": role, "sight": {"ids": ["a"]}}
    answer = admin.post(TOKENS, body, format="json")

    assert answer.status_code == 201 if able else refusal(answer) == (400, ["sight"])


def test_a_sight_is_told_and_stays(admin: APIClient) -> None:
    """By the token itself, the list and the audit log; an edit has no such field."""
    sight = {"ids": ["team-a-*", "b"], "labels": {"team": "a"}}
    made = make(admin, role="viewer", sight=sight)
    rotated = bearer(made["token"]).post(f"{TOKENS}/{made['id']}/rotate", {}, format="json")
    text = rotated.json()["data"]["token"]

    wider = admin.patch(f"{TOKENS}/{made['id']}", {"sight": None}, format="json")
    [entry] = admin.get(f"/v1/audit-log?action=token.created&target={made['id']}").json()["data"]

    assert refusal(wider) == (400, ["sight"])
    assert bearer(text).get("/v1/whoami").json()["data"]["token"]["sight"] == sight
    assert admin.get(f"{TOKENS}/{made['id']}").json()["data"]["sight"] == sight
    assert entry["after"]["sight"] == sight


def test_a_token_without_an_end_ends_with_its_maker(admin: APIClient) -> None:
    """One that ends sooner ends when it was asked to; an edit gives no more either."""
    maker = make(admin, role="admin", expires_at=SOON)
    client = bearer(maker["token"])
    row = make(client, role="admin", networks=["127.0.0.0/8"])

    assert datetime.fromisoformat(row["expires_at"]) == datetime(2999, 1, 31, 12, tzinfo=UTC)
    longer = client.patch(f"{TOKENS}/{row['id']}", {"expires_at": LATE}, format="json")
    assert refusal(longer) == (400, ["expires_at"])
    assert admin.patch(f"{TOKENS}/{row['id']}", {"expires_at": LATE}, format="json").json()


def test_the_longest_life_is_the_operators(
    admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What asks for more is refused, what asks for none gets that; the first token is older."""
    monkeypatch.setattr(settings, "ENV", _with_days(30))
    late = (timezone.now() + timedelta(days=31)).isoformat()

    assert refusal(admin.post(TOKENS, {"name": "t", "expires_at": late}, format="json"))[1] == [
        "expires_at"
    ]
    ends = datetime.fromisoformat(make(admin)["expires_at"])
    assert timedelta(days=29) < ends - timezone.now() <= timedelta(days=30)


def _with_days(days: int) -> Any:
    from dataclasses import replace

    return replace(settings.ENV, token_max_days=days)


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        ([], "203.0.113.9", 200),
        (["203.0.113.0/24"], "203.0.113.9", 200),
        (["203.0.113.9"], "203.0.113.9", 200),
        (["203.0.113.0/24"], "203.0.114.1", 401),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", 200),
        (["203.0.113.0/24"], "2001:db8::1", 401),
        (["2001:db8::/32"], "2001:db8::1", 200),
        (["203.0.113.0/24"], "", 401),
        (["203.0.113.0/24"], "not an address", 401),
    ],
)
def test_a_token_is_good_in_its_networks(
    admin: APIClient, networks: list[str], address: str, status: int
) -> None:
    """An address that is none is nowhere."""
    text = make(admin, networks=networks)["token"]

    assert bearer(text, address).get("/v1/whoami").status_code == status


@pytest.mark.parametrize(
    "network",
    ["10.0.0.1/8", "x", "", "10.0.0.0/33", 5, None, "1" * 500, "::ffff:10.0.0.0/120", "fe80::1%lo"],
)
def test_a_network_is_a_cidr(admin: APIClient, network: Any) -> None:
    """Bits behind the mask are a slip of the pen; some forms match no caller."""
    answer = admin.post(TOKENS, {"name": "t", "networks": [network]}, format="json")

    assert (answer.status_code, refusal(answer)[1][0].split(".")[0]) == (400, "networks")


def test_a_rotated_token_has_two_texts_for_a_while(admin: APIClient) -> None:
    """So that whoever uses it has time to change it; then the old one is over."""
    row = make(admin)
    answer = admin.post(f"{TOKENS}/{row['id']}/rotate", {"overlap_seconds": 60}, format="json")
    new = answer.json()["data"]["token"]

    assert [bearer(text).get("/v1/whoami").status_code for text in (row["token"], new)] == [200] * 2
    Token.objects.filter(pk=row["id"]).update(previous_until=timezone.now())
    found = [bearer(text).get("/v1/whoami").status_code for text in (row["token"], new)]
    assert found in ([200, 200], [401, 200])  # This process may know the old one for a moment.
    tokens.edit(row["id"], {}, editor=Token.objects.get(name="tests"))
    found = [bearer(text).get("/v1/whoami").status_code for text in (row["token"], new)]
    assert found == [401, 200]


def test_a_remembered_text_ends_with_its_overlap(admin: APIClient) -> None:
    """Without a look at the database: the process knows when."""
    row = make(admin)
    admin.post(f"{TOKENS}/{row['id']}/rotate", {"overlap_seconds": 0}, format="json")

    assert bearer(row["token"]).get("/v1/whoami").status_code == 401


def test_what_has_ended_is_not_rotated(admin: APIClient) -> None:
    """A revoked token stays so."""
    row = make(admin)
    admin.delete(f"{TOKENS}/{row['id']}")

    assert admin.post(f"{TOKENS}/{row['id']}/rotate", {}, format="json").status_code == 404


def test_a_token_may_rotate_and_end_itself(admin: APIClient) -> None:
    """Whatever its role, and no other."""
    row, other = make(admin), make(admin)
    client = bearer(row["token"])

    assert client.post(f"{TOKENS}/{other['id']}/rotate", {}, format="json").status_code == 403
    assert client.delete(f"{TOKENS}/{other['id']}").status_code == 403
    new = client.post(f"{TOKENS}/{row['id']}/rotate", {}, format="json").json()["data"]["token"]
    assert bearer(new).delete(f"{TOKENS}/{row['id']}").status_code == 200


def test_revoking_a_maker_leaves_what_it_made(admin: APIClient) -> None:
    """Unless it is asked for; they are listed first."""
    top = make(admin, role="admin")
    middle = make(bearer(top["token"]), role="admin")
    low, beside = make(bearer(middle["token"])), make(admin)

    listed = admin.get(f"{TOKENS}?descendants_of={top['id']}").json()["data"]
    assert [row["id"] for row in listed] == [middle["id"], low["id"]]
    admin.delete(f"{TOKENS}/{top['id']}")
    assert bearer(low["token"]).get("/v1/whoami").status_code == 200
    admin.delete(f"{TOKENS}/{top['id']}?descendants=true")
    rows = (top, middle, low, beside)
    assert [bearer(row["token"]).get("/v1/whoami").status_code for row in rows] == [
        401, 401, 401, 200,
    ]  # fmt: skip


@pytest.mark.parametrize("above", ["x", "", "00000000-0000-0000-0000-000000000000"])
def test_nobodys_descendants(admin: APIClient, above: str) -> None:
    """No id, or nobody's."""
    assert admin.get(f"{TOKENS}?descendants_of={above}").status_code in (400, 404)


def test_the_first_use_is_written_at_once(admin: APIClient) -> None:
    """So that nobody revokes as unused what somebody has begun to use."""
    row = make(admin)
    before = admin.get(f"{TOKENS}/{row['id']}").data["data"]["last_used_at"]
    bearer(row["token"]).get("/v1/whoami")
    after = admin.get(f"{TOKENS}/{row['id']}").data["data"]["last_used_at"]

    assert before is None
    assert timezone.now() - after < timedelta(minutes=1)


def test_last_use_is_written_once_an_hour(admin: APIClient) -> None:
    """By a task; a request that reads with a token in use writes nothing."""
    row = make(admin)
    long_ago = timezone.now() - timedelta(days=1)
    Token.objects.filter(pk=row["id"]).update(last_used_at=long_ago)
    for _ in range(3):
        bearer(row["token"]).get("/v1/whoami")
    assert Token.objects.get(pk=row["id"]).last_used_at == long_ago

    assert uses.flush() >= 1
    used = Token.objects.get(pk=row["id"]).last_used_at
    assert used is not None
    assert timezone.now() - used < timedelta(minutes=1)
    assert uses.flush() == 0


@pytest.mark.parametrize(
    "value", [b"", b"x", b"-1", b"9" * 30, b"99999999999", b"1", b"\xff", b"1e9", b"0"]
)
def test_what_others_write_to_redis_is_no_use(admin: APIClient, value: bytes) -> None:
    """Neither a moment that is none, nor one to come, nor one long ago."""
    row = make(admin)
    redis_client().hset("keeptrusts:tokens:used", row["id"], value)
    redis_client().hset("keeptrusts:tokens:used", b"\xffnobody", b"1")

    uses.flush()

    assert Token.objects.get(pk=row["id"]).last_used_at is None


@pytest.mark.parametrize(
    "body", [{}, {"role": "admin"}, {"networks": []}, {"name": ""}, {"expires_at": "2001-01-01"}]
)
def test_an_edit_changes_name_note_and_end(admin: APIClient, body: dict[str, Any]) -> None:
    """A token's role and networks are made with it."""
    row = make(admin)

    assert admin.patch(f"{TOKENS}/{row['id']}", body, format="json").status_code == 400


def test_a_null_end_is_the_latest_there_is(admin: APIClient) -> None:
    """For ever, where nothing bounds it."""
    row = make(admin, expires_at=SOON)
    fields = {"expires_at": None, "note": "kept", "name": "new"}

    found = admin.patch(f"{TOKENS}/{row['id']}", fields, format="json").json()["data"]

    assert {name: found[name] for name in fields} == fields


def test_rotating_a_token_gives_no_more_than_the_asker_has(admin: APIClient) -> None:
    """Else one that ends in a minute takes one that never does."""
    eternal = make(admin, role="admin")
    bounded = bearer(make(admin, role="admin", expires_at=SOON)["token"])

    answer = bounded.post(f"{TOKENS}/{eternal['id']}/rotate", {}, format="json")

    assert refusal(answer) == (400, ["expires_at"])
    assert bearer(eternal["token"]).get("/v1/whoami").status_code == 200


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_a_text_that_was_replaced_replaces_none(admin: APIClient, role: str) -> None:
    """So that a rotation takes back a text that leaked, whatever its role."""
    row, other = make(admin, role=role), make(admin)
    new = bearer(row["token"]).post(f"{TOKENS}/{row['id']}/rotate", {}, format="json")
    text = new.json()["data"]["token"]

    for token in (row, other) if role == "admin" else (row,):
        path = f"{TOKENS}/{token['id']}/rotate"
        answer = bearer(row["token"]).post(path, {"overlap_seconds": 0}, format="json")
        assert (answer.status_code, error(answer)["code"]) == (409, "text_replaced")
    assert bearer(text).get("/v1/whoami").status_code == 200


def test_a_long_line_of_descendants_is_revoked(admin: APIClient) -> None:
    """However deep it is."""
    row, now = make(admin, role="admin"), timezone.now()
    makers = [row["id"], *(uuid4() for _ in range(1200))]
    Token.objects.bulk_create(
        Token(id=own, name="t", digest=f"{number:064}", made_by_id=maker, created_at=now)
        for number, (maker, own) in enumerate(itertools.pairwise(makers))
    )

    answer = admin.get(f"{TOKENS}?descendants_of={row['id']}&limit=1&count=true")
    assert answer.json()["count"] == 1200
    assert admin.delete(f"{TOKENS}/{row['id']}?descendants=true").status_code == 200
    assert Token.objects.get(pk=makers[-1]).revoked_at is not None


def test_a_maker_that_was_revoked_meanwhile_makes_none(admin: APIClient) -> None:
    """What was read of it before does not count."""
    row = make(admin, role="admin")
    maker = Token.objects.get(pk=row["id"])
    admin.delete(f"{TOKENS}/{row['id']}?descendants=true")

    with pytest.raises(ConflictError):
        tokens.create("late", maker=maker)


def test_what_has_ended_is_not_revived(admin: APIClient) -> None:
    """Neither by a later end nor by none."""
    row = make(admin, expires_at=SOON)
    Token.objects.filter(pk=row["id"]).update(expires_at=timezone.now())

    for end in (None, LATE):
        answer = admin.patch(f"{TOKENS}/{row['id']}", {"expires_at": end}, format="json")
        assert refusal(answer) == (400, ["expires_at"])
