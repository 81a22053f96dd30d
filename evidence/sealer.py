"""Sealing: entries get their places in the tree, and a checkpoint is signed; once a second.

One sealer works at a time, and takes only what is of transactions that are over. So a place once
given never moves, and appending waits for nobody.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from evidence import keys, log, trees
from evidence.log import Fact
from evidence.models import Entry, Epoch, SignedCheckpoint
from keeptrusts.processes.due import Moment
from kt.evidence import leaves
from kt.evidence.notes import Checkpoint, Note
from kt.evidence.tree import EMPTY_ROOT, leaf_hash

_MOST_AT_ONCE = 5000
# Of nobody else in this database: the first bytes of a name.
_LOCK = int.from_bytes(b"evidence") >> 1

_PLACE = """
UPDATE evidence_entry SET epoch = %s, "index" = placed.place FROM (
  SELECT id, %s - 1 + row_number() OVER (ORDER BY id) AS place FROM evidence_entry
  WHERE id IN (SELECT {value} FROM {ids})
) AS placed WHERE placed.id = evidence_entry.id
"""


def seal() -> int:
    """Seal what may be sealed, and return how many entries that were; 0 where another sealer works.

    Raises:
        SealError: no configured key opens the log's.
    """
    if not Entry.objects.filter(index=None).exists() and Epoch.objects.exists():
        return 0
    with transaction.atomic():
        return _seal(timezone.now()) if _is_alone() else 0


_has_begun = False


def has_begun() -> bool:
    """Whether there was an epoch at any time. No process sees the last one go."""
    global _has_begun
    _has_begun = _has_begun or Epoch.objects.exists()
    return _has_begun


def due_rows(_: Moment) -> Iterable[QuerySet[Any]]:
    """What the sealer is told of: entries that wait for their places."""
    return (Entry.objects.filter(index=None),)


def begin_epoch(*, held: Checkpoint | None = None) -> int:
    """Begin a new tree, whose first entry tells the last checkpoint of the one before.

    `held` is the newest checkpoint of it that somebody else holds. Returns the epoch's number.
    """
    with transaction.atomic():
        while not _is_alone():
            _wait()
        before, now = _newest(timezone.now()), timezone.now()
        number = before.number + 1
        _begin(number, before, now, held=held)
        _seal(now)
        return number


def follow_restore() -> None:
    """Begin a new epoch where a backup brought a log: what came after it is a gap, and told so."""
    if Epoch.objects.exists():
        begin_epoch()


def _seal(now: datetime) -> int:
    epoch = _newest(now)
    rows = Entry.objects.filter(_over(), index=None).order_by("pk")
    found = list(rows.values_list("pk", "leaf")[:_MOST_AT_ONCE])
    if not found:
        return 0
    _place(epoch, [pk for pk, _ in found])
    tiles = trees.tiles(epoch.number, epoch.size)
    tiles.append([leaf_hash(bytes(leaf)) for _, leaf in found])
    trees.write(epoch.number, tiles.changed)
    root = tiles.root()
    epoch.size, epoch.root = tiles.size, root.hex()
    epoch.save(update_fields=["size", "root"])
    sign(epoch, root, now)
    return len(found)


def _is_alone() -> bool:
    """Whether this is the one sealer until the transaction ends."""
    if connection.vendor != "postgresql":
        return True  # Of SQLite's writers there is one.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _wait() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _over() -> Q:
    """Entries of transactions that are over, or of this one."""
    if connection.vendor != "postgresql":
        return Q()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(now.shot)::text::bigint,"
            " pg_snapshot_xmax(now.shot)::text::bigint,"
            " coalesce(pg_current_xact_id_if_assigned()::text::bigint, 0)"
            " FROM pg_current_snapshot() AS now(shot)"
        )
        oldest_open, next_one, own = cursor.fetchone()
    # A number that is not given yet is of the server that the database came from by a backup.
    return Q(transaction__lt=oldest_open) | Q(transaction__gte=next_one) | Q(transaction=own)


def _newest(now: datetime) -> Epoch:
    return Epoch.objects.order_by("-number").first() or _begin(1, None, now)


def _begin(
    number: int, before: Epoch | None, now: datetime, *, held: Checkpoint | None = None
) -> Epoch:
    given: dict[str, object] = {"epoch": number}
    if before is not None:
        given |= {"known_size": before.size, "known_root": before.root}
    if held is not None:
        given |= {"held_size": held.size, "held_root": held.root.hex()}
    row = Epoch.objects.create(number=number, root=EMPTY_ROOT.hex(), began_at=now)
    # Its first entry stands before all that waits.
    log.append([Fact("epoch", given)], at=now)
    if before is None:
        log.append(_standing(), at=now)
    first = Entry.objects.filter(kind="epoch", index=None).latest("pk")
    Entry.objects.filter(pk=first.pk).update(epoch=number, index=0)
    tiles = trees.tiles(number, 0)
    tiles.append([leaf_hash(bytes(first.leaf))])
    trees.write(number, tiles.changed)
    row.size, row.root = 1, tiles.root().hex()
    row.save(update_fields=["size", "root"])
    sign(row, tiles.root(), now)
    return row


def _standing() -> Iterator[Fact]:
    """What stood before there was a log, as in an installation of an earlier release."""
    known = set(Entry.objects.values_list("kind", "subject").distinct())
    for name in settings.STANDING:
        for fact in import_string(name)():
            if (fact.kind, leaves.subject(fact.given)) not in known:
                yield fact


def _place(epoch: Epoch, entry_ids: list[int]) -> None:
    if connection.vendor == "postgresql":
        told: list[int] | str = entry_ids
        how = {"value": "one", "ids": "unnest(%s::bigint[]) AS ids(one)"}
    else:
        told, how = json.dumps(entry_ids), {"value": "value", "ids": "json_each(%s)"}
    with connection.cursor() as cursor:
        cursor.execute(_PLACE.format(**how), [epoch.number, epoch.size, told])


def sign(epoch: Epoch, root: bytes, now: datetime) -> None:
    """Sign a checkpoint of an epoch's present size; within the sealer's lock."""
    signer = keys.load()
    body = Checkpoint(keys.origin(signer.name, epoch.number), epoch.size, root).body()
    note = Note(body).signed_also(signer.note(body)).text()
    # Those that no witness signed prove nothing that this one does not.
    past = SignedCheckpoint.objects.filter(epoch=epoch.number, cosignatures=[])
    past.filter(size__lt=epoch.size).delete()
    SignedCheckpoint.objects.create(epoch=epoch.number, size=epoch.size, note=note, created_at=now)
