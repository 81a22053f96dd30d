"""Rules about `pack` and about the configuration's id."""

from __future__ import annotations

from collections.abc import Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.nodes import MappingNode, ScalarNode
from kt.policy.report import Pack
from kt.policy.rules.base import Rule
from kt.policy.words import quoted

if TYPE_CHECKING:
    from kt.policy.findings import Finding


class NoIdentity(Rule):
    """The configuration's id cannot be told.

    The id is `pack.id`; else, for a file in git, the name of the directory that holds it (or
    the file's own name without its ending, where one file with another name is linked); else
    it is made of `pack.name`. An id is lower-case letters, digits, `.`, `_` and `-`, begins
    with a letter or digit and has at most 200 characters. A directory's name that is no id is
    never changed into one, because two names could become the same: rename the directory, or
    write `pack.id`.
    """

    code = "E030"


class IdUnlikeDirectory(Rule):
    """`pack.id` differs from the name of the file's directory.

    Scripts that look for drift read `policies/<id>/policy-config.yaml`. They find this
    configuration only when its directory is called like its id.
    """

    code = "W003"


class PackDisabled(Rule):
    """The pack is switched off: the gateway passes everything through.

    `enabled: false` is a way to retire a policy without deleting it. This warning keeps it
    from being forgotten.

    Wrong:

        pack: {name: support, version: 1.0.0, enabled: false}

    Right:

        pack: {name: support, version: 1.0.0, enabled: true}
    """

    code = "W007"


def read_pack(root: MappingNode) -> Pack | None:
    """The values of `pack` that have the right type; None when there is no such mapping."""
    pack = root.get("pack")
    if not isinstance(pack, MappingNode):
        return None
    enabled = pack.get("enabled")
    is_off = isinstance(enabled, ScalarNode) and enabled.value is False
    return Pack(_text(pack, "id"), _text(pack, "name"), _text(pack, "version"), not is_off)


def check(root: MappingNode, directory: str | None) -> Iterator[Finding]:
    """Yield the findings about a pack beyond its shape.

    `directory` is the name of the directory that holds the file, None where it is unknown.
    """
    pack = root.get("pack")
    if not isinstance(pack, MappingNode):
        return
    given = _text(pack, "id")
    if given and directory is not None and given != directory:
        message = f"pack.id is {quoted(given)}, the directory is called {quoted(directory)}"
        fix = "give both one name, or scripts that look for drift miss this file"
        yield IdUnlikeDirectory.at(pack.entries["id"].value, "pack.id", message, fix)
    enabled = pack.get("enabled")
    if isinstance(enabled, ScalarNode) and enabled.value is False:
        message = "the pack is switched off: everything passes"
        yield PackDisabled.at(enabled, "pack.enabled", message, "write enabled: true")


def _text(pack: MappingNode, key: str) -> str | None:
    node = pack.get(key)
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else None
