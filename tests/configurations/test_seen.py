"""Configurations that are seen: the database and the rules agree."""

from random import Random

import pytest
from django.utils import timezone

from access.sights import Sight
from configurations import seen
from configurations.models import Configuration
from events.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

_PIECES = ("a", "b", "-", ".", "_", "0")


def _text(random: Random, pieces: tuple[str, ...]) -> str:
    return random.choice("ab0") + "".join(random.choices(pieces, k=random.randrange(4)))


def test_rows_and_ids_are_seen_alike() -> None:
    """By globs and labels of any kind, of configurations that are there."""
    random, now = Random(1), timezone.now()
    labels = {
        _text(random, _PIECES): {key: random.choice("xy") for key in random.sample("k0", 1)}
        for _ in range(80)
    }
    Configuration.objects.bulk_create(
        Configuration(pk=pk, labels=own, version=1, created_at=now, updated_at=now)
        for pk, own in labels.items()
    )
    found_any = False
    for _ in range(100):
        ids = [_text(random, (*_PIECES, "*")) for _ in range(random.randrange(3))]
        chosen = {random.choice("k0"): random.choice("xy")} if random.random() < 0.5 else {}
        sight = Sight(tuple(ids), frozenset(chosen.items()))
        part = seen.by(sight)

        rows = set(Configuration.objects.filter(part.where()).values_list("pk", flat=True))
        expected = {pk for pk, own in labels.items() if sight.sees(pk, own)}
        assert rows == expected == {pk for pk in labels if pk in part}
        found_any = found_any or bool(expected)
    assert found_any


@pytest.mark.parametrize("sight", [Sight(("*",)), Sight(), Sight(labels=frozenset({("k", "x")}))])
def test_what_is_about_none_is_not_seen(sight: Sight) -> None:
    """An event without a configuration is not one of all."""
    Event.objects.create(kind="failed", message="m", created_at=timezone.now())
    part = seen.by(sight)

    assert not Event.objects.filter(part.where("configuration")).exists()
    assert "" not in part
    assert None not in part
