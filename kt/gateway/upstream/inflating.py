"""Undoing the compression of an answer, which a target may send although it was asked not to."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_PIECE_BYTES = 1 << 16
_GZIP_WINDOW = zlib.MAX_WBITS | 16
_ZLIB_METHOD = 8


class InflateError(Exception):
    """The compressed bytes are broken, or end too early."""


class Inflater:
    """Decompresses one answer, in pieces of bounded size however much its bytes stand for."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream: zlib._Decompress | None = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The text of the next bytes.

        Raises:
            InflateError: they are broken.
        """
        while data:
            stream = self._stream = self._stream or zlib.decompressobj(self._window(data))
            yield from self._inflated(stream, data)
            # Behind the end another member may follow, which is more of the same text.
            data = stream.unused_data
            if stream.eof:
                self._stream = None

    def finish(self) -> None:
        """Note the end of the bytes.

        Raises:
            InflateError: they ended too early.
        """
        if self._stream is not None:
            raise InflateError("the compressed bytes ended too early")

    def _inflated(self, stream: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        while not stream.eof:
            try:
                piece = stream.decompress(data, _PIECE_BYTES)
            except zlib.error as exc:
                raise InflateError("the compressed bytes are broken") from exc
            if piece:
                yield piece
            data = stream.unconsumed_tail
            if not data and len(piece) < _PIECE_BYTES:
                return

    def _window(self, data: bytes) -> int:
        if self._coding != "deflate":
            return _GZIP_WINDOW
        # Some servers leave out the header that `deflate` should have.
        bare = data[0] & 0x0F != _ZLIB_METHOD
        return -zlib.MAX_WBITS if bare else zlib.MAX_WBITS
