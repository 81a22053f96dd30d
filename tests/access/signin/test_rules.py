"""Whom the rules let in, as what, and for how long: pure, and by the API and the pages."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from access import tokens
from access.models import KnownPerson, Session, SignInRule, Token
from access.signin import rules
from events.models import AuditEntry
from tests.access.signin.conftest import (
    RULES,
    Ruling,
    signed_in,
    stranger,
)
from tests.console.browser import Browser
from tests.support.api import created, error, refusal
from tests.support.provider import Provider
from tests.support.repo import policy

pytestmark = [pytest.mark.smoke]

BODY = {
    "name": "r", "issuer": "https://login.example/realms/org", "claims": {"groups": ["a"]},
}  # fmt: skip
EARLIER = datetime(2999, 1, 31, tzinfo=UTC)
LONG = [f"g{number}" for number in range(1000)]


@dataclasses.dataclass
class Rule:
    """What of a rule is pure."""

    claims: dict[str, list[str]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", {"a"}), (["a", "b"], {"a", "b"}), ([], set()), (None, set()), (True, set()),
        (1, set()), ({"a": 1}, set()), (["a", 1, None, ["b"]], {"a"}), (LONG, set(LONG)),
    ],
)  # fmt: skip
def test_the_texts_of_a_claim(value: Any, expected: set[str]) -> None:
    """A text, or those of a list; of any other form it has none."""
    assert rules.texts({"groups": value}, "groups") == expected


@pytest.mark.parametrize("verified", [None, False, "true", 1, True])
def test_an_address_counts_where_it_is_verified(verified: Any) -> None:
    """By `true` alone, in lower case."""
    claims = {"email": "Ada@Example.com", "email_verified": verified}

    assert rules.texts(claims, "email") == ({"ada@example.com"} if verified is True else set())


_names = st.sampled_from(["groups", "roles", "sub"])
_texts = st.sampled_from(["a", "b", "c", "A", ""])
_rules = st.dictionaries(_names, st.lists(_texts, min_size=1, max_size=3), max_size=3).map(Rule)
_claims = st.dictionaries(_names, st.lists(_texts, max_size=4) | _texts | st.none())


@given(st.lists(_rules, max_size=3), _claims)
def test_what_is_kept_of_claims_says_the_same_of_the_rules(
    found: list[Rule], claims: dict[str, Any]
) -> None:
    """And nothing that no rule names; who has no claim meets none."""
    kept = rules.known(claims, found)

    for rule in found:
        every = {name: rules.texts(claims, name) for name in claims}
        assert rules.is_met(rule, kept) == rules.is_met(rule, every)
        assert not rules.is_met(rule, {})
    named = {
        (name, text) for rule in found for name, texts in rule.claims.items() for text in texts
    }
    assert {(name, text) for name, texts in kept.items() for text in texts} <= named


@given(_rules, _claims, _names, _texts)
def test_a_rule_that_wants_one_more_claim_lets_in_nobody_more(
    rule: Rule, claims: dict[str, Any], name: str, text: str
) -> None:
    """Each claim is wanted."""
    every = {one: rules.texts(claims, one) for one in claims}
    narrower = Rule({**rule.claims, f"{name}2": [text]})

    assert not rules.is_met(narrower, every) or rules.is_met(rule, every)


@pytest.mark.django_db
def test_a_rule_is_shown_as_it_was_made(admin: APIClient) -> None:
    """With what was left out."""
    answer = admin.post(RULES, BODY, format="json")
    row = created(answer)

    assert answer["Location"] == f"{RULES}/{row['id']}"
    shown = {**BODY, "position": 100, "role": "viewer", "networks": [], "sight": None,
             "enabled": True, "expires_at": None}  # fmt: skip
    assert {name: row[name] for name in shown} == shown
    assert row["made_by"] == str(Token.objects.get(name="tests").pk)
    assert admin.get(RULES).json()["data"] == [row]
    assert admin.get(f"{RULES}/{row['id']}").json()["data"] == row


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", None), ("name", "a\nb"), ("issuer", None),
        ("issuer", "http://login.example"), ("issuer", "https://a.example/?b"), ("claims", None),
        ("claims", {}), ("claims", []), ("claims", {"groups": []}), ("claims", {"groups": "a"}),
        ("claims", {"groups": [1]}), ("claims", {"groups": [""]}), ("claims", {"": ["a"]}),
        ("claims", {"groups": ["a"] * 51}), ("claims", {f"c{n}": ["a"] for n in range(6)}),
        ("claims", {"aud": ["a"]}), ("claims", {"iss": ["a"]}), ("claims", {"name": ["Ada"]}),
        ("claims", {"preferred_username": ["ada"]}), ("claims", {"upn": ["ada@example.com"]}),
        ("claims", {"groups": ["a"], "email_verified": ["true"]}), ("position", 0),
        ("position", "1"), ("role", "root"), ("role", None), ("enabled", "yes"),
        ("networks", ["x"]), ("sight", {}), ("expires_at", "2001-01-01T00:00:00Z"), ("other", 1),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_used(admin: APIClient, field: str, value: Any) -> None:
    """Neither when a rule is made nor when it is changed."""
    row = created(admin.post(RULES, BODY, format="json"))
    before = SignInRule.objects.values().get()

    for answer in (
        admin.post(RULES, {**BODY, field: value}, format="json"),
        admin.patch(f"{RULES}/{row['id']}", {field: value}, format="json"),
    ):
        assert refusal(answer)[0] == 400
        assert refusal(answer)[1][0].split(".")[0] == field
    assert SignInRule.objects.values().get() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("bounds", "fields", "named"),
    [
        ({"networks": ["10.0.0.0/8"]}, {"networks": []}, "networks"),
        ({"networks": ["10.0.0.0/8"]}, {"networks": ["11.0.0.1"]}, "networks"),
        ({"expires_at": EARLIER}, {"expires_at": "2999-06-30T12:00:00Z"}, "expires_at"),
    ],
)  # fmt: skip
def test_no_rule_gives_more_than_its_maker_has(
    bounds: dict[str, Any], fields: dict[str, Any], named: str
) -> None:
    """When it is made, and when it is changed."""
    _, text = tokens.create("bounded", **bounds)
    client = APIClient(REMOTE_ADDR="10.0.0.1")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    fits = {"networks": bounds.get("networks", [])}

    assert refusal(client.post(RULES, {**BODY, **fits, **fields}, format="json"))[1] == [named]
    row = created(client.post(RULES, {**BODY, **fits}, format="json"))
    assert refusal(client.patch(f"{RULES}/{row['id']}", fields, format="json"))[1] == [named]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["metrics", "ci", "viewer", "auditor", "editor"])
def test_admins_alone_make_rules(role: str, admin: APIClient) -> None:
    """Whoever may grant roles."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create('x', role=role)[1]}")

    assert error(client.post(RULES, BODY, format="json"))["code"] == "permission_denied"
    assert client.get(RULES).status_code == 403


@pytest.mark.django_db
def test_revoking_a_line_deletes_its_rules(admin: APIClient) -> None:
    """With what else was made by it; without it they stay."""
    child = created(admin.post("/v1/tokens", {"name": "c", "role": "admin"}, format="json"))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {child['token']}")
    created(client.post(RULES, BODY, format="json"))
    created(admin.post(RULES, {**BODY, "name": "own"}, format="json"))

    admin.delete(f"/v1/tokens/{child['id']}")
    assert SignInRule.objects.count() == 2
    admin.delete(f"/v1/tokens/{child['id']}?descendants=true")

    assert [one.name for one in SignInRule.objects.all()] == ["own"]


def role_of(browser: Browser) -> str:
    """The role in which a browser is signed in; empty for none."""
    answer = browser.get("/configurations")
    if answer.status_code == 303:
        return ""
    page: str = answer.content.decode()
    return page.partition('title="Role: ')[2].partition('"')[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("found", "role"),
    [
        ([{"role": "viewer"}, {"role": "editor"}], "viewer"),
        ([{"role": "viewer"}, {"role": "editor", "position": 99}], "editor"),
        ([{"role": "editor", "claims": {"groups": ["nobodys"]}}, {"role": "viewer"}], "viewer"),
        ([{"role": "editor", "enabled": False}, {"role": "viewer"}], "viewer"),
        ([{"role": "editor", "networks": ["10.0.0.0/8"]}, {"role": "auditor"}], "auditor"),
        ([{"role": "editor", "issuer": "https://other.example"}, {"role": "auditor"}], "auditor"),
        ([{"role": "admin", "claims": {"sub": ["248289761001"]}}], "admin"),
        ([{"claims": {"email": ["ADA@example.com"], "groups": ["x", "all"]}}], "viewer"),
    ],
)  # fmt: skip
def test_the_first_rule_that_is_met_counts(
    found: list[dict[str, Any]], role: str, provider: Provider, ruling: Ruling
) -> None:
    """By position, then by age: no union of what several give."""
    for fields in found:
        ruling(**fields)
    browser = stranger()

    assert signed_in(browser, provider).status_code == 303

    assert role_of(browser) == role


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("person", "claims"),
    [
        ({"groups": None}, {"groups": ["platform"]}),
        ({"groups": "platforms"}, {"groups": ["platform"]}),
        ({"groups": ["Platform"]}, {"groups": ["platform"]}),
        ({"groups": {"platform": True}}, {"groups": ["platform"]}),
        ({"groups": [["platform"]]}, {"groups": ["platform"]}),
        ({"email_verified": False}, {"email": ["ada@example.com"]}),
        ({"email_verified": "true"}, {"email": ["ada@example.com"]}),
        ({}, {"groups": ["platform"], "hd": ["example.com"]}),
        ({"groups": LONG}, {"groups": ["platform"]}),
    ],
)  # fmt: skip
def test_whom_no_rule_knows_is_told_whom_to_ask(
    person: dict[str, Any], claims: Any, provider: Provider, ruling: Ruling
) -> None:
    """With what the provider says of them, and not a word of what rules want."""
    ruling(claims=claims, name="the secret rule")
    provider.person |= person
    browser = stranger()

    answer = signed_in(browser, provider)

    page = answer.content.decode()
    assert (answer.status_code, "<code>no_rule</code>" in page) == (401, True)
    assert "Ask an admin" in page and "248289761001" in page
    assert "the secret rule" not in page and len(page.partition("</style>")[2]) < 12_000
    assert not Session.objects.exists() and not KnownPerson.objects.exists()
    row = AuditEntry.objects.get(action="session.refused")
    assert (row.actor_kind, row.target) == ("person", "248289761001")


@pytest.mark.django_db
def test_ten_thousand_groups_are_too_many(provider: Provider, ruling: Ruling) -> None:
    """An answer has its bounds, and nobody is let in by half of it."""
    ruling()
    provider.person["groups"] = ["platform", *(f"g{number}" for number in range(10_000))]

    answer = signed_in(stranger(), provider)

    assert answer.status_code in (401, 503)
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_two_hundred_groups_are_read(provider: Provider, ruling: Ruling) -> None:
    """By ids of 36 characters, as large directories send them; what no rule names is not kept."""
    ruling()
    many = [f"{number:036}" for number in range(200)]
    provider.person["groups"] = [*many, "platform"]

    assert signed_in(stranger(), provider).status_code == 303

    assert Session.objects.get().claims == {"groups": ["platform"]}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "role"),
    [
        (None, ""),
        ({"enabled": False}, ""),
        ({"claims": {"groups": ["others"]}}, ""),
        ({"claims": {"groups": ["platform"], "hd": ["example.com"]}}, ""),
        ({"networks": ["10.0.0.0/8"]}, ""),
        ({"issuer": "https://other.example"}, ""),
        ({"role": "viewer"}, "viewer"),
        ({"role": "auditor"}, "auditor"),
        ({"claims": {"groups": ["others", "platform"]}}, "editor"),
        ({"name": "called otherwise"}, "editor"),
    ],
)
def test_a_rule_that_changes_changes_its_sessions_at_once(
    change: Any, role: str, provider: Provider, ruling: Ruling, admin: APIClient
) -> None:
    """Removed, it ends them; narrowed, it narrows them: with the next request."""
    rule = ruling(role="editor")
    browser = stranger()
    signed_in(browser, provider)
    assert role_of(browser) == "editor"

    path = f"{RULES}/{rule['id']}"
    answer = admin.patch(path, change, format="json") if change else admin.delete(path)

    assert answer.status_code in (200, 204)
    assert role_of(browser) == role


@pytest.mark.django_db
def test_a_narrowed_rule_hides_what_it_does_not_name(
    provider: Provider, ruling: Ruling, admin: APIClient
) -> None:
    """As a narrowed token does."""
    for name in ("chat", "other"):
        body = {"id": name, "content": policy(name)}
        assert admin.post("/v1/configurations", body, format="json").status_code == 201
    rule = ruling(sight={"ids": ["chat"]})
    browser = stranger()
    signed_in(browser, provider)

    page = browser.shows("/configurations")
    assert "/configurations/chat" in page and "/configurations/other" not in page
    admin.patch(f"{RULES}/{rule['id']}", {"sight": {"ids": ["other"]}}, format="json")
    assert "/configurations/chat" not in browser.shows("/configurations")


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["provider taken away", "another provider", "over"])
def test_a_session_ends_with_what_it_began_with(
    way: str, provider: Provider, ruling: Ruling, settings: Any
) -> None:
    """Its provider, and its twelve hours."""
    ruling()
    browser = stranger()
    signed_in(browser, provider)
    by = settings.ENV.provider
    match way:
        case "provider taken away":
            settings.ENV = dataclasses.replace(settings.ENV, provider=None)
        case "another provider":
            other = dataclasses.replace(by, issuer="https://other.example")
            settings.ENV = dataclasses.replace(settings.ENV, provider=other)
        case "over":
            row = Session.objects.get()
            Session.objects.update(expires_at=row.created_at)

    assert role_of(browser) == ""


@pytest.mark.django_db
def test_somebody_is_known_by_sub_and_never_by_address(provider: Provider, ruling: Ruling) -> None:
    """Who gets another's address later is another person; who gets a new one is the same."""
    ruling()
    signed_in(stranger(), provider)
    provider.person |= {"email": "countess@example.com"}
    signed_in(stranger(), provider)
    provider.person |= {"sub": "another", "email": "ada@example.com"}
    signed_in(stranger(), provider)

    known = KnownPerson.objects.order_by("first_at").values_list("subject", "email")
    assert list(known) == [
        ("248289761001", "countess@example.com"), ("another", "ada@example.com"),
    ]  # fmt: skip


@pytest.mark.django_db
def test_what_is_not_vouched_for_is_said_to_be_so(provider: Provider, ruling: Ruling) -> None:
    """A name that somebody may have chosen stands beside the one that nobody chooses."""
    ruling()
    provider.person |= {"email_verified": False, "preferred_username": "admin\n\u202e"}
    signed_in(stranger(), provider)

    name = AuditEntry.objects.get(action="session.begun").actor_name
    assert name == f"248289761001 (says admin\\n\\u202e) via {provider.url}"


@pytest.mark.django_db
def test_who_has_no_token_makes_no_credential(
    provider: Provider, ruling: Ruling, admin: APIClient
) -> None:
    """Not even an admin: what is made lasts longer than a session. To end them is another thing."""
    ruling(role="admin")
    browser = stranger()
    signed_in(browser, provider)
    victim, _ = tokens.create("victim", role="viewer")
    page = browser.shows("/access")
    assert 'value="create"' not in page and 'value="rotate"' not in page
    fields = {"form_token": browser.form_token()}

    for act in ({"act": "create", "name": "x", "role": "admin"},
                {"act": "rotate", "token_id": str(victim.pk), "overlap_seconds": "0"},
                {"act": "create_rule", "name": "x", "claim": "sub", "values": "x",
                 "issuer": provider.url, "role": "admin"}):  # fmt: skip
        answer = browser.post("/access", {**fields, **act})
        assert (answer.status_code, "token_needed" in answer.content.decode()) == (403, True)
    revoked = browser.post("/access", {**fields, "act": "revoke", "token_id": str(victim.pk)})

    assert revoked.status_code == 303
    assert SignInRule.objects.count() == 1 and not Token.objects.filter(name="x").exists()
    entry = AuditEntry.objects.get(action="token.revoked")
    assert (entry.actor_kind, entry.actor_id) == ("person", str(KnownPerson.objects.get().pk))


@pytest.mark.django_db
def test_rules_are_made_and_removed_on_the_page(
    admin: APIClient, provider: Provider, browser: Browser
) -> None:
    """By whoever signed in with an admin's token."""
    answer = browser.send(
        "/access", "create_rule", name="the <team>", claim="groups", values="platform, all",
        role="editor",
    )  # fmt: skip
    assert answer.status_code == 303, answer.content
    (row,) = admin.get(RULES).json()["data"]
    assert (row["claims"], row["issuer"], row["role"]) == (
        {"groups": ["platform", "all"]}, provider.url, "editor",
    )  # fmt: skip
    page = browser.shows("/access")
    assert "the &lt;team&gt;" in page

    answer = browser.send("/access", "delete_rule")

    assert answer.status_code == 303
    assert admin.get(RULES).json()["data"] == []


@pytest.fixture
def browser(db: None) -> Browser:
    """A browser of an admin with a token."""
    found = Browser(Client(HTTP_HOST="localhost"))
    found.sign_in(tokens.create("admin of tests", role="admin")[1])
    return found


def test_a_name_is_taken_once(admin: APIClient, ruling: Ruling) -> None:
    """By it `kt apply` knows a rule; who keeps it may be edited, and a free one taken."""
    first, second = ruling(name="a"), ruling(name="b")
    fields = {"name": "a", "issuer": first["issuer"], "claims": first["claims"]}
    again = admin.post(RULES, fields, format="json")
    renamed = admin.patch(f"{RULES}/{second['id']}", {"name": "a"}, format="json")
    kept = admin.patch(f"{RULES}/{first['id']}", {"name": "a", "enabled": False}, format="json")
    admin.delete(f"{RULES}/{first['id']}")

    assert [(one.status_code, error(one)["code"]) for one in (again, renamed)] == [
        (409, "name_taken")
    ] * 2
    assert kept.status_code == 200
    assert ruling(name="a")["name"] == "a"
