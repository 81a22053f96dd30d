"""Requests about configurations: asked, confirmed as shown, refused, void, and done alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from configurations.models import ChangeRequest, Configuration, Version
from events.models import AuditEntry, Event
from tests.support.api import created, error
from tests.support.eyes import (
    ask,
    confirmed,
    decide,
    person,
    refused,
    strong,
    waiting,
    weak,
)

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


@pytest.fixture
def bot(ada: APIClient) -> str:
    """A configuration under four eyes."""
    body = {"id": "bot", "content": strong(), "four_eyes": True}
    created(ada.post("/v1/configurations", body, format="json"))
    return "bot"


def row(name: str = "bot") -> Configuration:
    return Configuration.objects.get(pk=name)


def edit(content: str = "", **fields: Any) -> dict[str, Any]:
    return {"content": content or weak(), **fields}


def test_a_change_waits_for_a_second_person(ada: APIClient, bob: APIClient, bot: str) -> None:
    """What is shown is exactly what comes into force, in both names."""
    before = row()
    asked = ask(ada, "configuration.edit", bot, edit(note="less"))

    assert (row().version, asked["state"]) == (1, "waiting")
    assert asked["shows"] == {"content_hash": asked["details"]["content_hash"]}
    assert asked["details"]["before_hash"] == before.content_hash
    assert asked["details"]["version"] == 2
    assert asked["details"]["weakens"] == ["policies.chain: pii-detector no longer runs"]
    assert asked["change"] == {"note": "less"}
    assert bob.get(f"/v1/requests/{asked['id']}/content").content == weak().encode()
    assert waiting(bob) == [{name: asked[name] for name in asked if name != "change"}]
    assert refused(decide(ada, asked)) == (403, "same_token")

    done = confirmed(bob, asked)

    assert done["decided_by"]["name"] == "bob"
    assert row().content_hash == asked["shows"]["content_hash"]
    version = Version.objects.get(configuration=bot, number=2)
    assert (version.actor, version.note) == ("bob (asked by ada)", "less")
    assert waiting(bob) == []
    gone = bob.get(f"/v1/requests/{asked['id']}/content")
    assert refused(gone) == (404, "not_found")
    assert refused(decide(bob, asked)) == (409, "request_over")
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "actor_name"))[-3:] == [
        ("request.asked", "ada"),
        ("configuration.edited", "bob"),
        ("request.confirmed", "bob"),
    ]
    assert Event.objects.get(kind="change_requested").configuration == bot


@pytest.mark.parametrize(
    "shown", [{"content_hash": "0" * 64}, {"commit": "0" * 40}, {"digest": "x"}]
)
def test_what_was_not_shown_is_not_confirmed(
    ada: APIClient, bob: APIClient, bot: str, shown: dict[str, str]
) -> None:
    """A confirmation names what it is of."""
    asked = ask(ada, "configuration.edit", bot, edit())

    assert refused(decide(bob, asked, **shown)) == (409, "not_what_was_shown")
    both = {**asked["shows"], "commit": "x", **shown}
    assert refused(decide(bob, asked, **both)) == (409, "not_what_was_shown")
    assert row().version == 1
    assert refused(bob.post(f"/v1/requests/{asked['id']}/confirm", {}, format="json"))[0] == 400


@pytest.mark.parametrize(
    "meanwhile", [{"name": "another"}, {"labels": {"a": "b"}}, {"description": "another"}]
)
def test_an_edit_meanwhile_voids_it(
    ada: APIClient, bob: APIClient, bot: str, meanwhile: dict[str, Any]
) -> None:
    """Whatever it changed: what was shown is of another state."""
    asked = ask(ada, "configuration.edit", bot, edit())
    assert ada.patch("/v1/configurations/bot", meanwhile, format="json").status_code == 200

    assert waiting(bob) == []
    assert [one["id"] for one in bob.get("/v1/requests?state=void").json()["data"]] == [asked["id"]]
    assert refused(decide(bob, asked)) == (409, "request_void")
    assert refused(decide(bob, asked)) == (409, "request_over")
    assert row().version == 1
    assert AuditEntry.objects.filter(action="request.voided", target="bot").count() == 1


def test_one_of_two_requests_voids_the_other(ada: APIClient, bob: APIClient, bot: str) -> None:
    """They were asked upon the same state."""
    one = ask(ada, "configuration.edit", bot, edit())
    other = ask(ada, "configuration.pin", bot, {"reason": "stay"})

    confirmed(bob, other)

    assert refused(decide(bob, one)) in [(409, "request_void"), (409, "pinned")]
    assert bob.get(f"/v1/requests/{one['id']}").json()["data"]["state"] == "void"
    assert row().version == 1


def test_it_lasts_for_a_week(ada: APIClient, bob: APIClient, bot: str) -> None:
    """After that it is asked anew."""
    asked = ask(ada, "configuration.edit", bot, edit())
    made = ChangeRequest.objects.get()
    assert made.expires_at == made.created_at + timedelta(days=7)
    ChangeRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert waiting(bob) == []
    assert bob.get("/v1/requests?state=expired").json()["data"][0]["id"] == asked["id"]
    assert refused(decide(bob, asked)) == (409, "request_over")


def test_it_is_refused_or_withdrawn(ada: APIClient, bob: APIClient, bot: str) -> None:
    """Anybody who may confirm refuses; who asked alone takes back."""
    one, other = (ask(ada, "configuration.edit", bot, edit()) for _ in range(2))

    assert refused(decide(bob, one, "withdraw")) == (403, "not_the_asker")
    assert decide(bob, one, "refuse", reason="no").json()["data"]["state"] == "refused"
    assert decide(ada, other, "withdraw").json()["data"]["state"] == "withdrawn"
    for asked in (one, other):
        assert refused(decide(bob, asked)) == (409, "request_over")
        assert refused(decide(bob, asked, "refuse", reason="no")) == (409, "request_over")
    assert row().version == 1
    entry = AuditEntry.objects.get(action="request.refused")
    assert entry.after["refused_for"] == "no"


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        ("configuration.edit", {"content": "no policy"}, "policy_invalid"),
        ("configuration.edit", {"contents": ""}, "invalid"),
        ("configuration.edit", {"name": "free"}, "not_guarded"),
        ("configuration.rollback", {"version": 7}, "not_found"),
        ("configuration.unpin", {}, "not_pinned"),
        ("configuration.break", {}, "invalid"),
        ("git_repo.remove", {}, "not_found"),
        ("gateway.bind", {"configuration": None}, "not_found"),
        ("gateway_binding.delete", {}, "not_found"),
    ],
)
def test_what_cannot_be_done_is_not_asked_for(
    ada: APIClient, bot: str, kind: str, change: dict[str, Any], code: str
) -> None:
    """It is tried first, and answers as its own endpoint does."""
    body = {"kind": kind, "target": bot, "reason": "because", "change": change}

    assert error(ada.post("/v1/requests", body, format="json"))["code"] == code
    assert (waiting(ada), row().version) == ([], 1)


def test_an_unguarded_configuration_needs_nobody(ada: APIClient, bob: APIClient) -> None:
    """Four eyes are for what has them, and are put on by one person, and off by two."""
    created(ada.post("/v1/configurations", {"id": "bot", "content": strong()}, format="json"))
    body = {"kind": "configuration.edit", "target": "bot", "reason": "r", "change": edit()}

    assert refused(ada.post("/v1/requests", body, format="json")) == (409, "not_guarded")
    assert (
        ada.patch("/v1/configurations/bot", {"four_eyes": True}, format="json").status_code == 200
    )
    off = {"four_eyes": False}
    assert refused(ada.patch("/v1/configurations/bot", off, format="json")) == (
        409,
        "second_person_needed",
    )
    confirmed(bob, ask(ada, "configuration.edit", "bot", off))
    assert row().four_eyes is False
    assert ada.patch("/v1/configurations/bot", edit(), format="json").status_code == 200


def test_what_four_eyes_let_go_meanwhile_is_void(ada: APIClient, bob: APIClient, bot: str) -> None:
    """It was asked upon a configuration that had them."""
    asked = ask(ada, "configuration.edit", bot, edit())
    confirmed(bob, ask(ada, "configuration.edit", bot, {"four_eyes": False}))

    assert refused(decide(bob, asked)) == (409, "request_void")
    assert row().version == 1


def test_a_role_asks_and_confirms_what_it_may_do(ada: APIClient, bot: str) -> None:
    """A request gives nobody a right: who confirms could do it, were there no four eyes."""
    asked = ask(ada, "configuration.edit", bot, edit())
    viewer = person("vera", role="viewer")

    assert decide(viewer, asked).status_code == 403
    assert viewer.get("/v1/requests").status_code == 200
    body = {"kind": "gateway.edit", "target": "edge", "reason": "r", "change": {"labels": {}}}
    assert "gateways.edit" in error(ada.post("/v1/requests", body, format="json"))["message"]
    body = {"kind": "configuration.edit", "target": bot, "reason": "r", "change": edit()}
    alone = ada.post("/v1/requests", {**body, "break_glass": True}, format="json")
    assert "requests.break_glass" in error(alone)["message"]
    assert row().version == 1


def test_an_admin_breaks_the_glass_and_it_is_told(ada: APIClient, bob: APIClient, bot: str) -> None:
    """At once and with a reason; it stays told until somebody else confirms."""
    admin = person("root", role="admin")
    body = {"kind": "configuration.edit", "target": bot, "change": edit(), "break_glass": True}
    for reason in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}):
        assert refused(admin.post("/v1/requests", {**body, **reason}, format="json"))[0] == 400
    assert row().version == 1

    done = ask(admin, "configuration.edit", bot, edit(), break_glass=True, reason="an incident")

    assert (row().version, done["state"], done["break_glass"]) == (2, "waiting", True)
    assert done["expires_at"] is None
    assert AuditEntry.objects.get(action="glass.broken").after["reason"] == "an incident"
    assert Event.objects.get(kind="break_glass").details["reason"] == "an incident"
    [listed] = bob.get("/v1/configurations").json()["data"]
    assert listed["broken_glass"] is True
    assert refused(decide(admin, done)) == (403, "same_token")
    assert refused(decide(bob, done, "refuse", reason="no")) == (409, "glass_is_broken")
    assert refused(decide(admin, done, "withdraw")) == (409, "glass_is_broken")

    confirmed(bob, done)

    [listed] = bob.get("/v1/configurations").json()["data"]
    assert (listed["broken_glass"], listed["version"]) == (False, 2)


def test_the_list_of_configurations_is_new_when_the_glass_is_mended(
    bob: APIClient, bot: str
) -> None:
    """Its ETag says so, both times."""
    admin = person("root", role="admin")
    etags = [bob.get("/v1/configurations")["ETag"]]
    done = ask(admin, "configuration.edit", bot, edit(), break_glass=True)
    etags.append(bob.get("/v1/configurations")["ETag"])
    confirmed(bob, done)
    etags.append(bob.get("/v1/configurations")["ETag"])

    assert len(set(etags)) == 3


def test_who_asks_cannot_mint_a_second_person(bot: str) -> None:
    """Neither at the first nor at the second generation, nor by naming another address."""
    root = person("root", role="admin")
    asked = ask(root, "configuration.edit", bot, edit())
    made: APIClient = person("minted", role="admin", maker=root.token)  # type: ignore[attr-defined]
    again = person("again", role="admin", maker=made.token)  # type: ignore[attr-defined]

    assert refused(decide(made, asked)) == (403, "made_by_asker")
    assert refused(decide(again, asked)) == (403, "made_by_asker")
    assert refused(decide(person("x", emails=["root@keeptrusts.example"]), asked)) == (
        403,
        "same_person",
    )
    confirmed(person("other", emails=[]), asked)


def test_requests_have_bounds(ada: APIClient, bob: APIClient, bot: str) -> None:
    """So many wait for one target, and no more; pages lead through all of them."""
    first = ask(ada, "configuration.edit", bot, edit())
    for _ in range(49):
        ask(ada, "configuration.edit", bot, edit())
    body = {"kind": "configuration.edit", "target": bot, "reason": "r", "change": edit()}

    assert refused(ada.post("/v1/requests", body, format="json")) == (409, "too_many")
    decide(ada, first, "withdraw")
    ask(ada, "configuration.edit", bot, edit())
    found, cursor = [], ""
    while cursor is not None:
        page = bob.get(f"/v1/requests?limit=20{cursor and f'&cursor={cursor}'}").json()
        found += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert len(found) == len(set(found)) == 51
    assert found == sorted(found, reverse=True)
    assert bob.get("/v1/requests?target=none").json()["data"] == []


@pytest.mark.parametrize("number", [0, 7, 2**31, 10**30])
def test_a_number_of_no_request_is_not_found(bob: APIClient, number: int) -> None:
    """However large."""
    assert refused(bob.get(f"/v1/requests/{number}")) == (404, "not_found")
    for how, body in (("confirm", {"commit": "x"}), ("refuse", {"reason": "r"}), ("withdraw", {})):
        answer = bob.post(f"/v1/requests/{number}/{how}", body, format="json")
        assert refused(answer) == (404, "not_found")
