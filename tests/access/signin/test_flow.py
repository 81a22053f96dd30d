"""The way of a browser: to the provider, back, and in; and every other way, which ends outside."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from structlog.testing import capture_logs

from access.models import IssuerKeys, KnownPerson, Session
from access.signin import tickets
from events.models import AuditEntry
from tests.access.signin.conftest import (
    BACK,
    ORIGIN,
    Ruling,
    back,
    begun,
    configure,
    signed_in,
    stranger,
)
from tests.console.browser import Browser
from tests.support.issuer import CONFIGURATION, KEYS, OctKey, json_answer, made_key, signed
from tests.support.provider import CLIENT, Provider

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]


def refused(answer: Any, code: str, status: int = 401) -> str:
    """The page of a refusal, by which nobody is signed in."""
    page: str = answer.content.decode()
    assert (answer.status_code, f"<code>{code}</code>" in page) == (status, True), page
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert not Session.objects.exists()
    kept = {name for name, one in answer.cookies.items() if one.value}
    assert kept == set()
    return page


def test_somebody_whom_a_rule_knows_is_let_in(provider: Provider, ruling: Ruling) -> None:
    """Where they wanted to go, in the rule's role, by the name that the provider vouches for."""
    rule = ruling(role="editor")
    browser = stranger()

    answer = signed_in(browser, provider, next="/configurations?q=pay%2Bments")

    assert (answer.status_code, answer.headers["Location"]) == (
        303, "/configurations?q=pay%2Bments",
    )  # fmt: skip
    page = browser.shows("/configurations")
    assert f"ada@example.com via {provider.url}" in page and "editor" in page
    begins = AuditEntry.objects.filter(action="session.begun").get()
    assert (begins.actor_kind, begins.actor_name, begins.actor_id, begins.after) == (
        "person", f"ada@example.com via {provider.url}", str(KnownPerson.objects.get().pk),
        {"rule": rule["id"], "claims": {"groups": ["platform"]}},
    )  # fmt: skip


def test_what_the_provider_is_asked(provider: Provider, ruling: Ruling) -> None:
    """A code, for PKCE by S256, to come back to the configured address, whatever Host says."""
    away = Browser(Client(HTTP_HOST="evil.example"))

    asked = provider.asked_for(begun(away))

    assert {name: asked[name] for name in asked.keys() - {"state", "nonce", "code_challenge"}} == {
        "response_type": "code", "client_id": CLIENT, "scope": "openid email",
        "redirect_uri": f"{ORIGIN}{BACK}", "code_challenge_method": "S256",
    }  # fmt: skip
    assert len({len(asked[one]) for one in ("state", "nonce", "code_challenge")}) == 1
    again = provider.asked_for(begun(away))
    assert {asked["state"], asked["nonce"]}.isdisjoint({again["state"], again["nonce"]})


def test_the_sign_in_page_has_the_button_first(provider: Provider) -> None:
    """By a link, which no form-action holds up and which leads to the configured address."""
    page = stranger().shows("/sign-in", next="/audit?q=a&b")

    link = page.index(f'href="{ORIGIN}/sign-in/oidc?next=%2Faudit%3Fq%3Da%26b"')
    assert link < page.index('name="token"')
    assert "Sign in with the &lt;org&gt;" in page


def test_without_a_provider_there_is_no_button(db: None) -> None:
    """And both paths say so."""
    browser = stranger()

    assert "/sign-in/oidc" not in browser.shows("/sign-in")
    for path in ("/sign-in/oidc", BACK):
        refused(browser.get(path), "no_provider", 404)


@pytest.mark.parametrize("public_url", ["https://keeptrusts.example", ORIGIN])
def test_the_ticket_is_kept_by_this_browser_alone(
    public_url: str, provider: Provider, settings: Any
) -> None:
    """Sealed, for ten minutes, from no script, for no other host, and not sent by other sites."""
    configure(settings, provider.url, public_url)
    is_secure = public_url.startswith("https")

    answer = stranger().get("/sign-in/oidc")

    ((name, cookie),) = answer.cookies.items()
    assert name.startswith("__Host-keeptrusts-sign-in-" if is_secure else "keeptrusts-sign-in-")
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (is_secure or "", "/", "")
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 600)
    for secret in ("state", "nonce", "code_challenge"):
        value = parse_qs(urlsplit(answer.headers["Location"]).query)[secret][0]
        assert value not in cookie.value


def test_over_https_the_session_has_the_cookie_of_https(
    provider: Provider, ruling: Ruling, settings: Any
) -> None:
    """By the configured address: no header of a request steers it."""
    ruling()
    configure(settings, provider.url, "https://localhost")
    browser = stranger()

    url = provider.consent(begun(browser)).removeprefix("https://localhost")
    answer = browser.client.get(url)

    cookie = answer.cookies["__Host-keeptrusts"]
    assert (answer.status_code, cookie["secure"], cookie["httponly"]) == (303, True, True)


def test_a_session_of_before_is_ended(provider: Provider, ruling: Ruling) -> None:
    """Its cookie is another one, so whoever planted or copied one has nothing."""
    ruling()
    browser = stranger()
    browser.client.cookies["keeptrusts"] = "planted"
    signed_in(browser, provider)
    first = browser.client.cookies["keeptrusts"].value

    signed_in(browser, provider)

    assert len({"planted", first, browser.client.cookies["keeptrusts"].value}) == 3
    assert Session.objects.count() == 1


def test_signing_out_ends_the_session_here(provider: Provider, ruling: Ruling) -> None:
    """Whoever copied the cookie has nothing."""
    ruling()
    browser = stranger()
    signed_in(browser, provider)

    browser.post("/sign-out", {"form_token": browser.form_token()})

    assert not Session.objects.exists()
    assert AuditEntry.objects.latest("pk").actor_kind == "person"


@pytest.mark.parametrize(
    "next_path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/" * 1200,
     "javascript:alert(1)"],
)  # fmt: skip
def test_nobody_is_led_elsewhere(next_path: str, provider: Provider, ruling: Ruling) -> None:
    """Whatever the link to the provider says."""
    ruling()

    answer = signed_in(stranger(), provider, next=next_path)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_two_tabs_both_end_well(provider: Provider, ruling: Ruling) -> None:
    """In any order: each has a ticket of its own."""
    ruling()
    browser = stranger()
    first, second = begun(browser), begun(browser)

    for url in (second, first):
        assert back(browser, provider.consent(url)).status_code == 303


def test_who_begins_again_and_again_keeps_few_tickets(provider: Provider) -> None:
    """A browser that sends too many cookies is refused by servers."""
    browser = stranger()

    for _ in range(12):
        begun(browser)

    assert len([one for one in browser.client.cookies.values() if one.value]) <= 5


# Callbacks that are no answer to what the browser began.
Callback = Callable[[Browser, Provider], Any]


def _query(url: str, **changes: str | None) -> str:
    """A url with other parameters."""
    query = {name: one for name, (one,) in parse_qs(urlsplit(url).query).items()}
    query = {name: one for name, one in {**query, **changes}.items() if one is not None}
    return f"{url.partition('?')[0]}?{urlencode(query)}"


def changed(**changes: str | None) -> Callback:
    """A lawful callback, but for its parameters."""
    return lambda browser, provider: back(
        browser, _query(provider.consent(begun(browser)), **changes)
    )


def of_another_browser(browser: Browser, provider: Provider) -> Any:
    """The link of somebody who signed in as themselves, which another opens: login CSRF."""
    begun(browser)
    return back(browser, provider.consent(begun(stranger())))


def with_a_planted_state(browser: Browser, provider: Provider) -> Any:
    """The state of the attacker's own sign-in, under the name of the victim's ticket."""
    theirs = stranger()
    url = provider.consent(begun(theirs))
    own = provider.asked_for(begun(browser))["state"]
    name = f"keeptrusts-sign-in-{tickets.name_of(own)}"
    ticket = browser.client.cookies[name].value
    planted = f"keeptrusts-sign-in-{tickets.name_of(parse_qs(urlsplit(url).query)['state'][0])}"
    browser.client.cookies[planted] = ticket
    return back(browser, url)


def too_late(browser: Browser, provider: Provider) -> Any:
    """After ten minutes."""
    url = begun(browser)
    with pytest.MonkeyPatch.context() as patch:
        now = time.time()
        patch.setattr(tickets.time, "time", lambda: now + 601)
        return back(browser, provider.consent(url))


def state_twice(browser: Browser, provider: Provider) -> Any:
    """Which of two is read differs between programs."""
    return back(browser, f"{provider.consent(begun(browser))}&state=x")


@pytest.mark.parametrize(
    ("callback", "code"),
    [
        (lambda browser, _: browser.get(BACK), "sign_in_not_begun"),
        (changed(state="x"), "sign_in_not_begun"),
        (changed(state=None), "sign_in_not_begun"),
        (changed(state="\x00\ufffd"), "sign_in_not_begun"),
        (of_another_browser, "sign_in_not_begun"),
        (with_a_planted_state, "sign_in_not_begun"),
        (too_late, "sign_in_not_begun"),
        (state_twice, "sign_in_not_begun"),
        (changed(iss="https://other.example"), "wrong_issuer"),
        (changed(iss=""), "wrong_issuer"),
        (changed(code=None), "provider_refused"),
        (changed(code="x" * 5000), "provider_refused"),
        (changed(code="made-up"), "provider_refused"),
        (changed(error="server_error"), "provider_refused"),
    ],
)  # fmt: skip
def test_a_callback_that_is_no_answer(
    callback: Callback, code: str, provider: Provider, ruling: Ruling
) -> None:
    """Nobody is let in, and the log says why."""
    ruling()

    with capture_logs() as lines:
        refused(callback(stranger(), provider), code)

    assert [one["reason"] for one in lines if one["event"] == "sign-in refused"] == [code]


def test_who_cancels_at_the_provider_is_told_so(provider: Provider, ruling: Ruling) -> None:
    """And begins again with a link."""
    page = refused(changed(error="access_denied")(stranger(), provider), "sign_in_cancelled", 403)

    assert "You cancelled" in page and "/sign-in/oidc?next=" in page


def test_a_provider_that_names_itself_always_must(provider: Provider, ruling: Ruling) -> None:
    """RFC 9207: without `iss` an answer may be another provider's."""
    ruling()
    provider.settings["authorization_response_iss_parameter_supported"] = True

    refused(signed_in(stranger(), provider), "wrong_issuer")
    browser = stranger()
    assert back(browser, provider.consent(begun(browser), iss=provider.url)).status_code == 303


def test_a_callback_counts_once(provider: Provider, ruling: Ruling) -> None:
    """Neither with its ticket kept nor with a new code, and the provider is not asked again."""
    ruling()
    browser = stranger()
    url = begun(browser)
    kept = dict(browser.client.cookies)
    assert back(browser, provider.consent(url)).status_code == 303
    Session.objects.all().delete()

    for name, one in kept.items():
        browser.client.cookies[name] = one.value
    answer = back(browser, provider.consent(url))

    refused(answer, "sign_in_used")
    assert len(provider.posted) == 1


def test_a_code_that_was_taken_elsewhere(provider: Provider, ruling: Ruling) -> None:
    """A code of the attacker's sign-in, put into the victim's own callback: PKCE holds it."""
    ruling()
    theirs = provider.consent(begun(stranger()))
    stolen = parse_qs(urlsplit(theirs).query)["code"][0]

    refused(changed(code=stolen)(stranger(), provider), "provider_refused")


# ID tokens that are no answer.
SECRET_KEY: Any = OctKey.generate_key(256)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": None}, "id_token_refused"),
        ({"nonce": "x"}, "id_token_refused"),
        ({"nonce": 1}, "id_token_refused"),
        ({"nonce": "\udcff"}, "id_token_refused"),
        ({"aud": "another client"}, "id_token_refused"),
        ({"aud": [CLIENT, "another client"]}, "id_token_refused"),
        ({"aud": []}, "id_token_refused"),
        ({"aud": None}, "id_token_refused"),
        ({"azp": "another client"}, "id_token_refused"),
        ({"azp": ""}, "id_token_refused"),
        ({"iss": "https://other.example"}, "id_token_refused"),
        ({"iss": None}, "id_token_refused"),
        ({"sub": None}, "id_token_refused"),
        ({"sub": ""}, "id_token_refused"),
        ({"sub": ["a"]}, "id_token_refused"),
        ({"sub": "x" * 256}, "id_token_refused"),
        ({"sub": "a\x00b"}, "id_token_refused"),
        ({"sub": "\ud800"}, "id_token_refused"),
        ({"exp": None}, "id_token_refused"),
        ({"exp": "soon"}, "id_token_refused"),
        ({"iat": None}, "id_token_refused"),
        ({"exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200}, "clocks_differ"),
        ({"iat": int(time.time()) - 900}, "clocks_differ"),
        ({"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200}, "clocks_differ"),
        ({"nbf": int(time.time()) + 3600}, "clocks_differ"),
    ],
)  # fmt: skip
def test_an_id_token_that_is_no_answer(
    changes: dict[str, Any], code: str, provider: Provider, ruling: Ruling
) -> None:
    """Each claim is that of this sign-in, or nobody is let in."""
    ruling()
    provider.changes = changes

    page = refused(signed_in(stranger(), provider), code)

    assert "248289761001" not in page


def by(algorithm: str, key: Any, kid: str = "one", **header: Any) -> Callable[[Any], str]:
    """A text of claims by another key."""
    return lambda claims: signed({"alg": algorithm, "kid": kid, **header}, claims, key)


FORGED: Any = made_key("EC")


@pytest.mark.parametrize(
    "forge",
    [
        by("none", FORGED),
        by("HS256", SECRET_KEY),
        by("ES256", FORGED),
        by("ES256", FORGED, kid="other"),
        by("ES256", FORGED, jwk=FORGED.as_dict(private=False)),
        by("ES256", FORGED, jku="https://evil.example/keys"),
        lambda _: "x.y",
        lambda _: "",
        lambda _: "a" * 100_000,
    ],
)
def test_a_forged_id_token(
    forge: Callable[[Any], str],
    provider: Provider,
    ruling: Ruling,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody but the issuer's published keys speaks of people."""
    ruling()
    monkeypatch.setattr(provider, "token", lambda claims, **_: forge(claims))

    answer = signed_in(stranger(), provider)

    # What is too large for an answer at all is an answer that did not come.
    is_large = answer.status_code == 503
    refused(answer, "provider_away" if is_large else "id_token_refused", answer.status_code)


def test_a_key_that_was_replaced_is_found(provider: Provider, ruling: Ruling) -> None:
    """Where the issuer was not asked within a minute; and the one before is good no more."""
    ruling()
    assert signed_in(stranger(), provider).status_code == 303
    Session.objects.all().delete()
    before = dict(provider.keys)
    provider.rotate("two")

    refused(signed_in(stranger(), provider), "id_token_refused")
    _a_minute_later()
    assert signed_in(stranger(), provider).status_code == 303

    Session.objects.all().delete()
    provider.keys = before
    refused(signed_in(stranger(), provider), "id_token_refused")


def _a_minute_later() -> None:
    row = IssuerKeys.objects.get()
    assert row.asked_at is not None
    row.asked_at -= timedelta(seconds=61)
    row.save()


def _slow() -> Any:
    time.sleep(6)
    return 200, b"{}", {}


METADATA = {"Location": "http://169.254.169.254/latest/meta-data/"}
TROUBLES = {
    "huge": lambda: (200, b" " * 70_000, {}),
    "redirected": lambda: (302, b"", METADATA),
    "failing": lambda: (500, b"{}", {}),
    "no JSON": lambda: (200, b"<html>", {}),
    "a list": lambda: (200, b"[]", {}),
    "slow": _slow,
}


@pytest.mark.parametrize("where", [CONFIGURATION, KEYS, "token"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_provider_that_does_not_answer_as_it_should(
    where: str, trouble: str, provider: Provider, ruling: Ruling
) -> None:
    """Within seconds, few bytes and no redirect, wherever it is asked."""
    ruling()
    if where == "token":
        provider.stand_in = TROUBLES[trouble]
    else:
        provider.stand_ins[where] = TROUBLES[trouble]
    browser = stranger()
    began = time.monotonic()

    answer = browser.get("/sign-in/oidc")
    if where != CONFIGURATION:
        answer = back(browser, provider.consent(answer.headers["Location"]))

    assert time.monotonic() - began < 5.5
    refused(answer, "provider_away", 503)


@pytest.mark.parametrize(
    "settings_of",
    [
        {"issuer": "https://other.example"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://x.example/a\r\nSet-Cookie: a=b"},
        {"authorization_endpoint": "https://x.example/a#b"},
        {"authorization_endpoint": ["https://x.example"]},
        {"token_endpoint": "http://169.254.169.254/token"},
        {"token_endpoint": None},
    ],
)
def test_a_configuration_that_leads_astray(settings_of: dict[str, Any], provider: Provider) -> None:
    """No browser is sent there, and nothing is asked there."""
    provider.settings = settings_of

    refused(stranger().get("/sign-in/oidc"), "provider_away", 503)


def test_a_private_address_is_not_called(provider: Provider, ruling: Ruling) -> None:
    """An https endpoint of elsewhere is taken as it is, and its address is checked when called."""
    ruling()
    provider.settings = {"token_endpoint": "https://169.254.169.254/token"}

    refused(signed_in(stranger(), provider), "provider_away", 503)


def test_many_who_begin_ask_the_provider_once(provider: Provider) -> None:
    """In ten minutes; while it fails, in five seconds."""
    for _ in range(5):
        begun(stranger())
    assert provider.asked == [CONFIGURATION]


def test_while_it_fails_it_rests(provider: Provider) -> None:
    """Strangers do not have it called again and again."""
    provider.stand_ins[CONFIGURATION] = TROUBLES["failing"]

    for _ in range(5):
        refused(stranger().get("/sign-in/oidc"), "provider_away", 503)

    assert provider.asked == [CONFIGURATION]


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post"]])
def test_the_client_proves_itself_as_the_provider_wants(
    methods: list[str] | None, provider: Provider, ruling: Ruling
) -> None:
    """In a header where nothing is said; the provider of tests takes either."""
    ruling()
    provider.settings["token_endpoint_auth_methods_supported"] = methods

    assert signed_in(stranger(), provider).status_code == 303

    assert ("client_secret" in provider.posted[0]) == (methods == ["client_secret_post"])


def test_a_path_with_a_slash_at_its_end_is_called_so(ruling: Ruling, settings: Any) -> None:
    """Some providers answer without it by a redirect."""
    with Provider(path="/o/app") as authentik:
        configure(settings, authentik.url)
        authentik.settings = {
            "token_endpoint": f"{authentik.url}/token/", "jwks_uri": f"{authentik.url}/keys/",
        }  # fmt: skip
        ruling(issuer=authentik.url)
        authentik.stand_ins["/keys/"] = lambda: json_answer(authentik.key_set())

        answer = signed_in(stranger(), authentik)

    assert (answer.status_code, authentik.asked[-1]) == (303, "/keys/")
    assert [form["path"] for form in authentik.posted] == ["/o/app/token/"]
