"""The composer: a tree from a YAML parser's events, with limits of its own.

libyaml's composer recurses and a few hundred kilobytes of `[` end the process, so the tree is
built here, on a stack, with counters for depth, values and unfolded aliases.
"""

from __future__ import annotations

from collections.abc import Callable

import yaml

from kt.lazy import TYPE_CHECKING
from kt.policy.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, child_path
from kt.policy.rules import text as rules
from kt.policy.rules.base import Spot
from kt.policy.words import quoted, shown
from kt.policy.yaml.problems import bad_alias, bad_character, half_pair, not_yaml, tag_directive
from kt.policy.yaml.scalars import resolve

if TYPE_CHECKING:
    from typing import Any

    from kt.policy.findings import Finding
    from kt.policy.rules.base import Place

MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_FINDINGS = 500

# libyaml's parser where PyYAML was built with it, PyYAML's own otherwise: the same events.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CORE = "tag:yaml.org,2002:"
_TAGS: dict[str, tuple[type, ...]] = {
    "!": (str,),
    _CORE + "str": (str,),
    _CORE + "int": (int,),
    _CORE + "float": (float, int),
    _CORE + "bool": (bool,),
    _CORE + "null": (type(None),),
    _CORE + "map": (MappingNode,),
    _CORE + "seq": (SequenceNode,),
}


class StopReadingError(Exception):
    """Reading cannot go on; `finding` says why and where."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _Frame:
    """A collection still being filled; `size` and `height` count it with aliases unfolded.

    `key` waits for its value, `name` is the last key that was read.
    """

    __slots__ = ("anchor", "height", "key", "name", "node", "size")

    def __init__(self, node: MappingNode | SequenceNode, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Node | None = None
        self.name = ""
        self.size = 1
        self.height = 1


class Composer:
    """A builder of `root` and `findings`; both are filled as far as `run` came."""

    def __init__(self, text: str, *, parser: Any = _Parser) -> None:
        self._parser = parser
        self.root: Node | None = None
        self.findings: list[Finding] = []
        self._text = text
        self._stack: list[_Frame] = []
        # An anchor maps to its node, size and height; to None while it is still open.
        self._anchors: dict[str, tuple[Node, int, int] | None] = {}
        self._nodes = 0
        self._documents = 0

    def run(self) -> None:
        """Read the whole text.

        Raises:
            StopReadingError: broken YAML, a bad alias, a second document, or a limit.
        """
        if refused := tag_directive(self._text):
            raise StopReadingError(refused)
        handlers = self._handlers()
        try:
            parser = self._parser(self._text.encode())
            while (event := parser.get_event()) is not None:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except yaml.MarkedYAMLError as error:
            raise StopReadingError(not_yaml(self._text, error)) from error
        except yaml.reader.ReaderError as error:
            raise StopReadingError(bad_character(self._text, error.character)) from error

    def _handlers(self) -> dict[type, Callable[[Any], None]]:
        return {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.SequenceStartEvent: self._start_sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._start_document,
        }

    def _start_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            message = "a second YAML document begins here"
            fix = "put each policy into a file of its own"
            raise StopReadingError(rules.SeveralDocuments.at(_place(event), "", message, fix))

    def _scalar(self, event: Any) -> None:
        text = event.value
        mark = event.start_mark
        value = resolve(text) if event.implicit[0] else text
        node = ScalarNode(text, value, mark.line + 1, mark.column + 1)
        self._attach(node)
        self._count(1, node)
        self._grow(1, 0)
        if event.tag is not None:
            node.value = text if str in _TAGS.get(event.tag, ()) else resolve(text)
            self._check_tag(event.tag, node, type(node.value))
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1, 0)
        if not text.isascii() and (broken := half_pair(node)):
            raise StopReadingError(broken)

    def _start_mapping(self, event: Any) -> None:
        mark = event.start_mark
        self._start(MappingNode(mark.line + 1, mark.column + 1), event)

    def _start_sequence(self, event: Any) -> None:
        mark = event.start_mark
        self._start(SequenceNode(mark.line + 1, mark.column + 1), event)

    def _start(self, node: MappingNode | SequenceNode, event: Any) -> None:
        self._attach(node)
        self._count(1, node)
        self._check_depth(len(self._stack) + 1, node)
        if event.tag is not None:
            self._check_tag(event.tag, node, type(node))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Frame(node, event.anchor))

    def _end(self, _event: Any) -> None:
        frame = self._stack.pop()
        if isinstance(frame.node, MappingNode):
            self._merge(frame.node)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.node, frame.size, frame.height)
        self._grow(frame.size, frame.height)

    def _alias(self, event: Any) -> None:
        place = _place(event)
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise StopReadingError(
                bad_alias(place, event.anchor, is_open=event.anchor in self._anchors)
            )
        node, size, height = anchored
        self._attach(node)
        self._count(size, place)
        self._check_depth(len(self._stack) + height, place)
        self._grow(size, height)

    def _attach(self, node: Node) -> None:
        """Add a node to the collection it stands in, a collection as soon as it opens."""
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if isinstance(frame.node, SequenceNode):
            frame.node.items.append(node)
        elif frame.key is None:
            frame.key = node
            frame.name = node.text if isinstance(node, ScalarNode) else ""
        else:
            self._enter(frame.node, frame.key, node)
            frame.key = None

    def _enter(self, mapping: MappingNode, key: Node, value: Node) -> None:
        if not isinstance(key, ScalarNode):
            message = "a list or a mapping cannot be a key"
            self._report(
                rules.BadKey.at(key, self._path(), message, "write one word before the colon")
            )
        elif key.text in mapping.entries:
            line = mapping.entries[key.text].key.line
            message = f"the key {quoted(key.text)} was already given in line {line}"
            self._report(rules.DuplicateKey.at(key, self._path(), message, "keep one of the two"))
        else:
            mapping.entries[key.text] = Entry(key, value)

    def _merge(self, mapping: MappingNode) -> None:
        """Unfold `<<`: own keys count first, then those of the mapping named earliest."""
        entry = mapping.entries.pop("<<", None)
        if entry is None:
            return
        named = entry.value.items if isinstance(entry.value, SequenceNode) else [entry.value]
        for source in named:
            if not isinstance(source, MappingNode):
                fix = "give an alias of a mapping, or a list of such"
                self._report(
                    rules.BadKey.at(entry.key, self._path(), "<< merges mappings only", fix)
                )
                return
            for key, merged in source.entries.items():
                mapping.entries.setdefault(key, merged)

    def _grow(self, size: int, height: int) -> None:
        """Add a finished node's size and height to the collection it stands in."""
        if self._stack:
            frame = self._stack[-1]
            frame.size += size
            frame.height = max(frame.height, height + 1)

    def _count(self, size: int, place: Place) -> None:
        self._nodes += size
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES:,} values, aliases unfolded"
            fix = "split the policy, or write out fewer values"
            raise StopReadingError(rules.TooManyNodes.at(place, self._path(), message, fix))

    def _check_depth(self, depth: int, place: Place) -> None:
        if depth > MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} levels deep"
            raise StopReadingError(rules.TooDeep.at(place, "", message, "close what is left open"))

    def _check_tag(self, tag: str, place: Place, kind: type) -> None:
        if kind not in _TAGS.get(tag, ()):
            name = shown(tag.replace(_CORE, "!!"))
            message = f"the tag {name} is not part of the policy language"
            self._report(
                rules.CustomTag.at(place, self._path(), message, "write the value without a tag")
            )

    def _path(self) -> str:
        """The path of what is being read, as far as keys and items lead to it."""
        path = ""
        for frame in self._stack:
            if isinstance(frame.node, SequenceNode):
                path += f"[{max(0, len(frame.node.items) - 1)}]"
            elif frame.name:
                path = child_path(path, shown(frame.name))
        return path

    def _report(self, finding: Finding) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


def _place(event: Any) -> Spot:
    return Spot(event.start_mark.line + 1, event.start_mark.column + 1)
