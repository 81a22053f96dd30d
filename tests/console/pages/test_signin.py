"""Signing in and out: whose browser gets a cookie, which one, and for how long it is good."""

from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from access import sessions, tokens
from access.models import Session
from events.models import AuditEntry
from tests.console.browser import Browser

HTTPS = {"Origin": "https://localhost"}


@pytest.fixture
def anybody(db: None) -> Browser:
    """A browser without a session."""
    return Browser(Client(HTTP_HOST="localhost"))


def _cookies(answer: object) -> SimpleCookie:
    found: SimpleCookie = answer.cookies  # type: ignore[attr-defined]
    return found


def test_a_token_begins_a_session(anybody: Browser) -> None:
    """What the browser keeps is not the token, and no script reads it."""
    _, text = tokens.create("somebody")

    answer = anybody.sign_in(text)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = _cookies(answer)["keeptrusts"]
    assert text not in cookie.value
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert anybody.get("/").status_code == 200
    stored = Session.objects.get()
    assert cookie.value not in str(vars(stored)) and text not in str(vars(stored))


def test_over_https_no_other_host_sets_the_cookie(anybody: Browser) -> None:
    """Its prefix demands `Secure`, the whole host and no domain."""
    _, text = tokens.create("somebody")

    cookie = _cookies(anybody.sign_in(text, **HTTPS))["__Host-keeptrusts"]

    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


@pytest.mark.parametrize("host", ["keeptrusts.example", "10.0.0.7:8700", "127.0.0.1.example"])
def test_over_http_nobody_signs_in_from_afar(db: None, host: str) -> None:
    """The page says so, and the token is not even looked at."""
    away = Browser(Client(HTTP_HOST=host))
    _, text = tokens.create("somebody")

    assert "Sign in over https" in away.get("/sign-in").content.decode()
    answer = away.client.post("/sign-in", {"token": text}, headers={"Origin": f"http://{host}"})

    assert (answer.status_code, len(answer.cookies)) == (403, 0)
    assert not Session.objects.exists()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8700", "[::1]:8700", "kt.localhost"])
def test_from_loopback_it_works_without_tls(db: None, host: str) -> None:
    """As `make run` is tried."""
    near = Client(HTTP_HOST=host)
    _, text = tokens.create("somebody")

    answer = near.post("/sign-in", {"token": text}, headers={"Origin": f"http://{host}"})

    assert answer.status_code == 303


@pytest.mark.parametrize("host", ["keeptrusts.example", "10.0.0.7", "localhost.example", "[::2]"])
def test_the_cookie_of_http_counts_on_loopback_alone(browser: Browser, host: str) -> None:
    """Elsewhere another host of the domain may have planted it, to have somebody work in theirs."""
    value = browser.client.cookies["keeptrusts"].value
    head = {"Accept": "text/html", "Host": host}
    assert browser.client.get("/configurations", headers=head).status_code == 303

    browser.client.cookies["__Host-keeptrusts"] = value
    assert browser.client.get("/configurations", headers=head).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["", "null", "https://evil.example", "http://localhost:1", "http://[", "http://x@localhost",
     "localhost", "://", "http://localhost/"],
)  # fmt: skip
def test_no_other_site_signs_anybody_in(anybody: Browser, origin: str) -> None:
    """Nor sends any form in the name of a session."""
    _, text = tokens.create("somebody")

    answer = anybody.sign_in(text, Origin=origin)

    assert (answer.status_code, len(answer.cookies)) == (403, 0)


@pytest.mark.parametrize(
    "next_path", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"]
)
def test_nobody_is_led_elsewhere(anybody: Browser, next_path: str) -> None:
    """Whatever the link to the form asks for."""
    _, text = tokens.create("somebody")

    answer = anybody.client.post(
        "/sign-in", {"token": text, "next": next_path}, headers={"Origin": "http://localhost"}
    )

    assert answer.headers["Location"] == "/"


def test_where_somebody_wanted_to_go_is_kept(anybody: Browser) -> None:
    """With its query."""
    answer = anybody.get("/configurations", q="pay ments")

    assert answer.headers["Location"] == "/sign-in?next=%2Fconfigurations%3Fq%3Dpay%2Bments"


def test_a_wrong_token_is_told(anybody: Browser) -> None:
    """By the words of the API."""
    answer = anybody.sign_in("kt_wrong")

    assert (answer.status_code, len(answer.cookies)) == (401, 0)
    assert "This token is not known" in answer.content.decode()


def test_signing_in_again_is_another_session(anybody: Browser) -> None:
    """A cookie that somebody planted is worth nothing, and the one before is over."""
    _, text = tokens.create("somebody")
    anybody.client.cookies["keeptrusts"] = "planted"
    anybody.sign_in(text)
    first = anybody.client.cookies["keeptrusts"].value

    anybody.sign_in(text)

    second = anybody.client.cookies["keeptrusts"].value
    assert len({"planted", first, second}) == 3
    assert Session.objects.count() == 1


def test_signing_out_ends_the_session_itself(browser: Browser) -> None:
    """Whoever copied the cookie has nothing."""
    kept = browser.client.cookies["keeptrusts"].value
    fields = {"form_token": browser.form_token()}

    answer = browser.post("/sign-out", fields)

    assert answer.headers["Location"] == "/sign-in"
    browser.client.cookies["keeptrusts"] = kept
    assert browser.get("/").status_code == 303
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-2:] == ["session.begun", "session.ended"]


@pytest.mark.parametrize("way", ["revoked", "rotated", "expired", "over"])
def test_a_session_lasts_no_longer_than_its_token(
    way: str, sign_in: Callable[[str], Browser]
) -> None:
    """And twelve hours at most; then the browser is asked to sign in."""
    somebody = sign_in("viewer")
    session = Session.objects.select_related("token").get()
    token = session.token
    before = timezone.now() - timedelta(seconds=1)
    match way:
        case "revoked":
            tokens.revoke(token.pk)
        case "rotated":
            none = timedelta(0)
            tokens.rotate(token.pk, overlap=none, asker=token, asker_digest=token.digest)
        case "expired":
            type(token).objects.filter(pk=token.pk).update(expires_at=before)
        case "over":
            Session.objects.filter(pk=session.pk).update(expires_at=before)

    answer = somebody.get("/configurations")

    assert (answer.status_code, answer.headers["Location"]) == (
        303, "/sign-in?next=%2Fconfigurations",
    )  # fmt: skip


def test_a_session_of_a_kind_that_is_not_known_is_none(browser: Browser) -> None:
    """A web of a release before meets one of the next: it leads to the form, which says why."""
    text = tokens.create("somebody")[1]
    fields = {"form_token": browser.form_token()}
    Session.objects.update(token=None, token_digest="")

    answer = browser.get("/configurations")
    assert (answer.status_code, answer.headers["Location"]) == (
        303, "/sign-in?next=%2Fconfigurations",
    )  # fmt: skip
    assert "Your session is over" in browser.shows("/sign-in")
    assert browser.post("/sign-out", fields).status_code == 303
    browser.client.cookies["keeptrusts"] = "planted"
    assert browser.sign_in(text).status_code == 303
    assert "Your session is over" not in browser.shows("/sign-in")
    assert browser.get("/configurations").status_code == 200


def test_the_form_needs_no_database(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes back while it fails is told of that when they send it."""

    def fails(*_: object) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(sessions, "find", fails)

    assert "Your session is over" not in browser.shows("/sign-in")


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_of_no_page_of_the_session_does_nothing(browser: Browser, token: str) -> None:
    """Not even from the right origin."""
    answer = browser.post("/configurations/chat", {"act": "rollback", "form_token": token})

    assert answer.status_code == 403


def test_no_page_is_framed_kept_or_given_a_script(browser: Browser) -> None:
    """Pages and refusals alike."""
    for path in ("/", "/configurations", "/configurations/none-such", "/sign-in"):
        headers = browser.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert (headers["X-Frame-Options"], headers["Cache-Control"]) == ("DENY", "no-store")


@pytest.mark.parametrize("path", ["/configurations", "/sign-in"])
def test_a_database_that_fails_is_told(
    path: str, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a page, for whoever is signed in and whoever wants to be."""

    def fails(*_: object) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(sessions, "find", fails)
    monkeypatch.setattr(tokens, "find", fails)
    answer = browser.get(path) if path != "/sign-in" else browser.sign_in("kt_any")

    assert answer.status_code == 503
    assert "</html>" in answer.content.decode()


def test_a_form_of_a_session_that_ended_is_told(browser: Browser) -> None:
    """Nothing was done, and signing in leads back to its page."""
    fields = {"form_token": browser.form_token(), "act": "link"}
    browser.client.cookies.clear()

    answer = browser.post("/repositories/new", fields)

    assert answer.headers["Location"] == "/sign-in?next=%2Frepositories%2Fnew&unsent=1"
    page = browser.client.get(answer.headers["Location"]).content.decode()
    assert "so nothing was done" in page and 'value="/repositories/new"' in page
