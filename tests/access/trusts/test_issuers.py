"""Keys of issuers: who is asked, how often, for how long they are good, and what is believed."""

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from structlog.testing import capture_logs

from access.models import IssuerKeys
from access.trusts import issuers
from gitrepos.api import issuers as documents
from tests.access.trusts.conftest import TRUSTS, Trusting, asking, refused
from tests.support.api import together
from tests.support.issuer import (
    CONFIGURATION,
    KEYS,
    Answer,
    Issuer,
    github_claims,
    json_answer,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.smoke]

ONCE = [CONFIGURATION, KEYS]


def whole(issuer: Issuer, **header: Any) -> str:
    return issuer.token(github_claims(issuer.url), **header)


def later(issuer: Issuer, monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    """Let time pass for what is known of an issuer, in the database and in this process."""
    by = timedelta(**passed)
    for row in IssuerKeys.objects.filter(pk=issuer.url):
        for name in ("asked_at", "answered_at", "confirmed_at"):
            if getattr(row, name) is not None:
                setattr(row, name, getattr(row, name) - by)
        row.save()
    monkeypatch.setattr(issuers, "_known", {})


def test_an_issuer_is_asked_once(trusting: Trusting, issuer: Issuer) -> None:
    """By whoever comes first; a key that is known costs no query but that of any request."""
    trusting()
    text = whole(issuer)
    assert [asking(text).status_code for _ in range(3)] == [200] * 3

    assert issuer.asked == ONCE
    with Queries() as queries:
        issuers.key(issuer.url, "one")
    assert queries.count == 0


class Queries:
    """Counts the queries of this connection."""

    count = 0

    def __enter__(self) -> "Queries":
        self._wrapping = connection.execute_wrapper(self._counted)
        self._wrapping.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._wrapping.__exit__(*exc)

    def _counted(self, execute: Any, *args: Any) -> Any:
        self.count += 1
        return execute(*args)


def test_an_issuer_without_a_trust_is_never_asked(trusting: Trusting, issuer: Issuer) -> None:
    """Nor one whose trusts are all disabled, or over."""
    row = trusting(enabled=False)
    with Issuer() as other:
        assert refused(whole(issuer)) == ["no_trust"]
        asking(whole(other))
        assert (issuer.asked, other.asked) == ([], [])
    assert row["enabled"] is False


@pytest.mark.parametrize("calls", [20])
def test_unknown_keys_ask_once_a_minute(
    trusting: Trusting, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Over all callers and processes: the minute is in the database."""
    trusting()
    for number in range(calls):
        asking(whole(issuer, kid=f"unknown-{number}"))
        monkeypatch.setattr(issuers, "_known", {})  # As in another process.
    assert issuer.asked == ONCE

    later(issuer, monkeypatch, seconds=61)
    for number in range(calls):
        asking(whole(issuer, kid=f"unknown-{number}"))
    assert issuer.asked == ONCE * 2


def test_callers_at_once_ask_once(trusting: Trusting, issuer: Issuer) -> None:
    """The others wait for the answer, and a few of them only: here no more than may."""
    trusting()
    gate = threading.Event()

    def slowly() -> Answer:
        gate.wait(60)
        return json_answer(issuer.key_set())

    issuer.stand_ins[KEYS] = slowly
    threading.Timer(0.5, gate.set).start()

    found = together(5, lambda _: asking(whole(issuer)).status_code)

    assert found == [200] * 5
    assert issuer.asked == ONCE


def test_more_callers_than_may_wait_are_refused(
    trusting: Trusting, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that an issuer that hangs holds a few threads."""
    trusting()
    monkeypatch.setattr(issuers, "_waiting", threading.BoundedSemaphore(1))
    gate = threading.Event()
    issuer.stand_ins[KEYS] = lambda: (gate.wait(60), json_answer(issuer.key_set()))[1]
    # Those that are refused at once let the others go on.
    refusals: list[int] = []

    def ask(_: int) -> int:
        status: int = asking(whole(issuer)).status_code
        if status == 401:
            refusals.append(status)
            if len(refusals) == 4:
                gate.set()
        return status

    found = together(6, ask)

    assert sorted(found) == [200, 200, 401, 401, 401, 401]
    assert issuer.asked == ONCE


def test_a_key_that_is_gone_is_good_no_more(
    trusting: Trusting, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes after it was last given: then the issuer is asked again."""
    trusting()
    old = whole(issuer)
    asking(old)
    issuer.rotate("two")

    assert asking(old).status_code == 200
    assert refused(whole(issuer)) == ["unknown_key"]
    later(issuer, monkeypatch, minutes=11)
    assert [asking(text).status_code for text in (old, whole(issuer))] == [401, 200]
    assert issuer.asked == ONCE * 2


def test_another_process_finds_what_one_was_told(
    trusting: Trusting, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By way of the database; the issuer is not asked for it."""
    trusting()
    asking(whole(issuer))
    old = dict(issuers._known)
    issuer.rotate("two")
    later(issuer, monkeypatch, seconds=61)
    asking(whole(issuer))
    issuer.asked.clear()
    monkeypatch.setattr(issuers, "_known", old)

    assert asking(whole(issuer)).status_code == 200
    assert issuer.asked == []


@pytest.mark.parametrize(("hours", "reasons"), [(5.9, []), (6.1, ["issuer_away"])])
def test_an_issuer_that_is_away(
    trusting: Trusting,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
    hours: float,
    reasons: list[str],
) -> None:
    """What it gave in the last six hours is good."""
    trusting()
    asking(whole(issuer))
    issuer.stand_ins[CONFIGURATION] = lambda: (503, b"", {})
    later(issuer, monkeypatch, hours=hours)

    text = whole(issuer)
    assert (refused(text) if reasons else [asking(text).status_code]) == (reasons or [200])


def test_no_transaction_is_held_while_an_issuer_is_asked(
    trusting: Trusting, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a change neither: the row of a counter would be locked for seconds."""
    trusting(role="editor")
    within = []
    fetch = documents.fetch

    def watched(url: str) -> bytes:
        within.append(connection.in_atomic_block)
        return fetch(url)

    monkeypatch.setattr(documents, "fetch", watched)

    answer = asking(whole(issuer), "post", "/v1/configurations", id="x", content="pack: [")
    assert answer.status_code == 400
    assert within == [False, False]


def configuration(**changes: Any) -> Callable[[Issuer], tuple[str, Callable[[], Answer]]]:
    """A stand-in for the configuration."""
    return lambda issuer: (
        CONFIGURATION,
        lambda: json_answer({**issuer.configuration(), **changes}),
    )


def key_set(change: Callable[[dict[str, Any]], Any]) -> Callable[[Issuer], Any]:
    """A stand-in for the keys."""
    return lambda issuer: (KEYS, lambda: json_answer(change(issuer.key_set())))


def raw(path: str, status: int, body: bytes, **headers: str) -> Callable[[Issuer], Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda issuer: (path, lambda: (status, body, named))


def hanging(issuer: Issuer) -> tuple[str, Callable[[], Answer]]:
    return KEYS, lambda: (threading.Event().wait(30), (200, b"{}", {}))[1]


def many(found: dict[str, Any]) -> dict[str, Any]:
    return {"keys": found["keys"] * 51}


def twice(found: dict[str, Any]) -> dict[str, Any]:
    return {"keys": found["keys"] * 2}


def each(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda found: {"keys": [{**row, **changes} for row in found["keys"]]}


def with_private(issuer: Issuer) -> tuple[str, Callable[[], Answer]]:
    key = issuer.keys["one"]
    return KEYS, lambda: json_answer({"keys": [{**key.as_dict(private=True), "kid": "one"}]})


BOMB = gzip.compress(b'{"keys": []' + b" " * 10_000_000 + b"}")
SECRET = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "one"}

HOSTILE: list[tuple[str, Callable[[Issuer], Any], str]] = [
    ("another issuer", configuration(issuer="https://other.example"), "issuer_away"),
    ("an issuer with a slash", lambda i: configuration(issuer=i.url + "/")(i), "issuer_away"),
    ("no issuer", configuration(issuer=None), "issuer_away"),
    ("no url of keys", configuration(jwks_uri=None), "issuer_away"),
    ("keys in a file", configuration(jwks_uri="file:///etc/passwd"), "issuer_away"),
    ("keys of a private host", configuration(jwks_uri="https://10.0.0.1/keys"), "issuer_away"),
    ("keys of the cloud", configuration(jwks_uri="http://169.254.169.254/"), "issuer_away"),
    ("keys of a cloud's host", configuration(jwks_uri="https://169.254.169.254/"), "issuer_away"),
    ("keys with a user", configuration(jwks_uri="https://a:b@issuer.example/k"), "issuer_away"),
    ("keys by http elsewhere", configuration(jwks_uri="http://127.0.0.1:9/keys"), "issuer_away"),
    ("a redirect", raw(KEYS, 302, b"", Location="http://169.254.169.254/"), "issuer_away"),
    ("a redirect of the first", raw(CONFIGURATION, 301, b"", Location="/x"), "issuer_away"),
    ("too large", raw(KEYS, 200, b" " * 70_000), "issuer_away"),
    ("compressed", raw(KEYS, 200, b"{}", Content_Encoding="br"), "issuer_away"),
    ("a bomb", raw(KEYS, 200, BOMB, Content_Encoding="gzip"), "issuer_away"),
    ("cut short", raw(KEYS, 200, b"{", Content_Length="5000"), "issuer_away"),
    ("no JSON", raw(KEYS, 200, b"<html>"), "issuer_away"),
    ("a list", raw(KEYS, 200, b"[]"), "issuer_away"),
    ("names twice", raw(KEYS, 200, b'{"keys": [], "keys": []}'), "issuer_away"),
    ("keys as an object", raw(KEYS, 200, b'{"keys": {}}'), "issuer_away"),
    ("it hangs", hanging, "issuer_away"),
    ("too many keys", key_set(many), "issuer_away"),
    ("one kid twice", key_set(twice), "unknown_key"),
    ("no keys", raw(KEYS, 200, b'{"keys": []}'), "unknown_key"),
    ("keys that are none", raw(KEYS, 200, b'{"keys": [1, null, "x", [], {}]}'), "unknown_key"),
    ("a private key", with_private, "unknown_key"),
    ("a secret key", key_set(lambda _: {"keys": [SECRET]}), "unknown_key"),
    ("for encryption", key_set(each(use="enc")), "unknown_key"),
    ("for other operations", key_set(each(use=None, key_ops=["encrypt"])), "unknown_key"),
    ("operations of another type", key_set(each(key_ops="verify")), "unknown_key"),
    ("of another curve", key_set(each(crv="secp256k1")), "unknown_key"),
    ("a point on no curve", key_set(each(x="AA")), "unknown_key"),
    ("for another algorithm", key_set(each(alg="ES384")), "algorithm"),
    ("for an HMAC", key_set(each(alg="HS256")), "unknown_key"),
    ("an alg of another type", key_set(each(alg=["ES256"])), "unknown_key"),
    ("a kid of another type", key_set(each(kid=1)), "unknown_key"),
    ("of another kind", key_set(each(kty="RSA")), "unknown_key"),
]  # fmt: skip


@pytest.mark.parametrize(("stand_in", "reason"), [pytest.param(s, r, id=n) for n, s, r in HOSTILE])
def test_what_an_issuer_may_not_say(
    trusting: Trusting, issuer: Issuer, stand_in: Callable[[Issuer], Any], reason: str
) -> None:
    """The JWT is refused in bounded time, and nothing else is called."""
    trusting()
    path, answer = stand_in(issuer)
    issuer.stand_ins[path] = answer

    assert refused(whole(issuer)) == [reason]
    assert len(issuer.asked) <= 2


@pytest.mark.parametrize("change", ["networks", "schemes"])
def test_an_issuer_is_called_where_forges_may_be(
    trusting: Trusting, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """An address that is not public, and http, want the operator's leave, now."""
    trusting()
    changed: dict[str, Any] = {
        "networks": {"git_allowed_networks": ()},
        "schemes": {"git_schemes": frozenset({"https"})},
    }[change]
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, **changed))

    with capture_logs() as lines:
        assert asking(whole(issuer)).status_code == 401
    assert issuer.asked == []
    assert any("KEEPTRUSTS_GIT" in str(line.get("error")) for line in lines)


def test_the_keys_of_an_issuer_go_with_its_last_trust(
    admin: Any, trusting: Trusting, issuer: Issuer
) -> None:
    """Nothing is kept of whom nobody trusts."""
    rows = [trusting(), trusting()]
    asking(whole(issuer))

    left = []
    for row in rows:
        admin.delete(f"{TRUSTS}/{row['id']}")
        left.append(IssuerKeys.objects.filter(pk=issuer.url).count())
    assert left == [1, 0]
    assert refused(whole(issuer)) == ["no_trust"]


@pytest.fixture
def below() -> Iterator[Issuer]:
    """An issuer below a path, as GitLab in a folder and GitHub's servers are."""
    with Issuer("RSA", path="/group/_services") as running:
        yield running


def test_an_issuer_below_a_path(admin: Any, below: Issuer) -> None:
    """Its configuration is below it as well."""
    body = {"name": "t", "issuer": below.url, "audience": "https://keeptrusts.example"}
    admin.post(TRUSTS, {**body, "subject": github_claims("")["sub"]}, format="json")

    assert asking(whole(below)).status_code == 200
    assert below.asked == ONCE
