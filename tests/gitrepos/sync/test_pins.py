"""Pins: a version stays in force whatever git says, until its pin is released or expires."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from configurations.models import Configuration
from events.models import Event
from gitrepos.links import links
from gitrepos.models import Link
from tests.support.api import error, refusal
from tests.support.repo import Repo, policy
from tests.support.syncing import (
    content,
    edit,
    files,
    get,
    hashes,
    kinds,
    link,
    make,
    outcomes,
    override,
    pin,
    poll,
    rollback,
    run_due,
    runs,
    unlink,
    unpin,
)

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "bot/policy-config.yaml"
ONE, TWO, THREE = (policy("Bot", description=word) for word in ("one", "two", "three"))


def linked(admin: APIClient, repo: Repo, **fields: Any) -> dict[str, Any]:
    """A link whose second version is in force."""
    repo.commit({BOT: ONE})
    row = link(admin, repo.url, **fields)
    run_due()
    repo.commit({BOT: TWO})
    poll()
    return row


def row_of(admin: APIClient) -> dict[str, Any]:
    """The configuration as the API shows it."""
    row: dict[str, Any] = get(admin, "/v1/configurations/bot")
    return row


def test_while_pinned_gits_changes_are_noted_and_not_published(
    admin: APIClient, repo: Repo
) -> None:
    """What git says stands in the file's row; what is in force stays."""
    row = linked(admin, repo)
    pin(admin, "bot")
    repo.commit({BOT: THREE})

    poll()

    assert content(admin, "bot") == TWO.encode()
    assert (row_of(admin)["version"], row_of(admin)["overridden"]) == (2, True)
    assert outcomes(admin, row) == {(BOT, "bot"): "pinned"}
    file = files(admin, row)[BOT]
    assert file["content_hash"] == Configuration.objects.get().git_hash
    assert file["content_hash"] != row_of(admin)["content_hash"]
    assert [(f["outcome"], f["version"]) for f in runs(admin, row)[0]["files"]] == [
        ("pinned", None)
    ]


def test_a_row_shows_its_pin(admin: APIClient, repo: Repo) -> None:
    """Why, by whom, since when and until when; null without one."""
    linked(admin, repo)
    before = row_of(admin)["pin"]
    until = (timezone.now() + timedelta(hours=1)).replace(microsecond=0)

    shown = pin(admin, "bot", reason="an incident", expires_at=until.isoformat())["pin"]

    assert before is None
    assert (shown["reason"], shown["actor"]) == ("an incident", "tests")
    assert shown["since"]
    assert shown["expires_at"].startswith(until.strftime("%Y-%m-%dT%H:%M:%S"))
    assert get(admin, "/v1/configurations")[0]["pin"] == shown


def test_a_pinned_version_goes_into_force_first(admin: APIClient, repo: Repo) -> None:
    """As the next version, with the reason as its note; the one in force as it is."""
    linked(admin, repo)
    pin(admin, "bot", version=2)
    as_it_was = row_of(admin)["version"]

    pin(admin, "bot", version=1, reason="two is broken")

    assert (as_it_was, content(admin, "bot")) == (2, ONE.encode())
    [version, *_] = get(admin, "/v1/configurations/bot/versions")
    assert (version["number"], version["note"]) == (3, "two is broken")
    assert (version["source"], version["actor"]) == ("api", "tests")


PINNED, PUSHED = (None, 1, 2), (None, ONE, THREE)


@pytest.mark.parametrize("polled", [True, False])
def test_a_release_puts_gits_last_word_in_force(admin: APIClient, repo: Repo, polled: bool) -> None:
    """At once, whichever version was pinned, whatever git said meanwhile, looked at or not."""
    cases = {f"bot{n}": case for n, case in enumerate(product(PINNED, PUSHED))}
    paths = {pk: f"{pk}/policy-config.yaml" for pk in cases}
    repo.commit(dict.fromkeys(paths.values(), ONE))
    row = link(admin, repo.url)
    run_due()
    repo.commit(dict.fromkeys(paths.values(), TWO))
    poll()
    for pk, (pinned, _) in cases.items():
        pin(admin, pk, **({"version": pinned} if pinned else {}))
    repo.commit({paths[pk]: pushed for pk, (_, pushed) in cases.items() if pushed})
    if polled:
        poll()

    for pk in cases:
        unpin(admin, pk)
    run_due()

    for pk, case in cases.items():
        now = get(admin, f"/v1/configurations/{pk}")
        assert content(admin, pk) == (case[1] or TWO).encode(), case
        assert (now["pin"], now["overridden"]) == (None, False), case
        assert outcomes(admin, row)[paths[pk], pk] == "synced", case


def test_a_release_ends_an_override_that_was_pinned(admin: APIClient, repo: Repo) -> None:
    """git's last word goes into force although the file did not change since."""
    linked(admin, repo)
    override(admin, "bot", THREE)
    pin(admin, "bot")

    unpin(admin, "bot")
    run_due()

    assert content(admin, "bot") == TWO.encode()


def test_a_pin_ends_by_itself(admin: APIClient, repo: Repo) -> None:
    """When its time has passed, by the next tick; the link plans at once."""
    linked(admin, repo)
    pin(admin, "bot", version=1, expires_at=(timezone.now() + timedelta(hours=1)).isoformat())
    links.expire_pins()
    before = row_of(admin)["pin"]
    Configuration.objects.update(pin_expires_at=timezone.now())

    links.expire_pins()
    run_due()

    assert before is not None
    assert (row_of(admin)["pin"], content(admin, "bot")) == (None, TWO.encode())
    assert kinds(configuration="bot") == ["pinned", "unpinned"]


def test_pins_that_end_together_hold_up_no_tick(admin: APIClient) -> None:
    """Polls come in between; those whose time passed first end first."""
    now = timezone.now()
    rows = [
        Configuration(
            pk=f"c{number}", version=1, created_at=now, updated_at=now, pinned_at=now,
            pin_expires_at=now - timedelta(seconds=number),
        )
        for number in range(60)
    ]  # fmt: skip
    Configuration.objects.bulk_create(rows)
    left = Configuration.objects.filter(pinned_at__isnull=False)

    links.expire_pins()
    after_one = set(left.values_list("pk", flat=True))
    links.expire_pins()

    assert after_one == {f"c{number}" for number in range(10)}
    assert not left.exists()


def test_pin_and_release_are_told(admin: APIClient, repo: Repo) -> None:
    """With who and why."""
    row = linked(admin, repo)
    pin(admin, "bot", reason="an incident")

    unpin(admin, "bot")

    assert [
        (event.kind, event.git_repo, event.details["actor"], event.details["reason"])
        for event in Event.objects.order_by("pk")
    ] == [
        ("pinned", row["id"], "tests", "an incident"),
        ("unpinned", row["id"], "tests", "an incident"),
    ]


def test_a_pin_may_be_changed(admin: APIClient, repo: Repo) -> None:
    """Another version, another reason, no end any more."""
    linked(admin, repo)
    pin(admin, "bot", expires_at=(timezone.now() + timedelta(hours=1)).isoformat())

    shown = pin(admin, "bot", version=1, reason="worse than thought")

    assert (shown["pin"]["reason"], shown["pin"]["expires_at"]) == ("worse than thought", None)
    assert content(admin, "bot") == ONE.encode()


def test_a_pinned_file_that_breaks_is_quarantined(admin: APIClient, repo: Repo) -> None:
    """And a release leaves what is in force until it is mended."""
    row = linked(admin, repo)
    pin(admin, "bot")
    repo.commit({BOT: "pack: ["})
    poll()
    broken = outcomes(admin, row)

    unpin(admin, "bot")
    run_due()

    assert broken == {(BOT, "bot"): "quarantined"}
    assert content(admin, "bot") == TWO.encode()


def test_what_is_pinned_is_not_pruned(admin: APIClient, repo: Repo) -> None:
    """Until it is released."""
    row = linked(admin, repo, prune=True)
    repo.commit({"pay/policy-config.yaml": policy("Pay")})
    poll()
    pin(admin, "bot")
    repo.commit({BOT: None})
    poll()
    before = outcomes(admin, row)[BOT, "bot"], row_of(admin)["status"]

    unpin(admin, "bot")
    run_due()

    assert before == ("missing", "active")
    assert (outcomes(admin, row)[BOT, "bot"], row_of(admin)["status"]) == ("archived", "archived")


def test_a_suspended_link_takes_a_release_when_it_goes_on(admin: APIClient, repo: Repo) -> None:
    """Nobody polls it meanwhile."""
    row = linked(admin, repo)
    pin(admin, "bot", version=1)
    edit(admin, row, suspended=True)
    unpin(admin, "bot")
    run_due()
    between = content(admin, "bot")

    edit(admin, row, suspended=False)
    run_due()

    assert (between, content(admin, "bot")) == (ONE.encode(), TWO.encode())


def test_a_pin_outlives_its_link(admin: APIClient, repo: Repo) -> None:
    """A relink takes the configuration back, and the pin stands."""
    row = linked(admin, repo)
    pin(admin, "bot", version=1)
    unlink(admin, row)
    again = link(admin, repo.url)
    run_due()
    pinned = content(admin, "bot"), outcomes(admin, again)

    unpin(admin, "bot")
    run_due()

    assert pinned == (ONE.encode(), {(BOT, "bot"): "pinned"})
    assert content(admin, "bot") == TWO.encode()


def test_what_the_api_made_can_be_pinned(admin: APIClient) -> None:
    """It then cannot be changed there either, until it is released."""
    make(admin, "by-hand", policy("By hand"))
    pin(admin, "by-hand")
    body = {"content": policy("Changed")}

    refused = admin.patch("/v1/configurations/by-hand", body, format="json")
    unpin(admin, "by-hand")
    changed = admin.patch("/v1/configurations/by-hand", body, format="json")

    assert (refused.status_code, error(refused)["code"]) == (409, "pinned")
    assert changed.status_code == 200
    assert Link.objects.count() == 0


CHANGES: list[tuple[str, str, Any]] = [
    ("patch", "", {"content": THREE, "override": True}),
    ("delete", "?override=true", None),
    ("post", "/rollback", {"version": 1}),
]


def test_what_is_pinned_cannot_be_changed_here(admin: APIClient, repo: Repo) -> None:
    """The error names who pinned it and why."""
    linked(admin, repo)
    pin(admin, "bot", reason="an incident")

    for method, path, body in CHANGES:
        answer = getattr(admin, method)(f"/v1/configurations/bot{path}", body, format="json")

        assert (answer.status_code, error(answer)["code"]) == (409, "pinned"), method
        assert "tests: an incident" in error(answer)["message"], method
        assert row_of(admin)["version"] == 2, method


BAD_PINS: list[tuple[dict[str, Any], str]] = [
    ({}, "reason"),
    ({"reason": ""}, "reason"),
    ({"reason": "x", "version": 0}, "version"),
    ({"reason": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"reason": "x", "until": "tomorrow"}, "until"),
]


def test_a_pin_needs_a_reason_and_a_future(admin: APIClient) -> None:
    """Nothing is pinned."""
    make(admin, "bot", ONE)

    for body, field in BAD_PINS:
        answer = admin.post("/v1/configurations/bot/pin", body, format="json")

        assert refusal(answer) == (400, [field]), body
        assert row_of(admin)["pin"] is None, body


def test_what_cannot_be_pinned_says_why(admin: APIClient) -> None:
    """No such configuration, no such version, an archived one, and a release of nothing."""
    make(admin, "bot", ONE)
    url = "/v1/configurations/bot/pin"
    answers = [
        admin.post("/v1/configurations/none/pin", {"reason": "x"}, format="json"),
        admin.post(url, {"reason": "x", "version": 9}, format="json"),
        admin.delete(url),
        admin.delete("/v1/configurations/none/pin"),
    ]
    admin.delete("/v1/configurations/bot")
    answers.append(admin.post(url, {"reason": "x"}, format="json"))

    assert [(answer.status_code, error(answer)["code"]) for answer in answers] == [
        (404, "not_found"),
        (404, "not_found"),
        (409, "not_pinned"),
        (404, "not_found"),
        (409, "archived"),
    ]


# Rollback, and what git makes of it.


def test_a_rollback_stands_until_the_file_changes(admin: APIClient, repo: Repo) -> None:
    """A commit elsewhere leaves it; a change of the file ends it, and an event has both hashes."""
    row = linked(admin, repo)
    rolled = rollback(admin, "bot", 1)
    repo.commit({"readme.md": "More.\n"})
    poll()
    edit(admin, row, adopt=True)
    run_due()
    between = content(admin, "bot")

    repo.commit({BOT: THREE})
    poll()

    assert (rolled["version"], rolled["overridden"], between) == (3, True, ONE.encode())
    assert content(admin, "bot") == THREE.encode()
    event = Event.objects.get(kind="override_replaced")
    assert (event.configuration, event.details) == (
        "bot",
        {
            "replaced_hash": rolled["content_hash"],
            "content_hash": hashes()["bot"],
        },
    )


def test_an_override_and_a_rollback_are_told(admin: APIClient, repo: Repo) -> None:
    """Who did it, and what is in force since; what git does not feed overrides nothing."""
    linked(admin, repo)
    make(admin, "by-api", ONE)
    override(admin, "bot", THREE)
    rollback(admin, "bot", 1)
    override(admin, "by-api", TWO)

    events = Event.objects.filter(kind="overridden").order_by("pk")
    assert [(event.configuration, event.details) for event in events] == [
        ("bot", {"actor": "tests", "version": 3, "note": ""}),
        ("bot", {"actor": "tests", "version": 4, "note": "Rollback to version 1."}),
    ]


def test_a_rollback_to_what_git_says_ends_the_override(admin: APIClient, repo: Repo) -> None:
    """And is told as that."""
    linked(admin, repo)
    override(admin, "bot", THREE)

    rollback(admin, "bot", 2)

    assert kinds(configuration="bot") == ["overridden", "override_replaced"]
    (event,) = Event.objects.filter(kind="override_replaced")
    assert event.message == "tests put version 4 in force, which is what git says."


def test_an_override_that_git_replaces_is_told(admin: APIClient, repo: Repo) -> None:
    """One that git says too is not replaced, and neither is an ordinary version."""
    linked(admin, repo)
    override(admin, "bot", THREE)
    repo.commit({BOT: THREE})
    poll()
    before = kinds(configuration="bot")
    override(admin, "bot", ONE)

    repo.commit({BOT: TWO})
    poll()

    told = ["overridden"]
    assert (before, kinds(configuration="bot")) == (
        told,
        [*told, "overridden", "override_replaced"],
    )
