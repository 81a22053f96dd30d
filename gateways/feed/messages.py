"""Messages of the feed as server-sent events. Pure.

Source: WHATWG HTML, "Server-sent events".
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateways.feed.past import Batch
from gateways.feed.resources import EVENTS, LINKS, RESOURCES, of_action
from keeptrusts.api.printable import encode

PING = b": ping\n\n"
GOODBYE = b"event: goodbye\ndata: {}\n\n"
# A message, and the resource that it is about; empty for those that everybody hears.
Told = tuple[str, bytes]


def message(name: str, data: Any) -> bytes:
    """One message without its last line; its JSON has no line feeds."""
    return b"event: %b\ndata: %b\n" % (name.encode(), encode(data))


def of_batch(batch: Batch, *, with_counters: bool) -> list[Told]:
    """The messages of a batch. What changed twice is told once."""
    if batch.is_reset:
        return [("", message("reset", {}))]
    changed = dict.fromkeys(
        [*_audited(batch), *((LINKS, str(row["link_id"])) for row in batch.runs)]
    )
    told = [
        (name, message("change", _change(name, pk, batch.counts if with_counters else {})))
        for name, pk in changed
    ]
    return [*told, *((EVENTS, message("event", _event(row))) for row in batch.events)]


def joined(told: Iterable[Told], heard: frozenset[str], position: str = "") -> bytes:
    """The messages for whoever hears of some resources, with a position at the last; or nothing."""
    own = [data for name, data in told if not name or name in heard]
    if own and position:
        own[-1] += b"id: %b\n" % position.encode()
    return b"".join(b"%b\n" % data for data in own)


def opening(hears: Sequence[str], position: str, *, retry_ms: int) -> bytes:
    """The first message: which resources are heard of, and where the feed stands, if it is said."""
    told = message("open", {"resources": hears})
    return b"retry: %d\n%b\n" % (
        retry_ms,
        told + (b"id: %b\n" % position.encode() if position else b""),
    )


def _audited(batch: Batch) -> Sequence[tuple[str, str]]:
    found = []
    for row in batch.audited:
        name = of_action(row["action"])
        # The log has a request under the id of what it changes.
        pk = row["after__request"] if name == "requests" else row["target"]
        if name and pk is not None:
            found.append((name, str(pk)))
    return found


def _change(name: str, pk: str, counts: Mapping[str, int]) -> Mapping[str, Any]:
    return {"resource": name, "id": pk, "counter": counts.get(RESOURCES[name].counter)}


def _event(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in row.items() if name != "pk"}
