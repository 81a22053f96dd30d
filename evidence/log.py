"""Appending to the log: the only writer of entries and of their values."""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from evidence.models import Entry, Hidden
from kt.evidence import leaves
from kt.evidence.leaves import Opened

Given = Mapping[str, Any]
_AT_ONCE = 500


def append(kind: str, given: Given, *, at: datetime | None = None) -> None:
    """Add a leaf of what is known, in the transaction that makes it true.

    Whatever the values are, it does not fail on them: what is not in the form of a fact is
    committed to.
    """
    append_all(kind, [given], at=at)


def append_all(kind: str, several: Iterable[Given], *, at: datetime | None = None) -> None:
    """Add a leaf for each of many, as `append` does."""
    moment = (at or timezone.now()).astimezone(UTC)
    made = [_made(kind, moment, given) for given in several]
    Entry.objects.bulk_create([_entry(one, moment) for one in made], batch_size=_AT_ONCE)
    hidden = [_hidden(one) for one in made if one.values]
    if hidden:
        Hidden.objects.bulk_create(hidden, batch_size=_AT_ONCE)


def _made(kind: str, moment: datetime, given: Given) -> Opened:
    plain = {name: _plain(value) for name, value in given.items()}
    return leaves.made(kind, shown(moment), plain, chance=os.urandom(leaves.chance_bytes(plain)))


def shown(moment: datetime) -> str:
    """A time in the form that leaves have."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return shown(value)
    return str(value) if isinstance(value, UUID) else value


def _entry(made: Opened, moment: datetime) -> Entry:
    leaf = made.leaf
    return Entry(
        kind=leaf.kind, subject=leaf.subject, number=leaf.facts.get("version"), at=moment,
        leaf=leaf.encoded(),
    )  # fmt: skip


def _hidden(made: Opened) -> Hidden:
    values = {name: [salt, value] for name, (salt, value) in made.values.items()}
    return Hidden(nonce=UUID(made.leaf.nonce), values=values)
