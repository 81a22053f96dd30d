"""`/v1/client-keys`: who makes, changes and revokes the keys of clients."""

import hashlib
import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from events.models import Event
from gateways.models import ClientKey, ClientKeyList, Gateway
from gateways.registry import keylists
from tests.gateways.conftest import Register
from tests.support.api import created, error, refusal
from tests.support.gateways import Machine

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/client-keys"
LIMITS: dict[str, Any] = {
    "models": ["gpt-4o-mini", "claude-*"],
    "rate_limit": {"max_requests": 600, "window_seconds": 60},
    "token_budget": {"max_tokens": 5_000_000, "window_seconds": 86_400},
}


def sha256(text: str) -> str:
    """The digest of a key, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def make(admin: APIClient, name: str = "team", **fields: Any) -> dict[str, Any]:
    """Make a key; its row, with the key itself where that was made there."""
    row: dict[str, Any] = created(admin.post(PATH, {"name": name, **fields}, format="json"))
    return row


def edit(admin: APIClient, path: str, **fields: Any) -> Any:
    """Change something; the answer."""
    return admin.patch(path, fields, format="json")


def entries(one: Machine) -> dict[str, Any]:
    """What a gateway gets of keys, by name."""
    return {entry["name"]: entry for entry in one.key_list()[1]["keys"]}


def test_a_key_is_shown_once(admin: APIClient) -> None:
    """And kept nowhere: what is stored is its digest, which no answer shows."""
    row = make(admin, **LIMITS)
    key = row.pop("key")

    (listed,) = admin.get(PATH).json()["data"]
    assert row == listed == admin.get(f"{PATH}/team").json()["data"]
    assert {name: row[name] for name in LIMITS} == LIMITS
    assert key.startswith("ktc_")
    assert len(key) > 40
    assert ClientKey.objects.get().digest == sha256(key)


def test_a_gateway_gets_it_in_the_words_of_a_file(admin: APIClient, gateway: Machine) -> None:
    """Digest, name and limits; what is not set is not there."""
    key = make(admin, **LIMITS)["key"]
    make(admin, "plain", sha256=sha256("of somebody's own").upper())

    assert entries(gateway) == {
        "plain": {"name": "plain", "sha256": [sha256("of somebody's own")]},
        "team": {"name": "team", "sha256": [sha256(key)], **LIMITS},
    }


def test_no_key_and_no_digest_is_told(admin: APIClient, gateway: Machine) -> None:
    """In no answer but the first, in no event, and in no error."""
    texts = [make(admin)["key"], make(admin, "own", sha256=sha256("x"))["name"]]
    texts.append(admin.post(f"{PATH}/team/rotate", {}, format="json").json()["data"]["key"])
    secrets = [text for text in texts if text.startswith("ktc_")]
    secrets += [sha256(text) for text in [*secrets, "x"]]
    told = [
        admin.get(PATH).content,
        edit(admin, f"{PATH}/team", models=["m"]).content,
        admin.post(PATH, {"name": "b", "sha256": sha256("x")}, format="json").content,
        admin.post(PATH, {"name": "b", "sha256": secrets[0]}, format="json").content,
        admin.get("/v1/events").content,
        admin.get(f"{PATH}?gateway={gateway.id}").content,
        admin.delete(f"{PATH}/team").content,
    ]

    assert len(secrets) == 5
    assert [text for text in secrets if text.encode() in b"".join(told)] == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": "Team"}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"sha256": "ktc_a-key-by-mistake"}, "sha256"),
        ({"sha256": sha256("")}, "sha256"),
        ({"sha256": sha256("\n")}, "sha256"),
        ({"models": []}, "models"),
        ({"models": ["two\nlines"]}, "models.0"),
        ({"rate_limit": {"max_requests": 0, "window_seconds": 60}}, "rate_limit.max_requests"),
        ({"rate_limit": {"max_requests": 1}}, "rate_limit.window_seconds"),
        ({"token_budget": {"max_tokens": 1, "window_seconds": 31 * 86_400 + 1}},
         "token_budget.window_seconds"),
        ({"gateways": ["nobody"]}, "gateways"),
        ({"gateways": []}, "gateways"),
        ({"selector": {}}, "selector"),
        ({"gateways": ["edge-1"], "selector": {"region": "eu"}}, "selector"),
        ({"key": "ktc_x"}, "key"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(
    admin: APIClient, gateway: Machine, fields: dict[str, Any], named: str
) -> None:
    """Nothing is made, and no gateway asks for keys."""
    answer = admin.post(PATH, {"name": "team", **fields}, format="json")

    assert refusal(answer) == (400, [named])
    assert not ClientKey.objects.exists()
    assert gateway.pull_keys().status_code == 404


def test_a_name_and_a_key_belong_to_one(admin: APIClient) -> None:
    """Limits go by the name, and a key has one; after a revocation both are free."""
    make(admin, sha256=sha256("x"))
    codes = [
        error(admin.post(PATH, {"name": "team"}, format="json"))["code"],
        error(admin.post(PATH, {"name": "b", "sha256": sha256("x")}, format="json"))["code"],
        error(admin.post(f"{PATH}/team/rotate", {"sha256": sha256("x")}, format="json"))["code"],
    ]
    admin.delete(f"{PATH}/team")

    assert codes == ["name_taken", "key_taken", "key_taken"]
    assert make(admin, sha256=sha256("x"))["revoked_at"] is None


def test_limits_are_changed_and_taken_away(admin: APIClient, gateway: Machine) -> None:
    """What is not named stays."""
    make(admin, sha256=sha256("x"), **LIMITS)
    lower = {"max_requests": 1, "window_seconds": 60}

    answer = edit(admin, f"{PATH}/team", rate_limit=lower, models=None)

    assert answer.status_code == 200
    assert entries(gateway)["team"] == {
        "name": "team", "sha256": [sha256("x")], "rate_limit": lower,
        "token_budget": LIMITS["token_budget"],
    }  # fmt: skip


def test_a_rotated_key_has_two_digests_until_the_first_is_ended(
    admin: APIClient, gateway: Machine
) -> None:
    """So that clients change over one by one."""
    old = make(admin)["key"]
    row = admin.post(f"{PATH}/team/rotate", {}, format="json").json()["data"]
    both = entries(gateway)["team"]["sha256"]
    ended = admin.delete(f"{PATH}/team/previous").json()["data"]

    assert both == [sha256(row["key"]), sha256(old)]
    assert (row["has_previous"], ended["has_previous"]) == (True, False)
    assert entries(gateway)["team"]["sha256"] == [sha256(row["key"])]


@pytest.mark.parametrize("method", ["patch", "post", "delete"])
def test_a_revoked_key_cannot_be_changed(admin: APIClient, method: str) -> None:
    """It is shown, and revoking it again changes nothing."""
    make(admin)
    revoked = admin.delete(f"{PATH}/team").json()["data"]
    paths = {"patch": "", "post": "/rotate", "delete": "/previous"}
    body = {"models": ["m"]} if method == "patch" else {}

    answer = getattr(admin, method)(f"{PATH}/team{paths[method]}", body, format="json")

    assert error(answer)["code"] == "not_found"
    assert revoked["revoked_at"] is not None
    assert admin.delete(f"{PATH}/team").json()["data"] == revoked


def test_each_change_is_an_event(admin: APIClient, gateway: Machine) -> None:
    """With who did it, and which gateways ask for keys from now on."""
    make(admin)
    edit(admin, f"{PATH}/team", models=["m"])
    admin.delete(f"{PATH}/team")
    edit(admin, gateway.path, client_keys="off")

    rows = list(Event.objects.order_by("pk").values_list("kind", "details"))
    common = {"actor": "tests", "client_key": "team"}
    assert [kind for kind, _ in rows[-4:]] == [*["client_key_changed"] * 3, "client_keys_switched"]
    assert [details for _, details in rows[-4:]] == [
        {**common, "change": "created", "changed": [], "gateways_closed": [gateway.id]},
        {**common, "change": "edited", "changed": ["models"], "gateways_closed": []},
        {**common, "change": "revoked", "changed": [], "gateways_closed": []},
        {"actor": "tests", "gateway": gateway.id, "client_keys": "off"},
    ]


def test_the_keys_of_a_gateway_are_listed(admin: APIClient, register: Register) -> None:
    """Those for its id, for its labels, and for all."""
    register(labels={"region": "eu"})
    register("edge-2")
    make(admin, "by-id", gateways=["edge-1"])
    make(admin, "by-label", selector={"region": "eu"})
    make(admin, "for-all")
    admin.delete(f"{PATH}/{make(admin, 'gone')['name']}")

    def listed(gateway_id: str) -> list[str]:
        rows = admin.get(f"{PATH}?gateway={gateway_id}").json()["data"]
        return [row["name"] for row in rows]

    assert (listed("edge-1"), listed("edge-2")) == (
        ["by-id", "by-label", "for-all"], ["for-all"],
    )  # fmt: skip
    assert error(admin.get(f"{PATH}?gateway=nobody"))["code"] == "not_found"


def test_a_gateway_asks_for_keys_until_somebody_says_off(
    admin: APIClient, gateway: Machine
) -> None:
    """Neither a revocation, nor other labels, nor another scope opens it."""
    make(admin, "a", selector={"region": "eu"})
    before = admin.get(gateway.path).json()["data"]["client_keys"]
    edit(admin, gateway.path, labels={"region": "eu"})
    edit(admin, gateway.path, labels={})
    by_label = gateway.key_list()[1]
    make(admin, "b", gateways=[gateway.id])
    admin.delete(f"{PATH}/b")
    revoked = gateway.key_list()[1]
    edit(admin, gateway.path, client_keys="off")
    make(admin, "c")

    assert before is None
    assert by_label == revoked == {"demanded": True, "keys": []}
    assert gateway.key_list()[1] == {"demanded": False, "keys": []}
    edit(admin, gateway.path, client_keys="demanded")
    assert list(entries(gateway)) == ["c"]


def test_a_gateway_that_comes_later_is_no_gap(admin: APIClient, register: Register) -> None:
    """It asks for keys as its siblings do, though the last was revoked before it came."""
    make(admin)
    admin.delete(f"{PATH}/team")

    assert register("late").key_list()[1] == {"demanded": True, "keys": []}


@pytest.mark.parametrize("change", ["edit", "revoke and create"])
def test_where_a_key_once_was_a_later_gateway_is_no_gap(
    admin: APIClient, register: Register, change: str
) -> None:
    """Also when the key is elsewhere now, or its name belongs to another one."""
    sibling = register("sibling", labels={"region": "eu"})
    make(admin, selector={"region": "eu"})
    if change == "edit":
        edit(admin, f"{PATH}/team", selector={"region": "us"})
        edit(admin, f"{PATH}/team", selector=None, gateways=[sibling.id])
    else:
        admin.delete(f"{PATH}/team")
        make(admin, gateways=[sibling.id])

    assert list(entries(sibling)) == ["team"]
    for name, region in {"late": "eu", **({"west": "us"} if change == "edit" else {})}.items():
        late = register(name, labels={"region": region})
        assert late.key_list()[1] == {"demanded": True, "keys": []}
    assert register("elsewhere", labels={"region": "asia"}).pull_keys().status_code == 404


def test_keys_may_be_demanded_from_the_start(admin: APIClient, register: Register) -> None:
    """Without any key yet, all calls are refused."""
    assert register(client_keys="demanded").key_list()[1] == {"demanded": True, "keys": []}
    answer = admin.post("/v1/gateways", {"id": "g", "client_keys": "open"}, format="json")
    assert refusal(answer) == (400, ["client_keys"])


def test_a_list_that_no_gateway_could_read_is_refused(
    admin: APIClient, gateway: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever adds to it is told, and the gateway has the list that it had."""
    make(admin)
    before = gateway.key_list()
    monkeypatch.setattr(keylists, "MOST_BYTES", len(json.dumps(before[1])) + 10)

    answer = admin.post(PATH, {"name": "more"}, format="json")

    assert error(answer)["code"] == "client_keys_too_large"
    assert gateway.id in error(answer)["message"]
    assert gateway.key_list() == before


def test_a_thousand_keys_reach_those_alone_whom_they_are_for(
    admin: APIClient, register: Register, gateway: Machine
) -> None:
    """Two hundred gateways share the lists; one more key for one of them is news for that alone."""
    rows = [
        ClientKey(pk=f"k{n}", digest=sha256(str(n)), created_at="2026-01-31T12:00:00Z",
                  updated_at="2026-01-31T12:00:00Z", selector={"region": "eu"})
        for n in range(1000)
    ]  # fmt: skip
    ClientKey.objects.bulk_create(rows)
    one = Gateway.objects.get()
    many = [Gateway(pk=f"g{n}", name="g", digest=sha256(f"g{n}"), changed_seq=1,
                    labels={"region": "eu"}, created_at=one.created_at, updated_at=one.updated_at)
            for n in range(200)]  # fmt: skip
    Gateway.objects.bulk_create(many)
    elsewhere = gateway.pull()
    make(admin, "for-all")
    busy = register("busy", labels={"region": "eu"})
    seqs = dict(Gateway.objects.values_list("pk", "keys_seq"))
    make(admin, "for-one", gateways=["busy"])

    later = dict(Gateway.objects.values_list("pk", "keys_seq"))
    assert [pk for pk in seqs if later[pk] != seqs[pk]] == ["busy"]
    assert list(entries(gateway)) == ["for-all"]
    assert len(entries(busy)) == 1002
    assert ClientKeyList.objects.count() == 3
    assert len(busy.pull_keys().content) < 130 * 1002
    assert gateway.pull().content == elsewhere.content
