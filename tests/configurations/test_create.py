"""`POST /v1/configurations`."""

import hashlib
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.api import created, error, refusal
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

PATH = "/v1/configurations"


def post(admin: APIClient, **body: Any) -> Any:
    """Send a body as JSON."""
    return admin.post(PATH, body, format="json")


def test_a_configuration_is_made_with_its_first_version(admin: APIClient) -> None:
    """The answer is the row as it is found at `Location` and in the list."""
    content = policy("Support bot")
    answer = post(
        admin,
        id="support-bot",
        name="Support",
        description="What the support bot may say.",
        labels={"team": "support", "empty": ""},
        content=content,
        note="First.",
    )

    row = created(answer)
    assert answer["Location"] == "/v1/configurations/support-bot"
    assert admin.get(answer["Location"]).json()["data"] == row
    assert admin.get(PATH).json()["data"] == [row]
    assert {**row, "created_at": "", "updated_at": ""} == {
        "id": "support-bot",
        "name": "Support",
        "description": "What the support bot may say.",
        "labels": {"team": "support", "empty": ""},
        "status": "active",
        "source": "api",
        "version": 1,
        "content_hash": hashlib.sha256(content.encode()).hexdigest(),
        "git_repo": "",
        "overridden": False,
        "four_eyes": False,
        "broken_glass": False,
        "pin": None,
        "warning": None,
        "created_at": "",
        "updated_at": "",
    }


def test_a_content_is_enough(admin: APIClient) -> None:
    """Its name comes from the pack, the id is a slug of it, the rest is empty."""
    row = created(post(admin, content=policy("Müller's Support Bot, v2")))

    assert (row["id"], row["name"]) == ("muller-s-support-bot-v2", "Müller's Support Bot, v2")
    assert (row["description"], row["labels"]) == ("", {})


def test_an_id_in_the_content_is_the_id(admin: APIClient) -> None:
    """Before the name, and without asking for it twice."""
    assert created(post(admin, content=policy("Bot", id="its-own")))["id"] == "its-own"


def test_an_id_that_is_asked_for_goes_before_the_name(admin: APIClient) -> None:
    """The name stays the pack's."""
    row = created(post(admin, id="asked", content=policy("Bot")))

    assert (row["id"], row["name"]) == ("asked", "Bot")


def test_an_id_said_twice_may_be_the_same(admin: APIClient) -> None:
    """In the body and in the content."""
    assert created(post(admin, id="same", content=policy("Bot", id="same")))["id"] == "same"


def test_an_id_unlike_the_contents_is_refused(admin: APIClient) -> None:
    """The message names both."""
    answer = post(admin, id="asked", content=policy("Bot", id="its-own"))

    assert refusal(answer) == (400, ["id"])
    assert "'asked'" in error(answer)["message"]
    assert "'its-own'" in error(answer)["message"]


def test_a_name_that_gives_no_id_needs_one(admin: APIClient) -> None:
    """Nothing is made up."""
    content = policy("支援")

    assert refusal(post(admin, content=content)) == (400, ["id"])
    assert created(post(admin, content=content, id="support"))["name"] == "支援"


@pytest.mark.parametrize(
    "text", ["", "Upper", "-a", ".a", "_a", "a b", "a/b", "..", "a\n", "é", "a" * 201, "a\x00"]
)
def test_an_id_that_is_no_directorys_name_is_refused(admin: APIClient, text: str) -> None:
    """Scripts use it as one."""
    assert refusal(post(admin, id=text, content=policy())) == (400, ["id"])


@pytest.mark.parametrize("text", ["a", "0", "a.b_c-d", "a..b", "validate", "a" * 200])
def test_an_id_of_the_alphabet_is_taken(admin: APIClient, text: str) -> None:
    """And its paths lead to it."""
    created(post(admin, id=text, content=policy()))

    assert admin.get(f"{PATH}/{text}/content").status_code == 200


def test_a_taken_id_is_refused(admin: APIClient) -> None:
    """409, and what is there stays as it was."""
    row = created(post(admin, id="bot", content=policy("First")))

    answer = post(admin, id="bot", content=policy("Second"))

    assert (answer.status_code, error(answer)["code"]) == (409, "id_taken")
    assert admin.get(f"{PATH}/bot").json()["data"] == row


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("pack:\n\tx: 1\n", 2, 1),
        (policy().replace("safety-filter", "no-such-kind"), 7, 7),
        (policy() + "pack: {}\n", 8, 1),
        ("", None, None),
        (" \n", 1, 1),
        ("[1, 2]", 1, 1),
        ("a: &a [*a]", 1, 8),
        (policy('"a\\0b"'), 2, 9),
        ('pack: {name: "a\\ud800b"}', None, None),
        ("[" * 100_000, None, None),
        ("pack: \x00", 1, 7),
        ("pack: \ufffe", 1, 7),
        ("\ufeff\ufeff", None, None),
        ('"\\0\\x01\\e[31m": 1\npack: 2', 1, 1),
    ],
)
def test_a_content_with_errors_is_refused(
    admin: APIClient, content: str, line: int | None, column: int | None
) -> None:
    """Naming the field and, of each error, the place; the answer is plain text to a terminal."""
    answer = post(admin, id="bot", content=content)

    found = error(answer)
    assert answer.status_code == 400
    assert {detail["field"] for detail in found["details"]} == {"content"}
    if line is not None:
        assert found["code"] == "policy_invalid"
        assert (line, column) in [(d["line"], d["column"]) for d in found["details"]]
        assert f"line {found['details'][0]['line']}, column" in found["message"]
    assert found["message"].isprintable()
    assert error(admin.get(f"{PATH}/bot"))["code"] == "not_found"


def test_every_error_of_a_content_is_listed(admin: APIClient) -> None:
    """With code, severity, path, message and suggestion; warnings are not among them."""
    content = policy("Bot", enabled="false").replace("version: 1.0.0", "version: '1.0'") + "x: 1\n"

    details = error(post(admin, id="bot", content=content))["details"]

    keys = {"field", "code", "severity", "path", "message", "suggestion", "line", "column"}
    assert all(set(detail) == keys for detail in details)
    assert {detail["severity"] for detail in details} == {"error"}
    assert len(details) >= 2


def test_a_content_with_warnings_is_taken(admin: APIClient) -> None:
    """A pack that is switched off is a way to retire a policy."""
    content = policy("Bot").replace("enabled: true", "enabled: false")

    assert created(post(admin, content=content))["version"] == 1


def test_a_content_at_the_limit_is_taken(admin: APIClient) -> None:
    """One mebibyte of UTF-8, whatever its length in characters or as JSON."""
    content = policy()
    filler = "#" + "é" * ((1024 * 1024 - len(content) - 2) // 2) + "\n"
    content += filler + "#" * (1024 * 1024 - len((content + filler).encode()))
    assert len(content.encode()) == 1024 * 1024

    assert created(post(admin, content=content))["version"] == 1
    assert refusal(post(admin, id="b", content=content + "#")) == (400, ["content"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 5), ("id", None), ("id", True), ("id", []),
        ("name", 5), ("name", None), ("name", ""), ("name", "x" * 201), ("name", {}),
        ("description", 5), ("description", None), ("description", "x" * 2001),
        ("description", "\x00"),
        ("content", 5), ("content", None), ("content", True), ("content", ["x"]),
        ("note", 5), ("note", None), ("note", "x" * 1001), ("note", "a\x00"),
        ("labels", 5), ("labels", None), ("labels", "a"), ("labels", []), ("labels", [["a", "b"]]),
        ("labels", True),
        ("version", 2), ("content_hash", "x"), ("status", "active"), ("override", True),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_refused(admin: APIClient, field: str, value: object) -> None:
    """Naming it; nothing is made."""
    answer = post(admin, **{"id": "bot", "content": policy(), field: value})

    assert refusal(answer) == (400, [field])
    assert admin.get(PATH).json() == {"data": []}


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({"a": 5}, "labels.a"), ({"a": None}, "labels.a"), ({"a": {"b": "c"}}, "labels.a"),
        ({"a": ["b"]}, "labels.a"), ({"a": "x" * 201}, "labels.a"), ({"a": "\x00"}, "labels.a"),
        ({"code": 1, "message": "x"}, "labels.code"),
        ({"": "x"}, "labels"), ({"\x00": "x"}, "labels"), ({"a\nb": "x"}, "labels"),
        ({"x" * 101: "x"}, "labels"), ({"x" * 2_000_000: "x"}, "labels"),
        ({str(n): "x" for n in range(51)}, "labels"),
        ({str(n): 1 for n in range(50_000)}, "labels"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_are_refused(
    admin: APIClient, labels: dict[str, object], field: str
) -> None:
    """Naming the label, or all of them where its key is what is wrong."""
    answer = post(admin, id="bot", content=policy(), labels=labels)

    assert refusal(answer) == (400, [field])
    assert len(answer.content) < 1000


def test_fifty_labels_are_taken(admin: APIClient) -> None:
    """Keys of a hundred characters of any script, values of two hundred."""
    labels = {f"{number:02}" + "é" * 98: "ü" * 200 for number in range(50)}

    assert created(post(admin, id="bot", content=policy(), labels=labels))["labels"] == labels
