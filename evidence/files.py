"""Files of evidence: entries with proofs, a checkpoint, and the values that are not erased."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from evidence import keys, log, standing, trees
from evidence.models import Entry, Hidden, SignedCheckpoint
from keeptrusts.api.errors import BusyError, NotFoundError
from kt.evidence import leaves, statements, tree
from kt.evidence.notes import checkpoint, read
from kt.evidence.proofs import FORMAT


def of_gateway(gateway_id: str, at: datetime, *, since: int | None = None) -> dict[str, Any]:
    """The file about a gateway at a time; `since` is the size of a checkpoint that somebody has.

    Raises:
        BusyError: the newest of it is not sealed yet.
        NotFoundError: nothing is known of it at that time.
    """
    question = {"gateway": gateway_id, "at": log.shown(at)}
    return _file(question, standing.of_gateway(gateway_id, at), at, since)


def of_configuration(
    configuration_id: str, at: datetime, *, since: int | None = None
) -> dict[str, Any]:
    """The file about a configuration at a time, as `of_gateway`."""
    question = {"configuration": configuration_id, "at": log.shown(at)}
    return _file(question, standing.of_configuration(configuration_id, at), at, since)


def statement(file: Mapping[str, Any]) -> dict[str, Any]:
    """A file as a statement of in-toto, in an envelope of DSSE.

    Raises:
        SealError: no configured key opens the log's.
    """
    signer = keys.load()
    return statements.envelope(file, signer.verifier, signer.raw)


def _file(
    question: Mapping[str, str], entries: Sequence[Entry], at: datetime, since: int | None
) -> dict[str, Any]:
    by = keys.verifier()
    if not entries:
        raise NotFoundError("evidence of that time")
    if by is None or any(entry.index is None for entry in entries):
        raise BusyError("The newest of this is not sealed yet; ask again in a second.")
    grouped: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        assert entry.epoch is not None
        grouped[entry.epoch].append(entry)
    for first in _gaps(grouped, at):
        grouped[first.epoch or 0].insert(0, first)
    values = _values([one for some in grouped.values() for one in some])
    parts = [_part(epoch, grouped[epoch], values, since) for epoch in sorted(grouped)]
    return {"format": FORMAT, "question": dict(question), "key": by.text(), "trees": parts}


def _gaps(epochs: Collection[int], at: datetime) -> Iterable[Entry]:
    """The first entries of these trees, and of those before which what was lost may be older than
    a moment: each tells of a gap.
    """
    before = Entry.objects.filter(epoch=OuterRef("epoch") - 1).order_by("-index")
    firsts = Entry.objects.filter(epoch__gt=1, index=0)
    return firsts.annotate(left_at=Subquery(before.values("at")[:1])).filter(
        Q(epoch__in=epochs) | Q(left_at=None) | Q(left_at__lte=at)
    )


def _part(
    epoch: int, entries: Sequence[Entry], values: Mapping[UUID, Any], since: int | None
) -> dict[str, Any]:
    """The entries of one tree, upon its newest checkpoint that covers all: best a witnessed one."""
    last = max(entry.index or 0 for entry in entries)
    rows = SignedCheckpoint.objects.filter(epoch=epoch, size__gt=last).order_by("-size")
    row = rows.exclude(cosignatures=[]).first() or rows.first()
    assert row is not None
    note = read(row.note + "".join(row.cosignatures))
    size = checkpoint(note.body).size
    tiles = trees.tiles(epoch, size)
    part = {
        "epoch": epoch,
        "checkpoint": note.text(),
        "entries": [_shown(one, values, _path(one, size, tiles.node)) for one in entries],
    }
    if since is not None and since <= size:
        part["since"] = {"size": since, "proof": _hex(tree.consistency(since, size, tiles.node))}
    return part


def _path(entry: Entry, size: int, node: tree.Node) -> list[str]:
    return _hex(tree.inclusion(entry.index or 0, size, node))


def _shown(entry: Entry, values: Mapping[UUID, Any], proof: list[str]) -> dict[str, Any]:
    data = bytes(entry.leaf)
    known = values.get(UUID(leaves.read(data).nonce), {})
    return {"index": entry.index, "leaf": data.decode(), "proof": proof, "values": known}


def _values(entries: Iterable[Entry]) -> Mapping[UUID, Any]:
    nonces = [UUID(leaves.read(bytes(entry.leaf)).nonce) for entry in entries]
    return dict(Hidden.objects.filter(pk__in=nonces).values_list("nonce", "values"))


def _hex(hashes: Iterable[bytes]) -> list[str]:
    return [one.hex() for one in hashes]
