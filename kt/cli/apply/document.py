"""The reader of the file: strict, with the place of each thing that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kt.cli.apply.kinds import KINDS, RowKind
from kt.cli.apply.plan import Item
from kt.cli.apply.shapes import FILE
from kt.cli.errors import CommandError
from kt.cli.formats import Context, Result
from kt.cli.formats.text import render
from kt.policy.files import MAX_BYTES
from kt.policy.findings import Finding
from kt.policy.language.forms import FORMS
from kt.policy.nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    child_path,
    item_paths,
    plain,
    value_of,
)
from kt.policy.report import Report
from kt.policy.rules.shape import BadForm, MissingKey, WrongType
from kt.policy.rules.text import EmptyFile
from kt.policy.rules.walk import walk
from kt.policy.yaml.document import read

Wanted = Mapping[str, list[Item]]

_HERE = "write {env: NAME} or {file: PATH}"


def wanted(data: bytes, *, name: str) -> Wanted:
    """What a file of these bytes asks for, by the names of kinds.

    No text of the file is repeated but for its keys: a value in the wrong place may be a secret.

    Raises:
        CommandError: it is no such file; the message says where and why, for all of it.
    """
    if len(data) > MAX_BYTES:
        raise CommandError(f"{name} has {len(data):,} bytes, the limit is {MAX_BYTES:,}")
    document = read(data)
    root = document.root
    if any(finding.code == EmptyFile.code for finding in document.findings):
        raise CommandError(f"{name} holds nothing; kt export prints such a file")
    findings = [*document.findings]
    if root is not None and document.complete:
        misplaced = list(_misplaced(root))
        findings += misplaced or [*walk(FILE, root, ""), *_references(root)]
    if findings:
        ordered = tuple(sorted(findings, key=lambda one: (one.line, one.column)))
        told = render([Result(name, b"", Report(ordered, None, ()))], Context())
        raise CommandError(f"{name} cannot be applied\n{told.rstrip()}")
    assert isinstance(root, MappingNode)
    return {kind: list(_items(KINDS[kind], entry.value)) for kind, entry in root.entries.items()}


def _rows(root: Node) -> Iterator[tuple[RowKind, str, MappingNode]]:
    """Every row of a known kind, with its path."""
    for kind in KINDS.values():
        listed = root.get(kind.name) if isinstance(root, MappingNode) else None
        if isinstance(listed, SequenceNode):
            for path, row in item_paths(listed, kind.name):
                if isinstance(row, MappingNode):
                    yield kind, path, row


def _misplaced(root: Node) -> Iterator[Finding]:
    """Findings about secrets that stand in the file. Others would repeat them."""
    for kind, path, row in _rows(root):
        for name in kind.secrets:
            node = row.get(name)
            if node is not None and not isinstance(node, MappingNode):
                message = "a secret does not stand in the file"
                yield WrongType.at(node, child_path(path, name), message, _HERE)


def _references(root: Node) -> Iterator[Finding]:
    """Findings about secrets of which nothing, or two things, say where they are."""
    for kind, path, row in _rows(root):
        for name in kind.secrets:
            node = row.get(name)
            if not isinstance(node, MappingNode):
                continue
            at, below = row.entries[name].key, child_path(path, name)
            if len(node.entries) != 1:
                rule = BadForm if node.entries else MissingKey
                yield rule.at(at, below, f"{name} needs one of env and file", _HERE)
            variable = value_of(node.get("env"))
            if isinstance(variable, str) and not FORMS["env"].accepts(variable):
                # Not repeated: it may be the secret.
                yield BadForm.at(at, below, f"env is not {FORMS['env'].words}", _HERE)


def _items(kind: RowKind, node: Node) -> Iterator[Item]:
    for _, row in item_paths(node, kind.name) if isinstance(node, SequenceNode) else ():
        assert isinstance(row, MappingNode)
        values: Any = plain(row)
        yield Item(
            {name: value for name, value in values.items() if name in kind.fields},
            {name: values[name] for name in kind.secrets if name in values},
            values.get(kind.issued.file, "") if kind.issued else "",
            _line(row),
        )


def _line(row: MappingNode) -> int:
    first: ScalarNode | MappingNode = next((one.key for one in row.entries.values()), row)
    return first.line
