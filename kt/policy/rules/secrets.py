"""The rule about secrets in a policy file, and so in git."""

from __future__ import annotations

from collections.abc import Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    child_path,
    find,
    item_paths,
)
from kt.policy.rules.base import Rule
from kt.policy.words import shown

if TYPE_CHECKING:
    from typing import Any

    from kt.policy.findings import Finding


class LiteralSecret(Rule):
    """A secret stands in the file.

    Whoever can read the repository, now or at any later time, can use it. Take it out of the
    history as well, and have it replaced: a secret that was in git is known. Name an
    environment variable instead. Values below `testing` are not looked at, so that policies
    which look for keys can be tested.

    Wrong:

        providers:
          targets:
            - {id: main, provider: openai, api_key: a-literal-key}

    Right:

        providers:
          targets:
            - {id: main, provider: openai, secret_key_ref: {env: OPENAI_API_KEY}}
    """

    code = "W004"


# Beginnings by which well-known keys are told: cheap to look for in the whole file first.
_SIGNS = (
    b"sk- AKIA ASIA ghp_ gho_ ghs_ github_pat_ glpat- xox AIza BEGIN eyJ hf_ npm_ pypi-".split()
)
_KEY = (
    r"sk-[A-Za-z0-9_-]{20,}|A[KS]IA[0-9A-Z]{16}|gh[pos]_[A-Za-z0-9]{36}"
    r"|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|AIza[A-Za-z0-9_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}|hf_[A-Za-z0-9]{34}|npm_[A-Za-z0-9]{36}"
    r"|pypi-[A-Za-z0-9_-]{50,}"
)
_FIX = "name an environment variable instead, and replace the secret: git has seen it"


def check(root: MappingNode, data: bytes) -> Iterator[Finding]:
    """Yield a finding for each secret in a document; `data` is the file's bytes."""
    yield from _check_api_keys(root)
    if any(sign in data for sign in _SIGNS):
        # Imported here: few files have anything that begins like a key. Not `re`: a megabyte
        # of beginnings would take it minutes.
        import re2

        key = re2.compile(_KEY)
        for name, entry in root.entries.items():
            if name != "testing":
                yield from _search(entry.value, shown(name), key)


def _check_api_keys(root: MappingNode) -> Iterator[Finding]:
    targets = find(root, "providers", "targets")
    if not isinstance(targets, SequenceNode):
        return
    for path, target in item_paths(targets, "providers.targets"):
        node = find(target, "api_key")
        if isinstance(node, ScalarNode) and node.value is not None:
            message = "a literal key stands in the file"
            yield LiteralSecret.at(node, child_path(path, "api_key"), message, _FIX)


def _search(node: Node, path: str, key: Any) -> Iterator[Finding]:
    if isinstance(node, MappingNode):
        for name, entry in node.entries.items():
            if name != "api_key":
                yield from _search(entry.value, child_path(path, shown(name)), key)
    elif isinstance(node, SequenceNode):
        for below, item in item_paths(node, path):
            yield from _search(item, below, key)
    elif key.search(node.text):
        message = "something that looks like a secret stands in the file"
        yield LiteralSecret.at(node, path, message, _FIX)
