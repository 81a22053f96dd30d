"""Hostile requests to every path of the API: an answer in the envelope, and never a 5xx."""

import json
import random
import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.api import created
from tests.support.gateways import machine
from tests.support.hostileredis import VALUES
from tests.support.repo import policy

pytestmark = pytest.mark.django_db

TEXTS = [value.decode("utf-8", "surrogateescape") for value in VALUES.values() if len(value) < 9000]
FIELDS = [
    "id", "name", "content", "status", "labels", "url", "repo_url", "branch", "path", "hosts",
    "kind", "token", "access_token", "webhook_secret", "credential", "poll_interval_seconds",
    "include", "expires_at", "configuration", "selector", "version", "running", "problem",
    "counters", "events", "dropped", "models", "rate_limit", "token_budget", "gateways",
    "health", "kt_version", "started_at", "stopping", "stream", "client_keys", "username",
]  # fmt: skip
QUERIES = ["limit", "cursor", "status", "wait", "dry_run", "from", "to", "since", "state", "x"]


def value(chance: random.Random, depth: int = 3) -> Any:
    """Anything that JSON holds, and little that a field expects."""
    kinds: list[Any] = [
        None, True, 0, -1, 2**63, 1.5, 1e308, "", chance.choice(TEXTS), "bot",
        "2026-01-31T12:00:00Z", "00000000-0000-0000-0000-000000000000",
    ]  # fmt: skip
    if depth:
        kinds += [
            [value(chance, depth - 1) for _ in range(chance.randrange(3))],
            {chance.choice([*FIELDS, *TEXTS]): value(chance, depth - 1) for _ in range(2)},
        ]
    return chance.choice(kinds)


def body(chance: random.Random) -> bytes:
    """A body of fields that some path knows, with values that none does; or no JSON at all."""
    if chance.random() < 0.1:
        return chance.choice(list(VALUES.values()))
    asked = {name: value(chance) for name in chance.sample(FIELDS, chance.randrange(6))}
    return json.dumps(asked).encode("utf-8", "surrogateescape")


@pytest.fixture
def clients(admin: APIClient) -> list[APIClient]:
    """Everybody: nobody, a person, a gateway; and a row of everything."""
    for body in ({"id": "bot", "content": policy()}, {"id": "other", "content": policy()}):
        created(admin.post("/v1/configurations", body, format="json"))
    link = {"url": "https://forge.example/o/r.git", "suspended": True}
    created(admin.post("/v1/git-repos", link, format="json"))
    edge = machine(created(admin.post("/v1/gateways", {"id": "edge"}, format="json")))
    return [APIClient(), admin, edge.client]


def ask(clients: list[APIClient], rounds: int, seed: int) -> set[tuple[str, str, int]]:
    """Ask every path with every method, some rounds; what came that should not."""
    chance = random.Random(seed)
    for client in clients:
        client.raise_request_exception = False
    paths = clients[0].get("/v1").json()["data"]["paths"]
    assert len(paths) > 40
    wrong = set()
    for _ in range(rounds):
        for row in paths:
            names = ["bot", "edge", "1", "x", chance.choice(TEXTS), str(chance.randrange(2**70))]
            concrete = "".join(
                chance.choice(names) if part.startswith("{") else part
                for part in re.split(r"({[^}]*})", row["path"])
            ).replace("#", "")
            query = f"?{chance.choice(QUERIES)}={chance.choice(TEXTS)}"
            target = concrete + (query if chance.random() < 0.3 else "")
            method = chance.choice([*row["methods"] * 3, "PUT", "DELETE"])
            answer = chance.choice([*clients, *clients[1:] * 2]).generic(
                method, _quoted(target), body(chance), content_type="application/json"
            )
            if not is_in_order(answer):
                wrong.add((method, target[:200], answer.status_code))
    return wrong


def _quoted(target: str) -> str:
    raw = target.encode("utf-8", "surrogateescape")
    return "".join(chr(b) if b in b"/?=&-._~" or chr(b).isalnum() else f"%{b:02x}" for b in raw)


_DOWN_HERE = re.compile("/healthz|/v1/stream|/v1/gateways/[^/]+/(events|contents/[^/]+)")


def is_in_order(answer: Any) -> bool:
    """Whether an answer is a good one, or an error in the envelope."""
    if answer.status_code < 400:
        return True
    if answer.status_code >= 500:
        # The process of streams does not run here.
        asked = answer.request["PATH_INFO"]
        return answer.status_code == 503 and bool(_DOWN_HERE.fullmatch(asked))
    error = answer.json()["error"]
    return set(error) >= {"code", "message"} and answer["Content-Type"] == "application/json"


def test_hostile_requests_are_answered(clients: list[APIClient]) -> None:
    """Each path, by somebody, with something."""
    assert ask(clients, rounds=8, seed=20260131) == set()


@pytest.mark.soak
def test_many_hostile_requests_are_answered(clients: list[APIClient]) -> None:
    """The same for some minutes."""
    assert ask(clients, rounds=600, seed=random.SystemRandom().randrange(2**32)) == set()
