"""Refs on the wire: the request of protocol 2, and readers for the answers of all protocols.

Source: gitprotocol-v2(5), gitprotocol-http(5), gitprotocol-pack(5).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from gitrepos.errors import BadAnswerError
from gitrepos.forge.wire import pkt_line

_ID = re.compile(rb"[0-9a-f]{40}([0-9a-f]{24})?")
_ID_LENGTHS = (40, 64)
_SERVICE = b"# service=git-upload-pack"


def question(refs: Sequence[str], *, sha256: bool) -> bytes:
    """The body of a request of protocol 2 for exactly these refs.

    Without an object format it is SHA-1, which older servers understand as well. Symrefs and
    peeled tags are not requested: `HEAD` comes with its commit.
    """
    return b"".join(
        [
            pkt_line.frame("command=ls-refs\n"),
            pkt_line.frame("object-format=sha256\n") if sha256 else b"",
            pkt_line.DELIMITER,
            *(pkt_line.frame(f"ref-prefix {ref}\n") for ref in refs),
            pkt_line.FLUSH,
        ]
    )


def is_file_of_refs(start: bytes) -> bool:
    """True when a body begins like the `info/refs` file of a server of plain files."""
    return re.match(rb"[0-9a-f]{40}([0-9a-f]{24})?\trefs/", start) is not None


class _Answer(ABC):
    """A reader of packets as they arrive, which keeps the wanted refs alone."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self._cutter = pkt_line.Cutter()
        self._found = dict.fromkeys((ref.encode() for ref in wanted), "")
        self._is_complete = False

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes.

        Raises:
            BadAnswerError: the answer is malformed, or an error.
        """
        for packet in self._cutter.feed(chunk):
            if self._is_complete:
                raise pkt_line.malformed("it goes on after its end")
            if packet is pkt_line.Mark.DELIMITER:
                raise pkt_line.malformed("a list of refs has no sections")
            if isinstance(packet, bytes) and packet.startswith(b"ERR "):
                raise BadAnswerError(f"The server says: {_printable(packet[4:])}.")
            self._take(packet if isinstance(packet, bytes) else None)

    def heads(self) -> dict[str, str]:
        """The commit of each ref, empty where there is none.

        Raises:
            BadAnswerError: the answer is not complete, so a missing ref proves nothing.
        """
        if not (self._is_complete and self._cutter.is_between):
            raise pkt_line.malformed("it is empty or cut short")
        return {ref.decode(): commit for ref, commit in self._found.items()}

    @abstractmethod
    def _take(self, packet: bytes | None) -> None:
        """Read one packet; None is a flush."""

    def _keep(self, line: bytes, name_ends: bytes) -> None:
        """Read a line: an id, a blank, a name, and perhaps more after `name_ends`."""
        commit, _, rest = line.removesuffix(b"\n").partition(b" ")
        name = rest.partition(name_ends)[0]
        if len(commit) not in _ID_LENGTHS or not name:
            raise pkt_line.malformed("a line lists no ref")
        if name in self._found:
            if not _ID.fullmatch(commit):
                raise pkt_line.malformed("a ref has no id")
            self._found[name] = commit.decode()


class Listing(_Answer):
    """A reader of the answer to `question`: a line for each existing ref, then a flush."""

    def _take(self, packet: bytes | None) -> None:
        if packet is None:
            self._is_complete = True
        else:
            self._keep(packet, b" ")


class Advertisement(_Answer):
    """A reader of the answer to `GET info/refs`: capabilities and, before protocol 2, all refs."""

    def __init__(self, wanted: Sequence[str]) -> None:
        super().__init__(wanted)
        self.version = 0
        self.sha256 = False
        self._has_service = False
        self._has_opened = False
        self._has_begun = False

    def _take(self, packet: bytes | None) -> None:
        if packet is None:
            self._flush()
        elif self._has_begun and self.version == 2:
            self.sha256 = self.sha256 or packet.rstrip() == b"object-format=sha256"
        elif self._has_begun:
            if not packet.startswith(b"shallow "):
                self._keep(packet, b"\0")
        elif packet.rstrip() == _SERVICE and not self._has_service:
            self._has_service = True
        else:
            self._begin(packet)

    def _flush(self) -> None:
        """Read a flush: the first ends the line of the service, the next ends the list.

        A list without a line is malformed: even an empty repository lists its capabilities.
        """
        if self._has_begun:
            self._is_complete = True
        elif self._has_service and not self._has_opened:
            self._has_opened = True
        else:
            raise pkt_line.malformed("it lists nothing")

    def _begin(self, packet: bytes) -> None:
        if match := re.fullmatch(rb"version ([12])\n?", packet):
            self.version = int(match[1])
            self._has_begun = self.version == 2
            return
        self._has_begun = True
        self._keep(packet, b"\0")


def _printable(raw: bytes) -> str:
    text = raw.decode(errors="replace").strip().rstrip(".")
    return "".join(character if character.isprintable() else "?" for character in text)
