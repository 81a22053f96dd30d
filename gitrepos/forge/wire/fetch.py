"""Packs on the wire: the request of protocol 2 for objects, and the reader of its answer.

The request needs no knowledge of the server: one that lacks a capability answers with an error.

Source: gitprotocol-v2(5), gitprotocol-pack(5).
"""

import re
from collections.abc import Iterator, Sequence

from gitrepos.forge.wire import pkt_line
from gitrepos.forge.wire.pkt_line import Mark, frame

_SECTION = re.compile(rb"(shallow-info|packfile)\n?")
_PACK, _WORDS = b"\x01", b"\x02"


def question(wants: Sequence[str], *, sha256: bool, thin: bool) -> bytes:
    """The body of a request for the objects with these ids.

    `thin` asks for a commit with its trees, without its parents and blobs; else a blob comes as
    itself.
    """
    return b"".join(
        [
            frame("command=fetch\n"),
            frame("object-format=sha256\n") if sha256 else b"",
            pkt_line.DELIMITER,
            frame("no-progress\n"),
            frame("ofs-delta\n"),
            *(frame(f"want {want}\n") for want in wants),
            frame("deepen 1\n") + frame("filter blob:none\n") if thin else b"",
            frame("done\n"),
            pkt_line.FLUSH,
        ]
    )


class PackReader:
    """A reader of the answer to `question` as it arrives: the pack, and the shallow commits."""

    def __init__(self, wants: Sequence[str]) -> None:
        self.shallow: set[str] = set()
        self._wants = frozenset(wants)
        self._cutter = pkt_line.Cutter()
        self._section = b""
        self._is_complete = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces of the pack in the next bytes.

        Raises:
            BadAnswerError: the answer is malformed, or an error instead of a pack.
        """
        for packet in self._cutter.feed(chunk):
            if self._is_complete:
                raise pkt_line.malformed("it goes on after its end")
            if self._section == b"packfile":
                yield self._piece(packet)
            else:
                self._read(packet)

    def end(self) -> None:
        """Check that the answer is complete.

        Raises:
            BadAnswerError: it is not.
        """
        if not (self._is_complete and self._cutter.is_between):
            raise pkt_line.malformed("it is empty or cut short")

    def _piece(self, packet: bytes | Mark) -> bytes:
        if packet is Mark.FLUSH:
            self._is_complete = True
            return b""
        if isinstance(packet, Mark) or packet[:1] not in (_PACK, _WORDS):
            raise pkt_line.malformed("the pack ends with an error")
        return packet[1:] if packet[:1] == _PACK else b""

    def _read(self, packet: bytes | Mark) -> None:
        """Read a line outside the pack: a section's name, or a line of `shallow-info`."""
        if not self._section:
            match = None if isinstance(packet, Mark) else _SECTION.fullmatch(packet)
            if match is None:
                raise pkt_line.malformed("it is no pack")
            self._section = match[1]
        elif packet is Mark.DELIMITER:
            self._section = b""
        else:
            self._shallow(packet)

    def _shallow(self, packet: bytes | Mark) -> None:
        """Read the line of a shallow commit, which must be one that was asked for."""
        line = b"" if isinstance(packet, Mark) else packet.removesuffix(b"\n")
        commit = line.removeprefix(b"shallow ").decode(errors="replace")
        if not line.startswith(b"shallow ") or commit not in self._wants:
            raise pkt_line.malformed("it lacks what was asked for")
        self.shallow.add(commit)
