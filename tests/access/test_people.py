"""Who a token stands for: given by another admin, and never by the token itself."""

from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from access import people
from access.models import Token
from tests.support.api import created, refusal
from tests.support.eyes import ask, confirmed, decide, person, refused, strong, weak

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def patched(by: APIClient, token: Token, **fields: Any) -> Any:
    return by.patch(f"/v1/tokens/{token.pk}", fields, format="json")


def test_addresses_are_given_with_a_token(admin: APIClient) -> None:
    """In lower case, as commits are compared."""
    body = {"name": "ada", "role": "editor", "emails": ["Ada@Example.COM"], "signers": ["SHA256:x"]}

    row = created(admin.post("/v1/tokens", body, format="json"))

    assert (row["emails"], row["signers"]) == (["ada@example.com"], ["SHA256:x"])
    ada = people.of("token", row["id"])
    assert (ada.addresses, ada.keys) == ({"ada@example.com"}, {"SHA256:x"})
    assert people.of("trust", row["id"]).addresses == frozenset()


@pytest.mark.parametrize(
    "emails",
    [["ada"], ["ada@"], ["a b@x"], ["Ada <ada@x>"], [""], ["a@x\n"], ["x" * 250 + "@x.org"],
     [f"{n}@x" for n in range(21)], "ada@x", [7]],
)  # fmt: skip
def test_what_is_no_address_is_refused(admin: APIClient, emails: Any) -> None:
    """And too many are."""
    body = {"name": "ada", "emails": emails}

    assert refusal(admin.post("/v1/tokens", body, format="json"))[0] == 400


def test_nobody_says_who_they_are_themselves() -> None:
    """Neither by their token nor by one that it made, at any depth; another admin does."""
    root = person("root", role="admin", emails=[])
    token: Token = root.token  # type: ignore[attr-defined]
    made = person("made", role="admin", maker=token)
    again = person("again", role="admin", maker=made.token)  # type: ignore[attr-defined]
    other = person("other", role="admin")

    for by in (root, made, again):
        assert refusal(patched(by, token, emails=["new@x"])) == (400, ["emails"])
        assert refusal(patched(by, token, signers=["KEY"])) == (400, ["signers"])
        assert patched(by, token, emails=[], note="as it is").status_code == 200
    assert patched(other, token, emails=["new@x"]).json()["data"]["emails"] == ["new@x"]
    assert patched(root, made.token, emails=["m@x"]).status_code == 200  # type: ignore[attr-defined]


def test_a_person_has_the_marks_of_all_makers() -> None:
    """So that nobody mints a colleague."""
    root = person("root", role="admin", signers=["KEY"])
    made = person("made", role="admin", maker=root.token)  # type: ignore[attr-defined]
    again = person("again", maker=made.token)  # type: ignore[attr-defined]

    last = people.of("token", str(again.token.pk))  # type: ignore[attr-defined]

    assert last.makers == {str(made.token.pk), str(root.token.pk)}  # type: ignore[attr-defined]
    assert last.of_makers == {"root@keeptrusts.example", "made@keeptrusts.example", "KEY"}
    assert last.addresses == {"again@keeptrusts.example"}


def test_who_rotates_another_token_is_that_person_as_well() -> None:
    """The text is shown to who rotates it; that person stays known after every later rotation."""
    ada, bob, eve = (person(name, role="admin") for name in ("ada", "bob", "eve"))
    token: Token = bob.token  # type: ignore[attr-defined]
    for by in (eve, bob):
        answer = by.post(f"/v1/tokens/{token.pk}/rotate", {}, format="json")
        assert answer.status_code == 200
        text = answer.json()["data"]["token"]
        bob.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    mine = eve.post(f"/v1/tokens/{ada.token.pk}/rotate", {}, format="json")  # type: ignore[attr-defined]
    assert mine.status_code == 200

    found = people.of("token", str(token.pk))

    assert found.makers == {str(eve.token.pk)}  # type: ignore[attr-defined]
    assert found.of_makers == {"eve@keeptrusts.example"}
    created(eve.post("/v1/configurations", {"id": "bot", "content": strong(), "four_eyes": True},
                     format="json"))  # fmt: skip
    asked = ask(eve, "configuration.edit", "bot", {"content": weak()})
    assert refused(decide(bob, asked)) == (403, "made_by_asker")
    confirmed(person("cy"), asked)


def test_tokens_that_rotate_each_other_are_one_person() -> None:
    """Which ends."""
    ada, bob = person("ada", role="admin").token, person("bob", role="admin").token  # type: ignore[attr-defined]
    Token.objects.filter(pk=ada.pk).update(given_to=[str(bob.pk)])
    Token.objects.filter(pk=bob.pk).update(given_to=[str(ada.pk)])

    assert people.of("token", str(ada.pk)).makers == {str(bob.pk)}
    assert people.of("token", str(bob.pk)).makers == {str(ada.pk)}


def test_the_command_line_gives_addresses_too(capsys: pytest.CaptureFixture[str]) -> None:
    """For the first persons, whom no other admin can name."""
    call_command("create_token", "ada", "--email", "Ada@x.org", "--email", "ada@y.org")

    assert Token.objects.get(name="ada").emails == ["ada@x.org", "ada@y.org"]
