"""Bodies that a proxy compressed on their way, though nobody asked for it. Pure.

Source: RFC 1952.
"""

import zlib
from collections.abc import Iterator

from gitrepos.forge.wire.pkt_line import malformed

ENCODINGS = ("gzip", "x-gzip")

_PIECE_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class Unpacker:
    """A reader of gzip as it arrives, in pieces of 64 KiB at most."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces in the next bytes.

        Raises:
            BadAnswerError: it is no gzip.
        """
        is_full = False
        while chunk or is_full:
            if self._stream.eof and chunk:  # gzip may have several members.
                self._stream = zlib.decompressobj(_GZIP)
            try:
                piece = self._stream.decompress(chunk, _PIECE_BYTES)
            except zlib.error as exc:
                raise malformed("it is not compressed as it says") from exc
            chunk = self._stream.unconsumed_tail or self._stream.unused_data
            is_full = len(piece) == _PIECE_BYTES
            if piece:
                yield piece

    def end(self) -> None:
        """Check that it is complete.

        Raises:
            BadAnswerError: it is not.
        """
        if not self._stream.eof:
            raise malformed("it is cut short")
