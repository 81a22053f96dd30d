"""The tree of RFC 6962: roots, proofs of inclusion and of consistency, and their verification.

A `Node` reader gives the hash of a whole subtree: `node(level, index)` is that of the leaves from
`index << level` to `(index + 1) << level`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def over(hashes: Sequence[bytes]) -> bytes:
    """The root of a tree whose leaves have these hashes."""
    if not hashes:
        return EMPTY_ROOT
    stack: list[tuple[int, bytes]] = []  # Whole subtrees, each smaller than the one before.
    for one in hashes:
        level, top = 0, one
        while stack and stack[-1][0] == level:
            top, level = node_hash(stack.pop()[1], top), level + 1
        stack.append((level, top))
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def root(size: int, node: Node) -> bytes:
    """The root of the first `size` leaves."""
    return _span(0, size, node) if size else EMPTY_ROOT


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """The proof that leaf `index` is one of the first `size`; from the leaf upwards."""
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _left(high - low)
        if index < middle:
            path.append(_span(middle, high, node))
            high = middle
        else:
            path.append(_span(low, middle, node))
            low = middle
    return path[::-1]


def consistency(old: int, size: int, node: Node) -> list[bytes]:
    """The proof that the first `size` leaves begin with the first `old`, which are no more."""
    if not 0 <= old <= size:
        raise ValueError(f"{old} of {size} leaves")
    if old in (0, size):
        return []
    low, high, path, is_whole = 0, size, [], True
    while old != high:
        middle = low + _left(high - low)
        if old <= middle:
            path.append(_span(middle, high, node))
            high = middle
        else:
            path.append(_span(low, middle, node))
            low, is_whole = middle, False
    if not is_whole:
        path.append(_span(low, high, node))
    return path[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that a proof of inclusion leads to; None for one of another length.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = node_hash(one, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, one)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def is_consistent(
    old: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether a proof shows that a tree grew from another.

    Source: RFC 9162, section 2.1.4.2.
    """
    if old > size or old < 0:
        return False
    if old == size:
        return old_root == new_root and not proof
    if old == 0:
        return old_root == EMPTY_ROOT and not proof
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(one, first), node_hash(one, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, one)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _left(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _span(low: int, high: int, node: Node) -> bytes:
    count = high - low
    if count & (count - 1) == 0 and low % count == 0:
        level = count.bit_length() - 1
        return node(level, low >> level)
    middle = low + _left(count)
    return node_hash(_span(low, middle, node), _span(middle, high, node))
