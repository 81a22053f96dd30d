"""Appending to the log: the only writer of entries and of their values."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from evidence.models import Entry, Hidden
from keeptrusts import times
from keeptrusts.database import insert
from kt.evidence import leaves
from kt.evidence.leaves import Opened

Given = Mapping[str, Any]


class Fact(NamedTuple):
    """What a leaf is to tell: its kind, and what is known by name."""

    kind: str
    given: Given


def append(facts: Iterable[Fact], *, at: datetime | None = None) -> None:
    """Add a leaf for each fact, in the transaction that makes it true, by one statement.

    Whatever the values are, it does not fail on them: what is not in the form of a fact is
    committed to.
    """
    insert(*rows(facts, at=at))


def rows(
    facts: Iterable[Fact], *, at: datetime | None = None
) -> tuple[Sequence[Entry], Sequence[Hidden]]:
    """The rows that `append` adds, for whoever adds others by the same statement."""
    moment = (at or timezone.now()).astimezone(UTC)
    made = [_made(kind, moment, given) for kind, given in facts]
    return [_entry(one, moment) for one in made], [_hidden(one) for one in made if one.values]


def _made(kind: str, moment: datetime, given: Given) -> Opened:
    plain = {name: _plain(value) for name, value in given.items()}
    return leaves.made(kind, shown(moment), plain, chance=os.urandom(leaves.chance_bytes(plain)))


def shown(moment: datetime) -> str:
    """A time in the form that leaves have."""
    return times.exact(moment)


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
