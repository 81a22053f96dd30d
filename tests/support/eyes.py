"""Several persons before one control plane, and what they ask each other for."""

from typing import Any

from rest_framework.test import APIClient

from access import tokens
from access.models import Token
from tests.support.api import error

# The second says less than the first: a kind no longer runs.
STRONG = """\
pack:
  name: {name}
  version: 1.0.0
  enabled: true
policies:
  chain:
    - pii-detector
    - safety-filter
"""
WEAK = STRONG.replace("    - pii-detector\n", "")


def strong(name: str = "bot") -> str:
    """A policy."""
    return STRONG.format(name=name)


def weak(name: str = "bot") -> str:
    """The same, weakened."""
    return WEAK.format(name=name)


def person(name: str, *, role: str = "editor", maker: Token | None = None, **who: Any) -> APIClient:
    """Somebody with a token of their own, who commits as NAME@keeptrusts.example.

    The client's `token` is its row.
    """
    who.setdefault("emails", [f"{name}@keeptrusts.example"])
    row, text = tokens.create(name, role=role, maker=maker, **who)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    client.token = row  # type: ignore[attr-defined]
    return client


def ask(by: APIClient, kind: str, target: str, change: Any = None, **given: Any) -> dict[str, Any]:
    """Ask for a change; returns the request."""
    body = {"kind": kind, "target": target, "reason": "because", "change": change or {}, **given}
    answer = by.post("/v1/requests", body, format="json")
    assert answer.status_code == (200 if given.get("break_glass") else 202), answer.content
    row: dict[str, Any] = answer.json()["data"]
    return row


def decide(by: APIClient, row: dict[str, Any], how: str = "confirm", **body: Any) -> Any:
    """The answer to a confirmation of what is shown, or to `how` with a body."""
    given = body or (row["shows"] if how == "confirm" else {})
    return by.post(f"/v1/requests/{row['id']}/{how}", given, format="json")


def confirmed(by: APIClient, row: dict[str, Any]) -> dict[str, Any]:
    """A request that somebody confirms."""
    answer = decide(by, row)
    assert answer.status_code == 200, answer.content
    now: dict[str, Any] = answer.json()["data"]
    assert now["state"] == "confirmed"
    return now


def refused(answer: Any) -> tuple[int, str]:
    """Status and code of an answer that is an error."""
    return answer.status_code, error(answer)["code"]


def waiting(by: APIClient) -> list[dict[str, Any]]:
    """All that waits, the oldest first."""
    rows: list[dict[str, Any]] = by.get("/v1/requests?state=waiting").json()["data"]
    return rows[::-1]
