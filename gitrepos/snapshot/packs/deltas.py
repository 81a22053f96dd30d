"""Deltas of git: an object as pieces of another one. Pure.

Source: gitformat-pack(5), "Deltified representation".
"""

from gitrepos.snapshot.packs.errors import UncleanError

_COPY = 0x80
_MOST_COPIED = 0x10000  # What a size of no bytes stands for.
# Ten million: no size that is allowed has more digits.
_MAX_SHIFT = 28


def sizes(delta: bytes) -> tuple[int, int, int]:
    """The sizes of base and result in bytes, and where the instructions begin.

    Raises:
        UncleanError: there are no two sizes.
    """
    base, at = _size(delta, 0)
    result, at = _size(delta, at)
    return base, result, at


def applied(base: bytes, delta: bytes, *, result: int, at: int) -> bytes:
    """The object of `result` bytes that the instructions at `at` make of `base`.

    It is never longer than that, whatever they say.

    Raises:
        UncleanError: they copy from outside the base, are cut short, or make another size.
    """
    view = memoryview(base)
    pieces: list[bytes | memoryview] = []
    size, length, end = len(base), 0, len(delta)
    try:
        while at < end:
            code = delta[at]
            at += 1
            if code & _COPY:
                start = taken = 0
                for bit in range(4):
                    if code & 1 << bit:
                        start |= delta[at] << 8 * bit
                        at += 1
                for bit in range(3):
                    if code & 0x10 << bit:
                        taken |= delta[at] << 8 * bit
                        at += 1
                taken = taken or _MOST_COPIED
                if start + taken > size:
                    raise UncleanError("a delta copies from outside its base")
                pieces.append(view[start : start + taken])
                length += taken
            elif code:
                if at + code > end:
                    raise UncleanError("a delta is cut short")
                pieces.append(delta[at : at + code])
                at += code
                length += code
            else:
                raise UncleanError("a delta has an instruction that means nothing")
            if length > result:
                raise UncleanError("a delta makes more than it says")
    except IndexError as exc:
        raise UncleanError("a delta is cut short") from exc
    if length != result:
        raise UncleanError("a delta makes less than it says")
    return b"".join(pieces)


def _size(delta: bytes, at: int) -> tuple[int, int]:
    """A size, seven bits a byte and the lowest first, and what is behind it."""
    size = shift = 0
    while True:
        if at >= len(delta) or shift > _MAX_SHIFT:
            raise UncleanError("a delta has no size")
        byte = delta[at]
        at += 1
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return size, at
