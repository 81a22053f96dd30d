"""The content of configurations and of their versions: exact bytes, and their ETag."""

import hashlib

import pytest
from rest_framework.test import APIClient

from tests.configurations.conftest import Make
from tests.support.api import error
from tests.support.repo import policy

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

BOT = "/v1/configurations/bot"
CONTENTS = {
    "plain": policy(),
    "CRLF": policy().replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + policy(),
    "no final newline": policy().rstrip("\n"),
    "blank at both ends": "\n\n  \n" + policy() + " \n\n",
    "other scripts": policy("支援 Müller 🤖"),
    "decomposed": policy("Mu\u0308ller"),
    "no-break space": policy() + "#\u00a0\n",
    "tab in a comment": policy() + "#\tx\n",
}


@pytest.fixture(params=CONTENTS)
def content(request: pytest.FixtureRequest) -> str:
    """Text whose bytes are easily changed on the way."""
    return CONTENTS[request.param]


def test_a_content_comes_back_byte_for_byte(admin: APIClient, make: Make, content: str) -> None:
    """What was sent, its hash in the row and in the ETag, and a type that says UTF-8's YAML."""
    row = make(content=content)

    answer = admin.get(f"{BOT}/content")

    assert answer.content == content.encode()
    assert row["content_hash"] == hashlib.sha256(answer.content).hexdigest()
    assert answer["ETag"] == f'"{row["content_hash"]}"'
    assert answer["Content-Type"] == "application/yaml"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_versions_content_stays_as_it_was(admin: APIClient, make: Make, content: str) -> None:
    """Whatever came after it."""
    make(content=content)
    admin.patch(BOT, {"content": policy("Two")}, format="json")

    answer = admin.get(f"{BOT}/versions/1/content")

    assert answer.content == content.encode()
    assert answer["ETag"] == f'"{hashlib.sha256(content.encode()).hexdigest()}"'


def test_contents_that_look_alike_are_told_apart(admin: APIClient, make: Make) -> None:
    """A changed line ending is a change."""
    make(content=CONTENTS["plain"])

    answer = admin.patch(BOT, {"content": CONTENTS["CRLF"]}, format="json")

    assert answer.json()["data"]["version"] == 2


def etags(tag: str) -> list[str]:
    """Values of `If-None-Match` that say that the caller has the body of `tag`."""
    return [tag, f"W/{tag}", f'"a", {tag}', f'{tag},"b"', f'W/"a" , W/{tag}', "*", " * ", f" {tag}"]


@pytest.mark.parametrize("path", ["/content", "/versions/1/content"])
def test_a_content_that_is_known_is_not_sent(admin: APIClient, make: Make, path: str) -> None:
    """304 without a body, with the ETag, for each form that RFC 9110 has."""
    make()
    tag = admin.get(BOT + path)["ETag"]

    for value in etags(tag):
        answer = admin.get(BOT + path, headers={"If-None-Match": value})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Content-Type" not in answer


@pytest.mark.parametrize(
    "value", ["", '"other"', "other", "{tag}x", "{bare}", '"{bare}', "**", "w/{tag}", '"*"']
)
def test_another_etag_brings_the_content(admin: APIClient, make: Make, value: str) -> None:
    """So does a header that is none."""
    bare = make()["content_hash"]
    header = value.format(tag=f'"{bare}"', bare=bare)

    answer = admin.get(f"{BOT}/content", headers={"If-None-Match": header})

    assert (answer.status_code, answer.content) == (200, policy("Bot").encode())


def test_a_changed_content_is_sent(admin: APIClient, make: Make) -> None:
    """The ETag of the version before brings the new one."""
    make()
    tag = admin.get(f"{BOT}/content")["ETag"]
    admin.patch(BOT, {"content": policy("Two")}, format="json")

    answer = admin.get(f"{BOT}/content", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (200, policy("Two").encode())


def test_a_content_that_is_not_there_is_known_to_nobody(admin: APIClient) -> None:
    """404, with `*` too."""
    answer = admin.get(f"{BOT}/content", headers={"If-None-Match": "*"})

    assert (answer.status_code, error(answer)["code"]) == (404, "not_found")


def test_the_versions_are_listed_newest_first(admin: APIClient, make: Make) -> None:
    """Each with where it came from, none with its content."""
    make(note="One.")
    admin.patch(BOT, {"content": policy("Two"), "note": "Two."}, format="json")

    rows = admin.get(f"{BOT}/versions").json()["data"]

    assert [(row["number"], row["note"]) for row in rows] == [(2, "Two."), (1, "One.")]
    assert rows[1] == admin.get(f"{BOT}/versions/1").json()["data"]
    assert set(rows[0]) == {
        "number", "content_hash", "source", "repo_url", "ref", "commit", "path", "author",
        "message", "signer", "signer_key", "actor", "note", "trace_id", "created_at",
    }  # fmt: skip


def test_the_versions_of_an_unknown_configuration_are_not_found(admin: APIClient) -> None:
    """404, not an empty list."""
    assert error(admin.get(f"{BOT}/versions"))["code"] == "not_found"
