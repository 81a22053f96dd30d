"""Tokens of Apps' installations: one for many calls, whatever the API does."""

import asyncio
import ipaddress
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from gitrepos.errors import RemoteError
from gitrepos.forge import documents, eventloop, installations
from gitrepos.forge.documents import CallTerms
from gitrepos.forge.proxy import DIRECT
from gitrepos.forge.secret import Installation, Secret, basic, installed
from tests.support.forgeapi import (
    APP,
    INSTALLATION,
    ForgeAPI,
    app_key,
    forge_api,
    hanging,
    pem,
    said,
)

TERMS = CallTerms(("https", "http"), (ipaddress.ip_network("127.0.0.0/8"),), "", DIRECT)


@pytest.fixture
def api() -> Iterator[ForgeAPI]:
    """An API that gives tokens."""
    with forge_api() as running:
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A monotonic clock that the test moves."""
    fake = SimpleNamespace(now=1000.0, time=time.time)
    fake.monotonic = lambda: fake.now
    monkeypatch.setattr(installations, "time", fake)
    return fake


def of(api: ForgeAPI, **changes: str) -> Secret:
    """The secret of an installation."""
    fields = {"app_id": APP, "installation_id": INSTALLATION, "private_key": pem(app_key())}
    return installed(Installation(api.url, **{**fields, **changes}))


def proven(secret: Secret, terms: CallTerms = TERMS) -> Secret:
    """The secret with a token."""
    return eventloop.submit(installations.proven(secret, terms)).result()


def code(secret: Secret, terms: CallTerms = TERMS) -> str:
    """Why there is no token."""
    with pytest.raises(RemoteError) as failed:
        proven(secret, terms)
    return failed.value.code


def test_a_hundred_calls_have_one_token(api: ForgeAPI) -> None:
    """All at once, or later; it is sent as an access token is, and no message may hold it."""

    async def many() -> list[Secret]:
        return await asyncio.gather(*(installations.proven(of(api), TERMS) for _ in range(100)))

    secrets = {*eventloop.submit(many()).result(), proven(of(api))}

    [token] = api.tokens
    [secret] = secrets
    assert secret.authorization == basic(token).authorization
    assert {token, pem(app_key())} < set(secret.hidden)
    assert token not in repr(secret)


def test_another_secret_is_left_as_it_is() -> None:
    """Without a call."""
    secret = basic("x")

    assert proven(secret) is secret


@pytest.mark.parametrize(
    "changes", [{"app_id": "9"}, {"installation_id": "9"}, {"private_key": pem(app_key(1))}]
)
def test_another_installation_or_key_has_its_own(api: ForgeAPI, changes: dict[str, str]) -> None:
    """What is remembered of one is never another's."""
    proven(of(api))

    assert code(of(api, **changes)) in ("app_key_refused", "installation_gone")


def test_a_token_is_had_anew_before_it_ends(api: ForgeAPI, clock: SimpleNamespace) -> None:
    """Five minutes before."""
    proven(of(api))
    clock.now += 3290
    proven(of(api))
    assert len(api.tokens) == 1

    clock.now += 20

    assert proven(of(api)).authorization == basic(api.tokens[1]).authorization


def test_a_token_that_holds_outlives_an_outage(api: ForgeAPI, clock: SimpleNamespace) -> None:
    """Until its end; then the failure is told."""
    first = proven(of(api))
    api.answers["POST /app"] = lambda _: said(500)
    clock.now += 3400

    assert proven(of(api)) == first

    clock.now += 300

    assert code(of(api)) == "app_unanswered"


def test_a_failure_is_that_of_all_who_ask(api: ForgeAPI, clock: SimpleNamespace) -> None:
    """For half a minute; each has an error of its own."""
    api.answers["POST /app"] = lambda _: said(403, message="This installation was suspended")

    errors = []
    for _ in range(5):
        with pytest.raises(RemoteError) as failed:
            proven(of(api))
        errors.append(failed.value)
    assert len(api.calls) == 1
    assert {error.code for error in errors} == {"app_suspended"}
    assert len(set(map(id, errors))) == 5

    api.answers.clear()
    clock.now += 31

    assert proven(of(api)).authorization


def test_a_rate_limit_is_kept(api: ForgeAPI, clock: SimpleNamespace) -> None:
    """For as long as the API says, an hour at most."""
    api.answers["POST /app"] = lambda _: said(429, {"Retry-After": "86000"})

    assert code(of(api)) == "rate_limited"
    clock.now += 3590
    assert code(of(api)) == "rate_limited"
    assert len(api.calls) == 1
    clock.now += 20
    assert code(of(api)) == "rate_limited"
    assert len(api.calls) == 2


def test_a_token_that_a_server_refused_is_forgotten(api: ForgeAPI) -> None:
    """It may be revoked; the next call has another."""
    secret = of(api)
    proven(secret)

    async def forget() -> None:
        assert secret.installation is not None
        installations.forget(secret.installation)

    eventloop.submit(forget()).result()
    proven(secret)

    assert len(api.tokens) == 2


def test_a_redirect_is_not_followed(api: ForgeAPI) -> None:
    """What the key signed goes nowhere else."""
    with forge_api() as other:
        api.answers["POST /app"] = lambda call: said(307, {"Location": f"{other.url}{call.path}"})

        assert code(of(api)) == "app_unanswered"
        assert other.calls == []


def test_an_answer_is_small(api: ForgeAPI) -> None:
    """64 KiB."""
    api.answers["POST /app"] = lambda _: said(201, token="x" * 100_000)

    assert code(of(api)) == "app_unanswered"


def test_an_answer_comes_in_time(api: ForgeAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else there is none."""
    monkeypatch.setattr(documents, "_DEADLINE_SECONDS", 0.2)
    api.answers["POST /app"] = hanging

    assert code(of(api)) == "app_unanswered"


def test_a_clock_that_is_wrong_is_told(api: ForgeAPI) -> None:
    """With how much, and in which direction."""
    api.clock_seconds = -4000

    with pytest.raises(
        RemoteError, match=r"The clock here is [34][09][0-9]{2} s ahead of"
    ) as failed:
        proven(of(api))

    assert failed.value.code == "app_clock_skew"


def test_only_allowed_addresses_are_called(api: ForgeAPI) -> None:
    """The rules of forges hold for their APIs."""
    assert code(of(api), CallTerms(("https", "http"), (), "", DIRECT)) == "app_unanswered"
    assert code(of(api, app_id="2"), CallTerms(("https",), TERMS.allowed, "", DIRECT)) == (
        "app_unanswered"
    )
    assert api.calls == []
