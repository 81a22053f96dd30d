"""Pieces of texts, since no model reads without end, and scores of them that are remembered."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from kt.gateway.upstream.models.backend import Labelled

# Azure takes no more characters at once. What stands across an end stands whole in one of two.
LONGEST = 10_000
_OVERLAP = 500
_MOST = 10_000
_SECONDS = 3600.0


def pieces(text: str) -> list[str]:
    """A text as pieces of at most 10,000 characters, each of which begins in the one before."""
    if len(text) <= LONGEST:
        return [text]
    step = LONGEST - _OVERLAP
    return [text[start : start + LONGEST] for start in range(0, len(text) - _OVERLAP, step)]


class Remembered:
    """The scores of the last 10,000 pieces, for an hour. Of a piece its hash is kept alone."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[float, Labelled]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: bytes, now: float) -> Labelled | None:
        """The scores of a piece, None where they are not known any more."""
        at, found = self._kept.get(key, (0.0, None))
        if found is None or now - at > _SECONDS:
            return None
        self._kept.move_to_end(key)
        return found

    def keep(self, key: bytes, scores: Labelled, now: float) -> None:
        """Keep the scores of a piece."""
        self._kept[key] = (now, scores)
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)


def piece_key(model: str, piece: str) -> bytes:
    """The key of a piece. Half of a surrogate pair, which JSON may hold, is a character too."""
    data = f"{model}\0{piece}".encode("utf-8", "surrogatepass")
    return sha256(data).digest()
