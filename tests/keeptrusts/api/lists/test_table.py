"""Lists of a database's rows: pages while rows come and go, labels, what is searched."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from configurations.models import Configuration
from configurations.queries import CONFIGURATIONS
from configurations.seen import ALL
from gitrepos.links.queries import CREDENTIALS
from gitrepos.models import GitCredential
from keeptrusts.api.lists.listing import Listing, Page
from keeptrusts.api.parameters import Asked

pytestmark = pytest.mark.django_db

_BEGIN = datetime(2031, 1, 2, 3, 4, 5, 678, UTC)
_NAMES = st.text("aBc", min_size=1, max_size=3)
_ENDS = st.sampled_from([None, 0, 1, 2])
_WORLDS = st.dictionaries(_NAMES, _ENDS, max_size=10)
_SORTS = [f"{way}{name}" for name in CREDENTIALS.sorts for way in ("", "-")]


def _page(listing: Listing[Any], query: str) -> Page:
    return listing.page(listing.selection(Asked(QueryDict(query))), ALL)


def _store(ends: dict[str, int | None]) -> None:
    """Credentials by name, with the day on which each ends; many are of one moment."""
    GitCredential.objects.bulk_create(
        GitCredential(
            name=name, kind="token", secret="", created_at=_BEGIN + timedelta(days=len(name)),
            updated_at=_BEGIN, expires_at=None if end is None else _BEGIN + timedelta(days=end),
        )
        for name, end in ends.items()
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(_WORLDS, _WORLDS, st.sets(_NAMES, max_size=3), st.sampled_from(_SORTS), st.integers(1, 4))
def test_pages_have_each_row_once_whatever_comes_and_goes(
    ends: dict[str, int | None], added: dict[str, int | None], removed: set[str], sort: str,
    limit: int,
) -> None:  # fmt: skip
    """In the order of the whole, under each sort, also among nulls and equals."""
    before = transaction.savepoint()
    _store(ends)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = _page(CREDENTIALS, f"sort={sort}&limit={limit}&cursor={cursor}")
        found += [row["name"] for row in page.rows]
        if not cursor:  # Behind the first page.
            GitCredential.objects.filter(name__in=removed).delete()
            _store({name: end for name, end in added.items() if name not in ends})
        cursor = page.following
    whole = [row["name"] for row in _page(CREDENTIALS, f"sort={sort}").rows]
    transaction.savepoint_rollback(before)

    staying = ends.keys() - removed
    assert [name for name in found if name in staying] == [n for n in whole if n in staying]
    assert len(found) == len(set(found))


def _configurations(labels: dict[str, dict[str, str]]) -> None:
    Configuration.objects.bulk_create(
        Configuration(
            pk=pk, name=f"Name of {pk}", labels=some, source="api", version=1,
            content_hash="0" * 64, created_at=_BEGIN, updated_at=_BEGIN,
        )
        for pk, some in labels.items()
    )  # fmt: skip


def _found(**asked: str) -> list[str]:
    return [row["id"] for row in _page(CONFIGURATIONS, urlencode(asked)).rows]


def test_labels_choose_by_all_pairs_of_a_selector() -> None:
    """As selectors of bindings do, also where keys look like numbers, paths or quotes."""
    _configurations(
        {
            "a": {"team": "a", "env": "prod"},
            "b": {"team": "a"},
            "c": {"1": "x", 'a"b': "c'd", "e__f": "g.h", "i,j": "k=l"},
            "d": {},
        }
    )

    assert _found(labels="team=a") == ["a", "b"]
    assert _found(labels="team=a,env=prod") == ["a"]
    assert _found(labels="team=prod") == []
    assert _found(labels="1=x") == ["c"]
    assert _found(labels="a\"b=c'd,e__f=g.h") == ["c"]
    assert _found(labels='{"i,j": "k=l"}') == ["c"]


@pytest.mark.parametrize(
    "bad",
    ["", "team", "=a", "team=a,", "{}", '{"a": 1}', "{", "[1]", "a=\0", "a=b,a=c", "a=b,a=b",
     '{"a": "b", "a": "c"}', '{"a": "b", "a": 1}', '{"a":' * 5000],
)  # fmt: skip
def test_labels_that_are_none_are_refused(bad: str) -> None:
    """With an example of some."""
    with pytest.raises(Exception, match="team=a,env=prod"):
        _found(labels=bad)


@pytest.mark.parametrize(
    ("searched", "ids"),
    [
        ("A-ONE", ["a-one"]),
        ("name of", ["a-one", "b_two", "c%"]),
        ("_", ["b_two"]),
        ("%", ["c%"]),
        ("\\", []),
        ("PAYments", ["b_two"]),
        ("nearby", ["c%"]),
        ("tea", ["b_two"]),
        ("{", []),
        ('": "', []),
        ("x", []),
    ],
)
def test_a_search_finds_texts_within_ids_names_and_labels(searched: str, ids: list[str]) -> None:
    """Whatever the case; no sign has a meaning, and those around labels are no text."""
    _configurations({"a-one": {}, "b_two": {"team": "payments"}, "c%": {"Near": "Nearby"}})

    assert _found(q=searched) == ids


@pytest.mark.parametrize("searched", ['Y "h', "naï", "\\X", '"', "x/y", "E:"])
def test_a_search_finds_what_json_writes_otherwise(searched: str) -> None:
    """Quotes, backslashes, controls and letters beyond ASCII within labels."""
    _configurations({"a": {'say "hi"': "naïve\\x", "e:": "x/y"}, "b": {"team": "payments"}})

    assert _found(q=searched) == ["a"]


def test_a_count_is_of_all_that_match() -> None:
    """Whatever the page is, and where it begins."""
    _configurations({name: {} for name in ("a", "b", "c")})
    first = _page(CONFIGURATIONS, "limit=1&count=true")

    last = _page(CONFIGURATIONS, f"limit=2&count=true&cursor={quote(first.following or '')}")

    assert (first.count, last.count) == (3, 3)
    assert [row["id"] for row in last.rows] == ["b", "c"]
    assert last.following is None
