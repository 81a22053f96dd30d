"""`PATCH` and `DELETE /v1/configurations/{id}`."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.configurations.conftest import Make
from tests.support.api import error, refusal
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "/v1/configurations/bot"
FromGit = Callable[[str], None]


def patch(admin: APIClient, **body: Any) -> Any:
    """Edit `bot`."""
    return admin.patch(BOT, body, format="json")


def data(answer: Any) -> dict[str, Any]:
    """The row in an answer that must be 200."""
    assert answer.status_code == 200, answer.content
    row: dict[str, Any] = answer.json()["data"]
    return row


def test_a_new_content_makes_the_next_version(admin: APIClient, make: Make) -> None:
    """The hash and the number of the row follow it; the name stays."""
    make(name="Bot")
    content = policy("Another")

    row = data(patch(admin, content=content, note="Why."))

    expected = hashlib.sha256(content.encode()).hexdigest()
    assert (row["version"], row["content_hash"], row["name"]) == (2, expected, "Bot")
    assert data(admin.get(f"{BOT}/versions/2"))["note"] == "Why."


def test_the_same_content_makes_no_version(admin: APIClient, make: Make) -> None:
    """Whoever sends it twice changes nothing the second time, not even a time."""
    row = make()

    assert data(patch(admin, content=policy("Bot"))) == row


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "Other"), ("description", "Text"), ("description", ""), ("labels", {"b": "2"}),
     ("labels", {})],
)  # fmt: skip
def test_a_field_changes_alone(admin: APIClient, make: Make, field: str, value: object) -> None:
    """Labels are replaced as a whole; nothing makes a version but a content."""
    row = make(description="Before", labels={"a": "1"})

    changed = data(patch(admin, **{field: value}))

    assert changed["updated_at"] > row["updated_at"]
    assert changed == {**row, field: value, "updated_at": changed["updated_at"]}


def test_an_edit_of_nothing_changes_nothing(admin: APIClient, make: Make) -> None:
    """The values that are there already are no change."""
    row = make(labels={"a": "1"})

    assert data(patch(admin, name=row["name"], labels={"a": "1"}, description="")) == row


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"override": True}, "body"),
        ({"note": "x"}, "note"),
        ({"note": "x", "name": "y"}, "note"),
        ({"id": "other"}, "id"),
        ({"status": "archived"}, "status"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"description": 5}, "description"),
        ({"labels": {"a": 1}}, "labels.a"),
        ({"labels": None}, "labels"),
        ({"content": None}, "content"),
        ({"content": 5}, "content"),
        ({"content": ""}, "content"),
        ({"content": "[]"}, "content"),
        ({"content": "#" * 2_000_000}, "content"),
        ({"content": policy(), "override": "true"}, "override"),
        ({"content": policy(), "override": 1}, "override"),
        ({"content": policy(), "override": None}, "override"),
        ({"content": policy(), "note": 5}, "note"),
        ({"content": policy("Bot", id="another")}, "id"),
    ],
)
def test_an_edit_that_cannot_be_is_refused(
    admin: APIClient, make: Make, body: dict[str, object], field: str
) -> None:
    """Naming the field; nothing of it is done."""
    row = make()

    answer = patch(admin, **body)

    assert refusal(answer) == (400, [field])
    assert len(answer.content) < 1000
    assert data(admin.get(BOT)) == row


def test_an_unknown_configuration_cannot_be_edited(admin: APIClient) -> None:
    """404, and none is made."""
    for answer in (patch(admin, name="x"), patch(admin, content=policy()), admin.delete(BOT)):
        assert (answer.status_code, error(answer)["code"]) == (404, "not_found")


def test_a_content_from_git_is_not_edited_by_chance(admin: APIClient, from_git: FromGit) -> None:
    """409, saying where it is fed from and what to send to do it anyway."""
    from_git(policy("From git"))
    before = data(admin.get(BOT))

    answer = patch(admin, content=policy("Here"))

    assert (answer.status_code, error(answer)["code"]) == (409, "git_owned")
    assert "https://forge.example/p.git" in error(answer)["message"]
    assert '"override": true' in error(answer)["message"]
    assert data(admin.get(BOT)) == before


def test_an_override_makes_a_version_from_the_api(admin: APIClient, from_git: FromGit) -> None:
    """The version tells who did it; the configuration is still fed from git."""
    from_git(policy("From git"))

    row = data(patch(admin, content=policy("Here"), override=True, note="Now."))

    version = data(admin.get(f"{BOT}/versions/2"))
    assert (row["version"], row["source"]) == (2, "git")
    assert (version["source"], version["actor"], version["note"]) == ("api", "tests", "Now.")


def test_the_next_change_in_git_follows_an_override(admin: APIClient, from_git: FromGit) -> None:
    """It makes the next version, and both stay readable."""
    from_git(policy("From git"))
    patch(admin, content=policy("Here"), override=True)
    from_git(policy("Later"))

    sources = [row["source"] for row in data(admin.get(f"{BOT}/versions"))]
    assert sources == ["git", "api", "git"]


def test_what_git_does_not_say_needs_no_override(admin: APIClient, from_git: FromGit) -> None:
    """Labels, a description: they are not in the file."""
    from_git(policy("From git"))

    row = data(patch(admin, labels={"team": "a"}, description="Text"))

    assert (row["labels"], row["version"]) == ({"team": "a"}, 1)


def test_the_content_of_git_sent_again_needs_no_override(
    admin: APIClient, from_git: FromGit
) -> None:
    """It changes nothing."""
    from_git(policy("From git"))

    assert data(patch(admin, content=policy("From git")))["version"] == 1


def test_an_override_of_what_nobody_feeds_is_an_edit(admin: APIClient, make: Make) -> None:
    """A script need not know which of them git feeds."""
    make()

    assert data(patch(admin, content=policy("Two"), override=True))["source"] == "api"


def test_an_archived_configuration_leaves_the_list(admin: APIClient, make: Make) -> None:
    """It is out of force; its row, content and versions stay readable."""
    row = make()

    archived = data(admin.delete(BOT))

    assert archived == {**row, "status": "archived", "updated_at": archived["updated_at"]}
    assert data(admin.get("/v1/configurations")) == []
    assert data(admin.get(BOT)) == archived
    assert admin.get(f"{BOT}/content").content == policy("Bot").encode()
    assert len(data(admin.get(f"{BOT}/versions"))) == 1


def test_archiving_twice_changes_nothing(admin: APIClient, make: Make) -> None:
    """The second time is no error."""
    make()

    assert data(admin.delete(BOT)) == data(admin.delete(BOT))


def test_an_archived_id_stays_reserved(admin: APIClient, make: Make) -> None:
    """Whatever still names it never means another policy."""
    make()
    admin.delete(BOT)

    answer = admin.post("/v1/configurations", {"id": "bot", "content": policy()}, format="json")

    assert (answer.status_code, error(answer)["code"]) == (409, "id_taken")


def test_an_archived_configuration_is_not_edited(admin: APIClient, make: Make) -> None:
    """409, whichever field."""
    make()
    admin.delete(BOT)

    for body in ({"name": "x"}, {"content": policy("Two")}):
        answer = patch(admin, **body)
        assert (answer.status_code, error(answer)["code"]) == (409, "archived")


def test_a_file_that_returns_makes_the_next_version(
    admin: APIClient, make: Make, from_git: FromGit
) -> None:
    """And the configuration is in force again."""
    make()
    admin.delete(BOT)
    from_git(policy("Back"))

    row = data(admin.get(BOT))
    assert (row["status"], row["version"], row["source"]) == ("active", 2, "git")


def test_what_git_feeds_is_not_archived_by_chance(admin: APIClient, from_git: FromGit) -> None:
    """409 unless the query says `override=true`."""
    from_git(policy())

    answer = admin.delete(BOT)

    assert (answer.status_code, error(answer)["code"]) == (409, "git_owned")
    assert data(admin.get(BOT))["status"] == "active"
    assert data(admin.delete(f"{BOT}?override=true"))["status"] == "archived"


@pytest.mark.parametrize("value", ["", "1", "yes", "True", "%00", "true&override=true"])
def test_an_override_is_true_or_false(admin: APIClient, make: Make, value: str) -> None:
    """Nothing is archived on a word that might have meant it."""
    make()

    assert refusal(admin.delete(f"{BOT}?override={value}")) == (400, ["override"])
    assert data(admin.get(BOT))["status"] == "active"
