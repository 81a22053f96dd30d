"""Narrowed tokens: what they do not see changes no byte of any answer."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.test import APIClient

from access.models import Token
from events.models import AuditEntry
from keeptrusts.api.views import View
from tests.access.test_roles import ENDPOINTS
from tests.support import narrowed
from tests.support.narrowed import HIDDEN_IDS, IDS, World

pytestmark = pytest.mark.django_db

_CURSOR = re.compile(rb'"next_cursor":"([^"]+)"')
_CURSOR_HEADER = "Keeptrusts-Next-Cursor"
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
# Of lists: what may be asked besides.
QUERIES = {
    "/v1/configurations": ["?status=all", "?warning=true"],
    "/v1/git-repos": ["?warning=true", "?warning=false", "?status=error,held"],
    "/v1/events": [
        "?limit=2", "?git_repo=" + str(IDS["link_id"][0]), f"?configuration={HIDDEN_IDS[0]}",
        "?configuration=a-one",
    ],
    "/v1/audit-log": ["?limit=2", "?lines=true&limit=3", f"?target={HIDDEN_IDS[0]}"],
    "/v1/decisions": ["?limit=2", "?gateway=g-hidden", f"?configuration={HIDDEN_IDS[0]}"],
    "/v1/decisions/rates": [
        "?minutes=3", "?gateway=g-hidden", f"?configuration={HIDDEN_IDS[0]}",
    ],
    "/v1/drift": [
        "?gateway=g-hidden", "?gateway=g-one", f"?configuration={HIDDEN_IDS[0]}",
        "?configuration=a-one", "?state=offline",
    ],
    "/v1/gateways": [f"?enrolled_by={IDS['token_id'][0]}"],
    "/v1/client-keys": ["?gateway=g-hidden", "?gateway=g-one"],
}  # fmt: skip


def _common(view: type[View]) -> Iterator[str]:
    """What may be asked of every list: each order in pages of one row, searches, a count."""
    known = {one.name: one.schema for one in view.query.get("GET", ())}
    if "sort" in known:
        yield from (f"?limit=1&sort={name}" for name in known["sort"]["enum"])
        yield from (f"?count=true&limit=1{some}" for some in ("", "&q=hush", "&q=H-", "&q=a-"))


def _urls() -> Iterator[str]:
    """Every GET of every endpoint, with ids that are seen, hidden and nobody's."""
    for method, path, view in ENDPOINTS:
        if method == "GET":
            names = _PLACE.findall(path)
            for ids in itertools.product(*(IDS[name] for name in names)):
                values = iter(ids)
                filled = _PLACE.sub(lambda _, values=values: str(next(values)), path)
                some = ("", *QUERIES.get(path, ()), *_common(view))
                yield from (filled + query for query in some)


URLS = list(_urls())


def _answer(client: APIClient, url: str) -> list[tuple[int, dict[str, str], bytes]]:
    """The answer, and those of the pages behind it; of a cursor, which is covered, the length."""
    answer: HttpResponse = client.get(url)
    cursor = answer.headers.get(_CURSOR_HEADER, "")
    del answer.headers[_CURSOR_HEADER]
    if found := _CURSOR.search(answer.content):
        cursor = found[1].decode()
    headers = {name: value for name, value in answer.items() if name != "Date"}
    content = (
        answer.content.replace(cursor.encode(), b"." * len(cursor)) if cursor else answer.content
    )
    page = answer.status_code, headers, content
    following = f"{url.partition('&cursor')[0]}&cursor={cursor}"
    return [page, *(_answer(client, following) if cursor else ())]


@contextmanager
def _stored(world: World) -> Iterator[None]:
    """Rows that are gone again afterwards."""
    before = transaction.savepoint()
    world.write()
    yield
    transaction.savepoint_rollback(before)


def _compare(*, seen: int, variants: int, hidden: int, each: int, most: int) -> None:
    """Compare `each` answers of worlds with those of one that has nothing but its seen part.

    There are `seen` parts, with so many `variants` of what the rows of each have of what is not
    seen, and so many `hidden` parts besides each of these; for each of the first `most` urls.
    """
    client = narrowed.client_of("auditor", **narrowed.SIGHT)
    Token.objects.update(last_used_at=timezone.now())  # The first use of one is written at once.
    AuditEntry.objects.all().delete()  # Their numbers are given out anew.
    numbers = iter(range(10**6))
    for seed in range(seen):
        with _stored(narrowed.seen_part(Random(seed), None)):
            urls = Random(seed).sample(URLS, min(most, len(URLS)))
            known = {url: _answer(client, url) for url in urls}
        for variant in range(variants):
            with _stored(narrowed.seen_part(Random(seed), Random(variant))):
                for _ in range(hidden):
                    random = Random(next(numbers))
                    some = random.sample(list(known), min(each, len(known)))
                    with _stored(narrowed.hidden_part(random)):
                        for url in some:
                            assert _answer(client, url) == known[url], (seed, variant, url)


def test_what_is_hidden_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 30 worlds, 15 each with the same seen part as one without any other."""
    narrowed.freeze(monkeypatch)
    _compare(seen=2, variants=3, hidden=5, each=4, most=120)


@pytest.mark.soak
def test_what_is_hidden_changes_no_byte_of_many_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 500, 125 each with the same seen part."""
    narrowed.freeze(monkeypatch)
    _compare(seen=4, variants=5, hidden=25, each=1, most=150)


@pytest.mark.soak
def test_what_is_hidden_changes_no_byte_of_any_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every url of each of 100 other worlds."""
    narrowed.freeze(monkeypatch)
    _compare(seen=25, variants=2, hidden=2, each=len(URLS), most=len(URLS))
