"""Rules about `pack` and about the configuration's id."""

from __future__ import annotations

from collections.abc import Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.language.forms import is_id
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


class SharedIdentity(Rule):
    """Two of the files that are linted together name one id.

    The control plane takes neither of two files of one commit with one id, since it cannot know
    which of them is meant; a copied file brings the `pack.id` of the one that it was copied from.
    `kt policy lint` says it in each of the files that it is given in one call. Folders that are
    linked each with an `id_prefix` of its own may have ids in common.
    """

    code = "W014"


class IdUnlikeDirectory(Rule):
    """`pack.id` differs from the name of the file's directory.

    Scripts that look for drift read `policies/<id>/policy-config.yaml`. They find this
    configuration only when its directory is called like its id.
    """

    code = "W003"


class NoPackId(Rule):
    """The pack has no `id`, so that renaming its directory makes another configuration.

    The configuration is then called like the directory. After a rename in git the policy goes on
    under a new id: gateways follow when not a byte of it changed in the same commit, and stay with
    the old one, which nothing feeds any more, when one did. `pack.id` keeps identity, history and
    bindings through any move. `kt policy lint` says it of a file that has no error and is called
    like its directory.
    """

    code = "W013"


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


def check_named(root: MappingNode, directory: str | None) -> Iterator[Finding]:
    """Yield the finding about a pack that leaves its id to its directory."""
    pack = root.get("pack")
    if directory is not None and isinstance(pack, MappingNode) and pack.get("id") is None:
        message = f"without pack.id a rename of the directory {quoted(directory)} makes another id"
        fix = f"write id: {directory}" if directory and is_id(directory) else "write pack.id"
        yield NoPackId.at(pack, "pack", message, fix)


def _text(pack: MappingNode, key: str) -> str | None:
    node = pack.get(key)
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else None
