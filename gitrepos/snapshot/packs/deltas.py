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

    No more than that and one step is made, whatever they say.

    Raises:
        UncleanError: they copy from outside the base, are cut short, or make another size.
    """
    view = memoryview(base)
    made = bytearray()  # A piece is a byte in a hostile delta, so that a list would be large.
    size, end = len(base), len(delta)
    try:
        while at < end:
            code = delta[at]
            at += 1
            if code & _COPY:
                start = taken = 0
                # Written out: nearly all the time of a hostile delta goes by here.
                if code & 0x01:
                    start = delta[at]
                    at += 1
                if code & 0x02:
                    start |= delta[at] << 8
                    at += 1
                if code & 0x04:
                    start |= delta[at] << 16
                    at += 1
                if code & 0x08:
                    start |= delta[at] << 24
                    at += 1
                if code & 0x10:
                    taken = delta[at]
                    at += 1
                if code & 0x20:
                    taken |= delta[at] << 8
                    at += 1
                if code & 0x40:
                    taken |= delta[at] << 16
                    at += 1
                taken = taken or _MOST_COPIED
                if start + taken > size:
                    raise UncleanError("a delta copies from outside its base")
                made += view[start : start + taken]
            elif code:
                if at + code > end:
                    raise UncleanError("a delta is cut short")
                made += delta[at : at + code]
                at += code
            else:
                raise UncleanError("a delta has an instruction that means nothing")
            if len(made) > result:
                raise UncleanError("a delta makes more than it says")
    except IndexError as exc:
        raise UncleanError("a delta is cut short") from exc
    if len(made) != result:
        raise UncleanError("a delta makes less than it says")
    return bytes(made)


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
