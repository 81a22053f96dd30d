"""Lists of client keys, one for each kind of gateway: the only writer of `ClientKeyList`."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateways.models import ClientKey, ClientKeyList, Gateway
from gateways.registry.selectors import selects
from keeptrusts.api.errors import ConflictError

# A gateway reads no more.
MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ScopedKey:
    """A client key and the gateways that it is for; `entry` is None for a revoked one."""

    entry: Mapping[str, Any] | None
    gateways: Collection[str] | None
    selector: Mapping[str, str] | None

    def concerns(self, gateway_id: str, labels: Mapping[str, str]) -> bool:
        """Whether it is for a gateway with this id and these labels."""
        if self.gateways is not None:
            return gateway_id in self.gateways
        return selects(self.selector or {}, labels)


@dataclass(frozen=True, slots=True)
class KeyList:
    """A list in bytes. `is_managed`: a key is or was for its gateways, a revoked one included."""

    content: bytes
    content_hash: str
    is_managed: bool = True


class KeyLists:
    """The lists of all gateways, made once for those that have the same keys. Pure."""

    def __init__(self, keys: Iterable[ScopedKey]) -> None:
        self._keys = list(keys)
        self._named = {one for key in self._keys for one in key.gateways or ()}
        self._made: dict[Any, KeyList] = {}

    def of(self, gateway_id: str, labels: Mapping[str, str]) -> KeyList:
        """The list of a gateway, keys in the order in which they were given."""
        named = gateway_id if gateway_id in self._named else ""
        kind = (named, frozenset(labels.items()))
        if kind not in self._made:
            ours = [key for key in self._keys if key.concerns(named, labels)]
            entries = [key.entry for key in ours if key.entry is not None]
            self._made[kind] = key_list(entries, demanded=True, is_managed=bool(ours))
        return self._made[kind]


def key_list(
    entries: Collection[Mapping[str, Any]], *, demanded: bool, is_managed: bool = True
) -> KeyList:
    """A list of keys. Without `demanded` its gateways ask for none of them."""
    document = {"demanded": demanded, "keys": entries}
    content = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return KeyList(content, hashlib.sha256(content).hexdigest(), is_managed)


_OFF = key_list([], demanded=False)


def renew(rows: Iterable[Gateway], count: int) -> list[Gateway]:
    """Give each row the list of the keys that are for it; returns those with another list.

    Called after `count` was counted, which keeps keys and gateways as they are meanwhile.

    Raises:
        ConflictError: a list would be too large (`client_keys_too_large`).
    """
    lists, changed, stored = KeyLists(_scoped()), [], {}
    for row in rows:
        found = _wanted(row, lists.of(row.pk, row.labels))
        content_hash = found.content_hash if found else ""
        if content_hash == row.keys_hash:
            continue
        if found is not None:
            _check_size(row.pk, found)
            stored[content_hash] = found.content
        row.keys_hash, row.keys_seq = content_hash, count
        changed.append(row)
    ClientKeyList.objects.bulk_create(
        [ClientKeyList(pk=pk, content=content) for pk, content in stored.items()],
        ignore_conflicts=True,
    )
    return changed


def forget_unused() -> None:
    """Remove the lists that no gateway has any more, after the rows of `renew` were written."""
    used = Gateway.objects.exclude(keys_hash="").values("keys_hash")
    ClientKeyList.objects.exclude(content_hash__in=used).delete()


def _wanted(row: Gateway, found: KeyList) -> KeyList | None:
    """The list of a row, whose first key makes it ask for keys from then on; None without any."""
    if not row.client_keys and found.is_managed:
        row.client_keys = Gateway.ClientKeys.DEMANDED
    if row.client_keys == Gateway.ClientKeys.OFF:
        return _OFF
    return found if row.client_keys else None


def _scoped() -> Iterable[ScopedKey]:
    for row in ClientKey.objects.order_by("pk").iterator():
        yield scoped(row)
        # Where a key once was it is as a revoked one.
        yield from (_scoped_key(None, *scope) for scope in row.past_scopes or ())


def scoped(row: ClientKey) -> ScopedKey:
    """A row as a list has it, with the gateways that it is for."""
    entry = None if row.revoked_at is not None else _entry(row)
    return _scoped_key(entry, row.gateways, row.selector)


def _scoped_key(
    entry: Mapping[str, Any] | None,
    gateways: Collection[str] | None,
    selector: Mapping[str, str] | None,
) -> ScopedKey:
    return ScopedKey(entry, None if gateways is None else frozenset(gateways), selector)


def _entry(row: ClientKey) -> dict[str, Any]:
    """A key as it stands in a list, in the words of a gateway's file of keys."""
    entry = {
        "name": row.name,
        "sha256": [one for one in (row.digest, row.previous_digest) if one],
        "models": row.model_globs,
        "rate_limit": row.rate_limit,
        "token_budget": row.token_budget,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _check_size(gateway_id: str, found: KeyList) -> None:
    if len(found.content) > MOST_BYTES:
        raise ConflictError(
            "client_keys_too_large",
            f"The client keys of gateway {gateway_id!r} would take {len(found.content):,} bytes,"
            f" and it reads {MOST_BYTES:,}; give it fewer keys, or these fewer models.",
        )
