"""JWTs at a whole control plane: its issuer rotates keys while jobs run, and guesses are slowed."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.issuer import CONFIGURATION, KEYS, Issuer, github_claims, made_key, signed
from tests.support.stack import Stack, wait_for

AUDIENCE = "https://keeptrusts.example"
CONTENT = "pack: {name: a, version: 1.0.0, enabled: true}\npolicies: {chain: [safety-filter]}\n"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer of this test alone."""
    with Issuer("RSA") as running:
        yield running


@pytest.fixture
def stack(embedded_stack: Stack, issuer: Issuer) -> Stack:
    """A control plane that trusts the issuer's jobs on main."""
    embedded_stack.start()
    body = {
        "name": "policies", "issuer": issuer.url, "audience": AUDIENCE, "role": "editor",
        "repository_id": "74", "ref": "refs/heads/main",
    }  # fmt: skip
    made = embedded_stack.request("POST", "/v1/trusts", body)
    assert made.status == 201, made.body
    return embedded_stack


class Jobs:
    """Jobs one after another, each with a token of its own by one key: a read and two writes."""

    def __init__(self, stack: Stack, issuer: Issuer, kid: str) -> None:
        self._stack, self._issuer, self._kid = stack, issuer, kid
        self._key = issuer.keys[kid]
        self._over = threading.Event()
        self.statuses: list[int] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            self.statuses += self._job()
            self._over.wait(1)

    def _job(self) -> list[int]:
        claims = github_claims(self._issuer.url)
        head = {"alg": "RS256", "typ": "JWT", "kid": self._kid}
        token = signed(head, claims, self._key)
        validate = ("POST", "/v1/configurations/validate", {"content": CONTENT})
        calls: Any = (("GET", "/v1/configurations"), validate, validate)
        return [self._stack.request(*call, token=token).status for call in calls]

    def end(self) -> list[int]:
        """End, and give the statuses of all calls."""
        self._over.set()
        self._thread.join()
        return self.statuses


@pytest.mark.soak
def test_an_issuer_rotates_its_keys_while_jobs_run(stack: Stack, issuer: Issuer) -> None:
    """Jobs by the old key go on, those by the new one begin within a minute and never fail again.

    The issuer is asked twice in all: at first, and once for the new key, whoever calls.
    """
    old = Jobs(stack, issuer, "one")
    wait_for(lambda: old.statuses)
    issuer.keys["two"] = made_key("RSA")
    new = Jobs(stack, issuer, "two")
    wait_for(lambda: 200 in new.statuses)
    before = len(new.statuses)
    wait_for(lambda: len(new.statuses) >= before + 9)

    assert set(old.end()) == {200}
    found = new.end()
    assert set(found[found.index(200) :]) == {200}
    assert set(found[: found.index(200)]) <= {401}
    assert issuer.asked == [CONFIGURATION, KEYS] * 2
    rows = stack.get("/v1/audit-log?action=trust.created")
    assert [row["actor"]["kind"] for row in rows] == ["token"]


@pytest.mark.soak
def test_guesses_are_counted_and_logged_once(stack: Stack, issuer: Issuer) -> None:
    """As those of tokens are; the log has the first reason, and no JWT."""
    good = issuer.token(github_claims(issuer.url))
    assert stack.request("GET", "/v1/whoami", token=good).status == 200
    bad = [issuer.token(github_claims(issuer.url, ref=f"refs/heads/{n}")) for n in range(12)]
    found = [stack.request("GET", "/v1/whoami", token=one) for one in bad]

    assert {one.status for one in found} == {401}
    assert len({one.body for one in found}) == 1
    assert stack.request("GET", "/v1/whoami", token=good).status == 200
    wait_for(lambda: "authentications failed" in stack.log.read_text())
    log = stack.log.read_text()
    assert re.search("authentications failed.*count=1[2-9]", log)
    assert log.count("JWT refused") in (1, 2)  # A minute may begin meanwhile.
    assert re.search("JWT refused.*refs/heads/0", log)
    assert [one for one in (good, *bad) if one in log or one.rpartition(".")[2] in log] == []
