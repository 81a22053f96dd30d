"""The reader of policy files: bytes to a tree, before any key has a meaning."""

from __future__ import annotations

from kt.lazy import TYPE_CHECKING
from kt.policy.files import MAX_BYTES
from kt.policy.frozen import Frozen
from kt.policy.nodes import Node, ScalarNode
from kt.policy.rules import text as rules
from kt.policy.rules.base import Spot
from kt.policy.yaml.compose import Composer, StopReadingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kt.policy.findings import Finding

BOM = "\ufeff"
# Ends of a line to YAML alone, and turns of the direction of writing.
_HIDING = "\u0085\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Document(Frozen):
    """A policy file as a tree.

    `root` is None when there is nothing to read. `complete` is False when reading stopped
    early: `root` then has what came before, which may serve to read the pack and nothing else.
    """

    __slots__ = ("complete", "findings", "root")

    def __init__(self, root: Node | None, findings: tuple[Finding, ...], *, complete: bool) -> None:
        self.root = root
        self.findings = findings
        self.complete = complete


def read(data: bytes) -> Document:
    """Read a policy file. Bad content becomes findings; nothing is raised for any bytes."""
    if len(data) > MAX_BYTES:
        size = f"the file has {len(data):,} bytes, the limit is {MAX_BYTES:,}"
        return _refused(rules.FileTooLarge.at(Spot(), "", size, "split it into several policies"))
    try:
        # Not "utf-8-sig": the offset of its errors does not count the byte order mark.
        text = data.decode().removeprefix(BOM)
    except UnicodeDecodeError as error:
        return _refused(_not_utf8(data, error.start))
    document = _compose(text)
    if text.isascii():
        return document
    findings = (*document.findings, *_hidden(text))
    return Document(document.root, findings, complete=document.complete)


def _compose(text: str) -> Document:
    composer = Composer(text)
    try:
        composer.run()
    except StopReadingError as stop:
        return Document(composer.root, (*composer.findings, stop.finding), complete=False)
    root = composer.root
    if root is None or (isinstance(root, ScalarNode) and root.value is None):
        fix = "write a policy, or delete the file"
        return _refused(rules.EmptyFile.at(Spot(), "", "the file holds no policy", fix))
    return Document(root, tuple(composer.findings), complete=True)


def _hidden(text: str) -> Iterator[Finding]:
    """The first place of each character that hides something from a reader."""
    for character in _HIDING:
        at = text.find(character)
        if at >= 0:
            place = Spot(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
            message = (
                f"the character U+{ord(character):04X} makes the file look unlike what it says"
            )
            fix = f"remove it, or write \\u{ord(character):04x} in double quotes"
            yield rules.HiddenText.at(place, "", message, fix)


def _refused(finding: Finding) -> Document:
    return Document(None, (finding,), complete=False)


def _not_utf8(data: bytes, offset: int) -> Finding:
    before = data[:offset].decode().removeprefix(BOM)
    place = Spot(before.count("\n") + 1, len(before) - before.rfind("\n"))
    return rules.NotUtf8.at(
        place, "", f"the byte {data[offset]:#04x} is not UTF-8", "save the file as UTF-8"
    )
