"""Refs on the wire: the request of protocol 2, and readers for the answers of all protocols.

Source: gitprotocol-v2(5), gitprotocol-http(5), gitprotocol-pack(5).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from gitrepos.errors import BadAnswerError, TooLargeError
from gitrepos.forge.wire import pkt_line

_ID = re.compile(rb"[0-9a-f]{40}([0-9a-f]{24})?")
_ID_LENGTHS = (40, 64)
_TAGS = "refs/tags/"
PEELED = "^{}"
_PEELED_TO = re.compile(rb"(?:\A| )peeled:(\S*)")
MAX_LISTED = 10_000
_SERVICE = b"# service=git-upload-pack"


def question(refs: Sequence[str], *, sha256: bool) -> bytes:
    """The body of a request of protocol 2 for these refs; one that ends in a slash is all below it.

    Without an object format it is SHA-1, which older servers understand as well. Symrefs are not
    requested: `HEAD` comes with its commit; and where no tag is, nothing is peeled.
    """
    return b"".join(
        [
            pkt_line.frame("command=ls-refs\n"),
            pkt_line.frame("object-format=sha256\n") if sha256 else b"",
            pkt_line.DELIMITER,
            pkt_line.frame("peel\n") if any(map(may_be_tag, refs)) else b"",
            *(pkt_line.frame(f"ref-prefix {ref}\n") for ref in refs),
            pkt_line.FLUSH,
        ]
    )


def may_be_tag(ref: str) -> bool:
    """True for a ref that may lead to an object of its own, and from there to a commit."""
    return ref.startswith(_TAGS)


class Wanted:
    """The refs of a question as an answer fills them.

    An annotated tag has the id of its own object, and under `NAME^{}` that of its commit.
    """

    def __init__(self, refs: Sequence[str]) -> None:
        self._below = tuple(ref for ref in refs if ref.endswith("/"))
        self._ids = dict.fromkeys((ref for ref in refs if not ref.endswith("/")), "")
        self._listed = 0

    def has(self, name: str) -> bool:
        """True when the question is for this name, or for the tag whose commit it is."""
        tag = name.removesuffix(PEELED)
        return tag in self._ids or tag.startswith(self._below)

    def put(self, name: str, there: str) -> None:
        """Fill in the id of a wanted name.

        Raises:
            TooLargeError: the answer lists too many below a prefix.
        """
        if name not in self._ids and not name.endswith(PEELED):
            self._listed += 1
        if self._listed > MAX_LISTED:
            raise TooLargeError(
                f"The repository has over {MAX_LISTED} tags, or branches and tags; follow a branch"
                " or one tag by its name."
            )
        self._ids[name] = there

    def ids(self) -> dict[str, str]:
        """The id of each ref; empty for one that was named and is not there."""
        return dict(self._ids)


def is_file_of_refs(start: bytes) -> bool:
    """True when a body begins like the `info/refs` file of a server of plain files."""
    return re.match(rb"[0-9a-f]{40}([0-9a-f]{24})?\trefs/", start) is not None


class _Answer(ABC):
    """A reader of packets as they arrive, which keeps the wanted refs alone."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self._cutter = pkt_line.Cutter()
        self._wanted = Wanted(wanted)
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
        """The id of each ref, empty where there is none; see `Wanted`.

        Raises:
            BadAnswerError: the answer is not complete, so a missing ref proves nothing.
        """
        if not (self._is_complete and self._cutter.is_between):
            raise pkt_line.malformed("it is empty or cut short")
        return self._wanted.ids()

    @abstractmethod
    def _take(self, packet: bytes | None) -> None:
        """Read one packet; None is a flush."""

    def _keep(self, line: bytes, name_ends: bytes) -> None:
        """Read a line: an id, a blank, a name, and perhaps more after `name_ends`."""
        there, _, rest = line.removesuffix(b"\n").partition(b" ")
        raw, _, more = rest.partition(name_ends)
        if len(there) not in _ID_LENGTHS or not raw:
            raise pkt_line.malformed("a line lists no ref")
        name = raw.decode(errors="surrogateescape")  # It equals no other name.
        self._put(name, there)
        if may_be_tag(name) and (peeled := _PEELED_TO.search(more)):
            self._put(f"{name}{PEELED}", peeled[1])

    def _put(self, name: str, there: bytes) -> None:
        if self._wanted.has(name):
            if not _ID.fullmatch(there):
                raise pkt_line.malformed("a ref has no id")
            self._wanted.put(name, there.decode())


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
