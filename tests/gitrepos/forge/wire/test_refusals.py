"""The heads of answers as forges and proxies send them, and the error for each."""

import time
from datetime import UTC, datetime
from email.utils import formatdate

import pytest

from gitrepos.errors import RateLimitedError, RemoteError
from gitrepos.forge.addresses import parse
from gitrepos.forge.wire.refusals import AnswerHead, page, refusal, seconds_until

URL = parse("https://forge.example/org/repo.git", schemes=["https"])
SIGN_IN = "https://login.example/realms/org?to=https%3A%2F%2Fforge.example"


def error_of(status: int, **headers: str) -> RemoteError | None:
    """The error for an answer; a blank in a header's name is written as an underscore."""
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return refusal(AnswerHead(status, named), URL)


@pytest.mark.parametrize(
    ("status", "headers", "code"),
    [
        (401, {}, "auth_failed"),
        (403, {}, "auth_failed"),
        (403, {"X-RateLimit-Remaining": "12"}, "auth_failed"),
        (401, {"X-RateLimit-Remaining": "0"}, "auth_failed"),
        (403, {"RateLimit": '"default";r=10;t=5'}, "auth_failed"),
        (403, {"X-RateLimit-Remaining": ""}, "auth_failed"),
        (403, {"X-RateLimit-Remaining": "0"}, "rate_limited"),
        (403, {"RateLimit-Remaining": " 0"}, "rate_limited"),
        (403, {"X-Rate-Limit-Remaining": "0;w=60"}, "rate_limited"),
        (403, {"RateLimit": '"default";r=0;t=5'}, "rate_limited"),
        (403, {"RateLimit": "limit=100, remaining=0, reset=5"}, "rate_limited"),
        (403, {"Retry-After": "5"}, "rate_limited"),
        (503, {"RateLimit-Remaining": "0"}, "rate_limited"),
        (503, {"Retry-After": "5"}, "rate_limited"),
        (503, {}, "unreachable"),
        (429, {}, "rate_limited"),
        (404, {}, "repo_not_found"),
        (404, {"X-RateLimit-Remaining": "0"}, "repo_not_found"),
        (410, {}, "repo_not_found"),
        (451, {}, "taken_down"),
        (400, {}, "bad_answer"),
        (407, {}, "bad_answer"),
        (500, {}, "unreachable"),
        (302, {"Location": SIGN_IN}, "auth_failed"),
        (303, {"Location": SIGN_IN}, "auth_failed"),
        (307, {"Location": SIGN_IN}, "auth_failed"),
        (302, {"Location": "/users/sign_in"}, "auth_failed"),
        (303, {"Location": "/user/login?redirect_to=%2forg%2frepo.git"}, "auth_failed"),
        (302, {"Location": "//sso.example/start"}, "auth_failed"),
        (302, {"Location": "/_signin?realm=org"}, "auth_failed"),
        (307, {"Location": "https://forge.example/oauth2/start"}, "auth_failed"),
        (302, {"Location": "/session/new"}, "auth_failed"),
        (302, {"Location": "/?next=%2Forg%2Frepo.git%2Finfo%2Frefs"}, "auth_failed"),
        (302, {"Location": "https://forge.example/org/other"}, "moved"),
        (302, {"Location": "/maintenance"}, "moved"),
        (307, {"Location": "/elsewhere.git"}, "moved"),
        # The request comes back in the query of many a page to sign in.
        (302, {"Location": "/login?to=/org/repo.git/info/refs"}, "auth_failed"),
        (301, {"Location": SIGN_IN}, "moved"),
        (308, {"Location": "/elsewhere"}, "moved"),
        (302, {"Location": "/new/repo.git/info/refs?service=git-upload-pack"}, "moved"),
        (302, {"Location": "https://forge.example/new/repo.git/info/refs"}, "moved"),
        (303, {"Location": "/new/repo.git/git-upload-pack/"}, "moved"),
        (302, {"Location": "https://forge.example/org/repo"}, "moved"),
        (302, {"Location": "https://forge.example/org/repo.git/"}, "moved"),
        (302, {}, "moved"),
        (302, {"Location": "file:///etc/passwd"}, "moved"),
        (302, {"Location": "javascript:alert(1)"}, "moved"),
        (302, {"Location": "https://[broken/login"}, "moved"),
    ],
)
def test_an_answer_is_told_as_what_it_is(status: int, headers: dict[str, str], code: str) -> None:
    """A limit, a sign-in, a move, a repository taken down."""
    error = error_of(status, **headers)

    assert error is not None
    assert error.code == code


@pytest.mark.parametrize("status", [200, 203])
def test_an_answer_that_a_proxy_changed_is_read_as_any_other(status: int) -> None:
    """Its type says whether it is of use."""
    assert error_of(status) is None


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("/new.git/git-upload-pack", "to https://forge.example/new.git"),
        ("https://git.example/a/b/info/refs?service=git-upload-pack", "to https://git.example/a/b"),
        ("http://forge.example/org/repo.git/info/refs", "to http://forge.example/org/repo.git"),
        ("https://www.forge.example/org/repo", "to https://www.forge.example/org/repo"),
        ("https://user:secret@git.example/a/info/refs", "elsewhere"),
        ("ssh://git.example/a/info/refs", "elsewhere"),
        ("/org/repo.git/info/refs/", "elsewhere"),
    ],
)
def test_a_move_names_the_new_url(location: str, where: str) -> None:
    """Where it is one that may be linked."""
    error = error_of(302, Location=location)

    assert error is not None
    assert error.message == (
        f"The server redirects {where}, and no redirect is followed: link the new url."
    )


def test_a_page_to_sign_in_is_told_with_its_host() -> None:
    """And with nothing else of the url, which may hold what was sent."""
    error = error_of(302, Location=SIGN_IN)

    assert error is not None
    assert error.message.startswith(
        "The server redirects to a page of login.example to sign in. The server refuses"
    )
    assert "realms" not in error.message


def _filled(value: str) -> str:
    """A header's value with moments from now on, which a run of many tests would else outlive."""
    now = time.time()
    moments = {"DATE": formatdate(now + 600, usegmt=True), "AHEAD": int(now) + 600}
    return value.format(**moments, AGO=int(now) - 600)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "120", "X-RateLimit-Reset": "600"}, 120),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"}, None),
        ({"Retry-After": "{DATE}"}, 600),
        ({"X-RateLimit-Reset": "600"}, 600),
        ({"RateLimit-Reset": "600.5"}, 600),
        ({"X-RateLimit-Reset": "{AHEAD}"}, 600),
        ({"X-RateLimit-Reset": "{AHEAD}000"}, 600),
        ({"X-RateLimit-Reset": "{AGO}"}, 0),
        ({"X-RateLimit-Reset": "9" * 30}, 86_400),
        ({"X-RateLimit-Reset": "tomorrow"}, None),
        ({"RateLimit": '"default";r=0;t=600'}, 600),
        ({"RateLimit": "limit=1, remaining=0, reset=600"}, 600),
        ({"RateLimit": '"start=9";r=0'}, None),
        ({}, None),
    ],
)
def test_a_limit_ends_when_its_head_says(headers: dict[str, str], seconds: int | None) -> None:
    """In seconds or as a date; a day at most."""
    error = error_of(429, **{name: _filled(value) for name, value in headers.items()})

    assert isinstance(error, RateLimitedError)
    if seconds is None or error.retry_after_seconds is None:
        assert error.retry_after_seconds == seconds
    else:
        assert seconds - 60 <= error.retry_after_seconds <= seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120), ("0", 0), ("-1", None), ("1.5", None), ("soon", None), ("", None),
        ("²", None), ("9" * 30, 86_400), ("Sat, 31 Jan 2026 12:01:00 GMT", 60),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0), ("Sat, 31 Jan 2026 13:01:00 +0100", 60),
        ("31 Jan 2026 12:01:00", 60), ("Sat, 31 Jan 2026 12:01:00 -0000", 60),
        ("Sat, 99 Jan 2026 12:01:00 GMT", None), ("Sat, 31 Jan 2026 12:01:00 +9999999999", None),
        (f"Sat, 31 Jan {'9' * 20} 12:01:00 GMT", None),
    ],
)  # fmt: skip
def test_the_time_of_a_wait_is_read(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: int | None
) -> None:
    """Whatever a server writes there, and in whatever zone this machine is."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert seconds_until(text, datetime(2026, 1, 31, 12, tzinfo=UTC)) == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("text/html", "auth_failed"),
        ("Text/HTML", "auth_failed"),
        ("application/xhtml+xml", "auth_failed"),
        ("text/plain", None),
        ("application/x-git-upload-pack-advertisement", None),
        ("", None),
    ],
)
def test_a_page_in_place_of_an_answer_is_one_to_sign_in(
    content_type: str, code: str | None
) -> None:
    """git answers with none."""
    error = page(content_type)

    assert (error and error.code) == code
