"""Narrowed tokens: what they do not see changes no byte of any answer."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from rest_framework.test import APIClient

from events.models import AuditEntry
from tests.access.test_roles import ENDPOINTS
from tests.support import narrowed
from tests.support.narrowed import HIDDEN_IDS, IDS, World

pytestmark = pytest.mark.django_db

_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
# Of lists: what may be asked besides.
QUERIES = {
    "/v1/configurations": ["?status=all", "?limit=1", "?warning=true", f"?cursor={HIDDEN_IDS[1]}"],
    "/v1/git-repos": ["?limit=1", "?warning=true", "?warning=false", "?status=error,held"],
    "/v1/events": [
        "?limit=1", "?limit=2", "?git_repo=" + str(IDS["link_id"][0]),
        f"?configuration={HIDDEN_IDS[0]}", "?configuration=a-one",
    ],
    "/v1/audit-log": ["?limit=1", "?limit=2", "?lines=true&limit=3", f"?target={HIDDEN_IDS[0]}"],
    "/v1/decisions": [
        "?limit=1", "?limit=2", "?gateway=g-hidden", f"?configuration={HIDDEN_IDS[0]}",
    ],
    "/v1/drift": [
        "?gateway=g-hidden", "?gateway=g-one", f"?configuration={HIDDEN_IDS[0]}",
        "?configuration=a-one", "?state=offline",
    ],
    "/v1/gateways": [f"?enrolled_by={IDS['token_id'][0]}"],
    "/v1/client-keys": ["?gateway=g-hidden", "?gateway=g-one"],
}  # fmt: skip


def _urls() -> Iterator[str]:
    """Every GET of every endpoint, with ids that are seen, hidden and nobody's."""
    for method, path, _ in ENDPOINTS:
        if method == "GET":
            names = _PLACE.findall(path)
            for ids in itertools.product(*(IDS[name] for name in names)):
                values = iter(ids)
                filled = _PLACE.sub(lambda _, values=values: str(next(values)), path)
                yield from (filled + query for query in ("", *QUERIES.get(path, ())))


URLS = list(_urls())


def _answer(client: APIClient, url: str) -> tuple[int, dict[str, str], bytes]:
    answer: HttpResponse = client.get(url)
    headers = {name: value for name, value in answer.items() if name != "Date"}
    return answer.status_code, headers, answer.content


def _all_pages(client: APIClient) -> Iterator[str]:
    for path in ("configurations", "git-repos", "events", "audit-log", "decisions"):
        yield from _pages(client, f"/v1/{path}?limit=1")


def _pages(client: APIClient, url: str) -> Iterator[str]:
    """The urls of the pages behind one, as its cursors name them."""
    while (cursor := client.get(url).json().get("next_cursor")) is not None:
        url = f"{url.partition('&')[0]}&cursor={cursor}"
        yield url


def _store(seed: int, *, hidden: int | None) -> None:
    """Store a world: what is seen is by `seed`, what is not by `hidden`, nothing for None."""
    world = World(1 if hidden is None else 30)
    narrowed.add_seen(world, Random(seed), None if hidden is None else Random(hidden))
    if hidden is not None:
        narrowed.add_hidden(world, Random(hidden))
    world.write()
    if hidden is not None:
        narrowed.blur(Random(hidden))


def _in_world(
    seed: int, hidden: int | None, client: APIClient, urls: Callable[[], Iterable[str]]
) -> dict[str, Any]:
    """The answers of urls in a world, which is gone again afterwards."""
    before = transaction.savepoint()
    _store(seed, hidden=hidden)
    found = {url: _answer(client, url) for url in urls()}
    transaction.savepoint_rollback(before)
    return found


def _compare(*, seen: int, hidden: int, each: int) -> None:
    """Ask in so many worlds with the same seen part, for so many seen parts, `each` urls."""
    client = narrowed.client_of("auditor", **narrowed.SIGHT)
    AuditEntry.objects.all().delete()  # Their numbers are given out anew.
    for seed in range(seen):
        known = _in_world(seed, None, client, lambda: [*URLS, *_all_pages(client)])
        for state in range(hidden):
            number = seed * hidden + state
            some = Random(number).sample(list(known), min(each, len(known)))
            found = _in_world(seed, number, client, some.copy)
            for url in some:
                assert found[url] == known[url], (seed, number, url)


def test_what_is_hidden_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """500 worlds, of which 100 each have the same seen part as one without any other."""
    narrowed.freeze(monkeypatch)
    _compare(seen=5, hidden=100, each=4)


@pytest.mark.soak
def test_what_is_hidden_changes_no_byte_of_any_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every url of each of 100 other worlds."""
    narrowed.freeze(monkeypatch)
    _compare(seen=25, hidden=4, each=len(URLS) * 2)
