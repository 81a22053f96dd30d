"""The file of client keys: a key a line, or names, digests and limits in YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from kt.gateway.clients.callers import Allowance, Caller, Callers, unnamed
from kt.gateway.clients.keys import digests
from kt.gateway.errors import SettingError
from kt.policy.decision.tools.globs import compile_globs
from kt.policy.files import MAX_BYTES
from kt.policy.findings import Finding
from kt.policy.language.shapes import Anything, Field, ListOf, Text, Whole, block
from kt.policy.nodes import MappingNode, Node, SequenceNode, find, item_paths, plain
from kt.policy.rules import shape as rules
from kt.policy.rules.base import CATALOGUE
from kt.policy.rules.walk import walk
from kt.policy.yaml.document import read as read_yaml

_WINDOW = Field(Whole(1, 31 * 86_400), required=True, doc="the window's seconds")
_KEY = block(
    name=Field(Text(high=100, form="id"), required=True, doc="who holds the key"),
    # Of any shape: a finding about a shape quotes the value, and this one may be a key by mistake.
    sha256=Field(Anything(), required=True, doc="the key's SHA-256 in hexadecimal, or a list"),
    models=Field(ListOf(Text(high=200, form="line"), low=1), doc="models or globs; not set: all"),
    rate_limit=Field(
        block(
            max_requests=Field(Whole(1, 1_000_000_000), required=True, doc="calls in a window"),
            window_seconds=_WINDOW,
        ),
        doc="by calls",
    ),
    token_budget=Field(
        block(
            max_tokens=Field(Whole(1, 1_000_000_000_000), required=True, doc="tokens in a window"),
            window_seconds=_WINDOW,
        ),
        doc="by tokens",
    ),
    hints={"key": "give its SHA-256: printf %s KEY | sha256sum"},
)
_FILE = block(
    keys=Field(ListOf(_KEY, low=1, high=20_000, key="name"), required=True, doc="who may call")
)
_SUFFIXES = (".yaml", ".yml", ".json")
# What no key begins with, and YAML or JSON may.
_BEGINNINGS = ("keys:", "---", "%", "{", "[", '"', "'")
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_OF_NOTHING = frozenset(sha256(text).hexdigest() for text in (b"", b"\n"))
_MOST_PROBLEMS = 3
# Their findings quote names and numbers. Others may quote what somebody wrote in a wrong place.
_OPEN = frozenset(one.code for one in (rules.MissingKey, rules.OutOfRange, rules.BadForm))
_QUOTED = re.compile(r" ?'.*'", re.DOTALL)


def read_callers(path: str) -> Callers:
    """Read a file of client keys.

    Raises:
        OSError: it cannot be read.
        SettingError: it has no key, or is not as it should be; no key is in the message.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    return parse_callers(data, path)


def reread(path: str) -> Callers | str:
    """The clients of a file as it is now, or why it cannot be used."""
    try:
        return read_callers(path)
    except (OSError, SettingError) as exc:
        return getattr(exc, "strerror", None) or str(exc)


def parse_callers(data: bytes, path: str) -> Callers:
    """The holders of the keys in a file of the name `path`.

    It is YAML where its name says so, or where it begins as only YAML does: with `keys:` mostly.

    Raises:
        SettingError: it has no key, or is not as it should be; no key is in the message.
    """
    if len(data) > MAX_BYTES:
        raise SettingError(f"{path} is larger than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise SettingError(f"{path} is not UTF-8") from exc
    lines = [line for line in map(_uncommented, text.splitlines()) if line]
    if path.endswith(_SUFFIXES) or (lines and lines[0].startswith(_BEGINNINGS)):
        return _named(data, path)
    if any(len(key.split()) > 1 for line in lines for key in line.split(",")):
        message = "a key has no spaces; a file of named keys begins with 'keys:'"
        raise SettingError(f"{path}: {message}")
    found = digests(text)
    if not found:
        raise SettingError(f"{path} has no key; write one a line")
    return unnamed(found)


def _uncommented(line: str) -> str:
    return line.partition("#")[0].strip()


def _named(data: bytes, path: str) -> Callers:
    document = read_yaml(data)
    root = document.root
    findings = [one for one in document.findings if one.severity == "error"]
    if root is not None and not findings:
        findings = list(walk(_FILE, root, ""))
    problems = [f"{path}:{one.line}:{one.column} {_said(one)}" for one in findings]
    if not problems and root is not None:
        problems = [f"{path}:{line} {message}" for line, message in _digest_problems(root)]
    if problems or root is None:
        raise SettingError("; ".join(problems[:_MOST_PROBLEMS]) or f"{path} has no key")
    holders: dict[bytes, Caller] = {}
    value = plain(root)
    assert isinstance(value, dict)
    for entry in value["keys"]:
        caller = _caller(entry)
        for text in _listed(entry["sha256"]):
            holders[bytes.fromhex(text)] = caller
    return Callers(holders)


def _said(finding: Finding) -> str:
    """A finding in words in which no key can be."""
    if finding.code in _OPEN:
        return finding.message
    message = _QUOTED.sub("", finding.message.partition(", got ")[0]).strip()
    if finding.code == rules.RepeatedItem.code:
        return f"{finding.path} {message}"
    if finding.code == rules.UnknownKey.code:
        return f"{message}; {finding.suggestion}"
    # Of a finding about YAML what it is about, and not its words.
    return message if finding.code == rules.WrongType.code else CATALOGUE[finding.code].title()


def _digest_problems(root: Node) -> Iterator[tuple[int, str]]:
    """What is wrong with digests, without showing one, each with its line."""
    seen: dict[str, str] = {}
    keys = find(root, "keys")
    assert isinstance(keys, SequenceNode)
    for path, node in item_paths(keys, "keys"):
        assert isinstance(node, MappingNode)
        given, line = node.entries["sha256"].value, node.entries["sha256"].key.line
        texts = _listed(plain(given))
        if not texts:
            yield line, f"{path}.sha256 is empty"
        for text in texts:
            if not isinstance(text, str) or not _HEX.fullmatch(text):
                yield line, f"{path}.sha256 is not 64 hexadecimal digits in quotes"
            elif text.lower() in _OF_NOTHING:
                yield line, f"{path}.sha256 is the digest of an empty key"
            elif text.lower() in seen:
                yield line, f"{path}.sha256 is the key of {seen[text.lower()]} already"
            else:
                seen[text.lower()] = path


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _caller(entry: Mapping[str, Any]) -> Caller:
    requests, tokens = entry.get("rate_limit"), entry.get("token_budget")
    return Caller(
        name=entry["name"],
        models=compile_globs(entry["models"]) if "models" in entry else None,
        requests=requests and Allowance(requests["max_requests"], requests["window_seconds"]),
        tokens=tokens and Allowance(tokens["max_tokens"], tokens["window_seconds"]),
    )
