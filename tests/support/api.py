"""Requests of the API's clients, and checks of the answers."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpResponse
from rest_framework.test import APIClient


def send(
    client: APIClient,
    method: str,
    path: str,
    body: bytes,
    *,
    content_type: str = "application/json",
    **headers: str,
) -> Any:
    """Send a request with exactly these bytes."""
    return client.generic(method, path, body, content_type=content_type, headers=headers)


def error(answer: HttpResponse) -> dict[str, Any]:
    """The error of an answer, whose envelope is checked."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.content[:500])
    assert answer["Content-Type"] == "application/json"
    body = answer.json()  # type: ignore[attr-defined]
    assert set(body) == {"error"}
    content: dict[str, Any] = dict(body["error"])
    assert content.pop("request_id") == answer["X-Request-Id"]
    assert set(content) == {"code", "message", "details"}
    assert content["code"]
    assert content["message"]
    return content


def refusal(answer: HttpResponse) -> tuple[int, list[str]]:
    """Status and the fields that an error names."""
    return answer.status_code, [detail["field"] for detail in error(answer)["details"]]


def created(answer: HttpResponse) -> Any:
    """The `data` of a 201."""
    assert answer.status_code == 201, answer.content[:500]
    return answer.json()["data"]  # type: ignore[attr-defined]


def like(admin: APIClient) -> APIClient:
    """A second client with the same token."""
    client = APIClient()
    client.credentials(**admin._credentials)
    return client


def together(count: int, work: Callable[[int], Any], *, seconds: float = 300) -> list[Any]:
    """Run `work(0)`, `work(1)`, … at the same moment, each in a thread with its own connection.

    `seconds` is how long they may take; only a failing test takes so long.
    """
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(300)
        try:
            results[number] = work(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), f"not done after {seconds} s"
    return results
