"""Packs written by hand, byte for byte: whole objects, deltas, and what no git would write."""

import hashlib
import zlib
from collections.abc import Iterable

COMMIT, TREE, BLOB, TAG, OFS_DELTA, REF_DELTA = 1, 2, 3, 4, 6, 7
WORDS = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}


def head_of(kind: int, size: int) -> bytes:
    """The type and size before each object. Source: gitformat-pack(5)."""
    first, size = (kind << 4) | (size & 15), size >> 4
    said = []
    while size:
        said.append(first | 128)
        first, size = size & 127, size >> 7
    return bytes([*said, first])


def number(value: int) -> bytes:
    """A size within a delta: seven bits a byte, the lowest first."""
    said = b""
    while value > 127:
        said, value = said + bytes([value & 127 | 128]), value >> 7
    return said + bytes([value])


def back(distance: int) -> bytes:
    """How far before a delta its base stands: seven bits a byte, the highest first, less one."""
    said = bytes([distance & 127])
    while distance := distance >> 7:
        distance -= 1
        said = bytes([distance & 127 | 128]) + said
    return said


def name(kind: int, content: bytes, *, sha256: bool = False) -> bytes:
    """The id of an object."""
    new = hashlib.sha256 if sha256 else hashlib.sha1
    return new(b"%s %d\0%s" % (WORDS[kind], len(content), content)).digest()


def whole_object(kind: int, content: bytes) -> bytes:
    """An object as it stands in a pack."""
    return head_of(kind, len(content)) + zlib.compress(content)


def by_ref(base: bytes, delta: bytes) -> bytes:
    """A delta upon the object with the id `base`."""
    return head_of(REF_DELTA, len(delta)) + base + zlib.compress(delta)


def by_place(distance: int, delta: bytes) -> bytes:
    """A delta upon the object that begins so many bytes before it."""
    return head_of(OFS_DELTA, len(delta)) + back(distance) + zlib.compress(delta)


def copied(start: int, size: int) -> bytes:
    """The instruction that copies from the base."""
    said, code = b"", 0x80
    for bit in range(4):
        if byte := start >> 8 * bit & 255:
            said, code = said + bytes([byte]), code | 1 << bit
    for bit in range(3):
        if byte := size >> 8 * bit & 255:
            said, code = said + bytes([byte]), code | 0x10 << bit
    return bytes([code]) + said


def inserted(content: bytes) -> bytes:
    """The instructions that add bytes of their own."""
    parts = [content[at : at + 127] for at in range(0, len(content), 127)]
    return b"".join(bytes([len(part)]) + part for part in parts)


def delta(base: bytes, result: bytes) -> bytes:
    """A delta that copies what both begin with, and adds the rest."""
    same = 0
    while same < min(len(base), len(result), 0xFFFFFF) and base[same] == result[same]:
        same += 1
    copy = copied(0, same) if same else b""
    return number(len(base)) + number(len(result)) + copy + inserted(result[same:])


def sealed(body: bytes, *, sha256: bool = False) -> bytes:
    """A pack with its checksum, which is right whatever stands before it."""
    return body + (hashlib.sha256 if sha256 else hashlib.sha1)(body).digest()


def packed(objects: Iterable[bytes], *, count: int | None = None, sha256: bool = False) -> bytes:
    """A pack of objects; with `count` it says that these are so many."""
    listed = list(objects)
    said = len(listed) if count is None else count
    return sealed(b"PACK\0\0\0\2" + said.to_bytes(4, "big") + b"".join(listed), sha256=sha256)
