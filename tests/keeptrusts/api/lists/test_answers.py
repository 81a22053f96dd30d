"""Answers of lists that are kept."""

from django.utils import timezone
from rest_framework.test import APIClient

from gateways.models import Gateway
from keeptrusts.api.lists.answers import Kept


def test_what_was_used_last_is_kept() -> None:
    """So many bytes at most, whatever their number."""
    kept = Kept(100)
    for name in "abcd":
        kept.keep((name,), name.encode() * 25)

    kept.get(("a",))
    kept.keep(("e",), b"e" * 25)

    assert [name for name in "abcde" if kept.get((name,)) is not None] == ["a", "c", "d", "e"]


def test_one_that_is_large_leaves_the_others() -> None:
    """It is answered, and not kept."""
    kept = Kept(100)
    kept.keep(("a",), b"a" * 25)

    kept.keep(("b",), b"b" * 26)

    assert (kept.get(("a",)), kept.get(("b",))) == (b"a" * 25, None)


def test_another_of_the_same_takes_its_place() -> None:
    """And its bytes count once."""
    kept = Kept(40)
    for _ in range(10):
        kept.keep(("a",), b"a" * 10)
    kept.keep(("b",), b"b" * 10)

    assert (kept.get(("a",)), kept.get(("b",))) == (b"a" * 10, b"b" * 10)


def test_what_was_never_counted_is_read_each_time(admin: APIClient) -> None:
    """No count says that nothing changed since."""
    assert admin.get("/v1/gateways").json() == {"data": []}

    now = timezone.now()
    Gateway.objects.create(id="uncounted", created_at=now, updated_at=now, changed_seq=1)

    assert [row["id"] for row in admin.get("/v1/gateways").json()["data"]] == ["uncounted"]
