"""Bodies that a proxy compressed on their way, though nobody asked for it. Pure.

Source: RFC 1952.
"""

import zlib
from collections.abc import Iterator

from gitrepos.errors import TooLargeError
from gitrepos.forge.wire.pkt_line import malformed

_PLAIN, _COMPRESSED = ("", "identity"), ("gzip", "x-gzip")
_PIECE_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class BodyReader:
    """A reader of a body as it arrives, by its `Content-Encoding`; unpacked if that is gzip.

    Raises:
        BadAnswerError: it is compressed in another way.
    """

    def __init__(self, encoding: str, *, max_bytes: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in _PLAIN + _COMPRESSED:
            raise malformed("it is compressed")
        self._unpacker = Unpacker() if encoding in _COMPRESSED else None
        self._max_bytes = max_bytes
        self._arrived = self._unpacked = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What the next bytes are.

        Raises:
            TooLargeError: the body is over `max_bytes`, as it comes or unpacked.
            BadAnswerError: it is no gzip.
        """
        self._arrived += len(chunk)
        for piece in self._unpacker.feed(chunk) if self._unpacker else (chunk,):
            self._unpacked += len(piece)
            if max(self._arrived, self._unpacked) > self._max_bytes:
                raise TooLargeError("The server's answer is too large.")
            yield piece

    def end(self) -> None:
        """Check that it is complete.

        Raises:
            BadAnswerError: it is not.
        """
        if self._unpacker:
            self._unpacker.end()


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
