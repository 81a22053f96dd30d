"""Objects of a pack, each with its id, within bounds that hold before anything is allocated. Pure.

Source: gitformat-pack(5).
"""

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from gitrepos.snapshot.packs import deltas
from gitrepos.snapshot.packs.errors import UncleanError

COMMIT, TREE, BLOB = b"commit", b"tree", b"blob"

MAX_OBJECTS = 200_000
# Of all objects together, those included that others are made from; a deep chain passes it soon.
MAX_BYTES = 64 * 1024 * 1024
# Of deltas alone: each of their bytes may be a step.
MAX_DELTA_BYTES = 4 * 1024 * 1024
# As deep as git itself can be told to make them.
MAX_DEPTH = 4095

_SHA256_BYTES = 32
_HEAD_BYTES = 12
_HEAD = b"PACK\0\0\0\2"
# The head of an object, and what zlib makes of nothing.
_LEAST_OBJECT_BYTES = 9
# Tags come for signatures, which git verifies.
_KINDS = {1: COMMIT, 2: TREE, 3: BLOB}
_OFS_DELTA, _REF_DELTA = 6, 7
_MAX_SIZE_SHIFT = 32
_MAX_OFFSET = 1 << 32


class Stored(NamedTuple):
    """An object: its kind, and its content."""

    kind: bytes
    content: bytes


Objects = dict[bytes, Stored]
"""Objects by their ids, which are bytes."""


def name(kind: bytes, content: bytes, *, id_bytes: int) -> bytes:
    """The id of an object: 20 bytes by sha1, 32 by sha256."""
    digest = _hash(id_bytes)(b"%s %d\0" % (kind, len(content)))
    digest.update(content)
    found: bytes = digest.digest()
    return found


def objects(pack: bytes, *, id_bytes: int) -> Objects:
    """The objects of a pack that is whole in itself, each with an id computed from its content.

    Raises:
        UncleanError: it breaks the format or a bound, has an object twice, a tag, or a delta whose
            base is not in it.
    """
    end = len(pack) - id_bytes
    if end < _HEAD_BYTES or not pack.startswith(_HEAD):
        raise UncleanError("it is no pack of version 2")
    count = int.from_bytes(pack[len(_HEAD) : _HEAD_BYTES], "big")
    if count > min(MAX_OBJECTS, (end - _HEAD_BYTES) // _LEAST_OBJECT_BYTES):
        raise UncleanError("it has too many objects")
    view = memoryview(pack)[:end]
    if _hash(id_bytes)(view).digest() != pack[end:]:
        raise UncleanError("its checksum is wrong")
    reader = _Reader(view, id_bytes)
    reader.read(count)
    return reader.objects


def _hash(id_bytes: int) -> Callable[..., Any]:
    return hashlib.sha256 if id_bytes == _SHA256_BYTES else _sha1


# By sha1 git names objects; what it proves is in docs/decisions.
_sha1 = partial(hashlib.sha1, usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class _Delta:
    """A delta that waits for its base: where it stands in the pack, and what it says."""

    at: int
    content: bytes


class _Reader:
    """The reader of one pack. `view` is all of it but the checksum."""

    def __init__(self, view: memoryview, id_bytes: int) -> None:
        self.objects: Objects = {}
        self._view, self._id_bytes = view, id_bytes
        self._left = MAX_BYTES
        self._delta_left = MAX_DELTA_BYTES
        self._here: dict[int, bytes] = {}  # Ids by where objects stand.
        self._depths: dict[bytes, int] = {}
        # By the base, which is a place or an id.
        self._waiting: defaultdict[int | bytes, list[_Delta]] = defaultdict(list)

    def read(self, count: int) -> None:
        """Read so many objects, which are all."""
        at = _HEAD_BYTES
        for _ in range(count):
            at = self._object(at)
        if at != len(self._view):
            raise UncleanError("it goes on after its last object")
        if self._waiting:
            raise UncleanError("a delta has no base here")

    def _object(self, start: int) -> int:
        """Read the object at `start`; returns where the next one is."""
        number, size, at = self._head(start)
        base: int | bytes | None = None
        if number == _OFS_DELTA:
            base, at = self._place(start, at)
        elif number == _REF_DELTA:
            base, at = bytes(self._view[at : at + self._id_bytes]), at + self._id_bytes
        elif number not in _KINDS:
            raise UncleanError("an object is of a kind that was not asked for")
        if base is not None:
            self._delta_left -= size
            if self._delta_left < 0:
                raise UncleanError("its deltas are too large together")
        content, at = self._inflated(at, size)
        if base is None:
            self._add(start, _KINDS[number], content, 0)
        else:
            self._resolve(base, _Delta(start, content))
        return at

    def _resolve(self, base: int | bytes, delta: _Delta) -> None:
        """Make the object of a delta, now or once its base is there."""
        base_id = self._here.get(base) if isinstance(base, int) else base
        if base_id in self._depths:
            self._add(delta.at, *self._made(base_id, delta))
        else:
            self._waiting[base].append(delta)

    def _head(self, at: int) -> tuple[int, int, int]:
        """The kind's number and the size of the object at a place, and what is behind these."""
        view, end = self._view, len(self._view)
        if at >= end:
            raise UncleanError("it is cut short")
        byte = view[at]
        at += 1
        number, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 128:
            if at >= end or shift > _MAX_SIZE_SHIFT:
                raise UncleanError("an object has no size")
            byte = view[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
        return number, size, at

    def _place(self, start: int, at: int) -> tuple[int, int]:
        """The place of the base of the delta at `start`, and what is behind the words on it."""
        view, end = self._view, len(self._view)
        back = -1
        while True:
            if at >= end or back > _MAX_OFFSET:
                raise UncleanError("a delta has no base")
            byte = view[at]
            at += 1
            back = (back + 1) << 7 | byte & 127
            if byte < 128:
                break
        # What is behind it, or in the middle of another object, is never met, and so found out.
        return start - back, at

    def _inflated(self, at: int, size: int) -> tuple[bytes, int]:
        """The content of `size` bytes that is packed at a place, and what is behind it."""
        self._take(size)
        view, end = self._view, len(self._view)
        inflate = zlib.decompressobj()
        # As much as zlib needs at worst: what it did not need, it copies.
        window = size + (size >> 12) + (size >> 14) + 64
        content = b""
        try:
            while not inflate.eof:
                if at >= end:
                    raise UncleanError("it is cut short")
                stop = min(at + window, end)
                # One byte more than it should have shows what has more.
                part = inflate.decompress(view[at:stop], size + 1 - len(content))
                content = content + part if content else part
                at = stop
                if len(content) > size:
                    raise UncleanError("an object is larger than it says")
        except zlib.error as exc:
            raise UncleanError("an object cannot be unpacked") from exc
        if len(content) != size:
            raise UncleanError("an object is smaller than it says")
        return content, at - len(inflate.unused_data)

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise UncleanError("its objects are too large together")

    def _add(self, start: int, kind: bytes, content: bytes, depth: int) -> None:
        """Keep an object, and all that waited for it, without a call for each step of a chain."""
        waiting = self._kept(start, kind, content, depth)
        while waiting:
            base, delta = waiting.pop()
            waiting += self._kept(delta.at, *self._made(base, delta))

    def _made(self, base: bytes, delta: _Delta) -> tuple[bytes, bytes, int]:
        """The kind, content and depth of what a delta makes of a base."""
        kind, content = self.objects[base]
        depth = self._depths[base] + 1
        base_size, result, at = deltas.sizes(delta.content)
        if base_size != len(content) or depth > MAX_DEPTH:
            raise UncleanError("a delta is of another base, or of too many")
        self._take(result)
        return kind, deltas.applied(content, delta.content, result=result, at=at), depth

    def _kept(
        self, start: int, kind: bytes, content: bytes, depth: int
    ) -> list[tuple[bytes, _Delta]]:
        """Keep an object; returns its id with each of the deltas that waited for it."""
        found = name(kind, content, id_bytes=self._id_bytes)
        if found in self.objects:
            raise UncleanError("it has an object twice")
        self.objects[found] = Stored(kind, content)
        self._here[start], self._depths[found] = found, depth
        if not self._waiting:
            return []
        behind = (*self._waiting.pop(start, ()), *self._waiting.pop(found, ()))
        return [(found, delta) for delta in behind]
