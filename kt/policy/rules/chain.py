"""Rules about `policies.chain`: the kinds it names, their order, stages and conditions."""

from __future__ import annotations

from collections.abc import Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.frozen import Frozen
from kt.policy.language import CHAIN_OPTIONS, KINDS, STAGES, UNSUPPORTED_KINDS
from kt.policy.language.shapes import Chain
from kt.policy.nodes import (
    MappingNode,
    Node,
    Plain,
    ScalarNode,
    SequenceNode,
    child_path,
    find,
    item_paths,
    plain,
)
from kt.policy.rules.base import Rule
from kt.policy.rules.shape import NotEnforced, WrongType
from kt.policy.rules.walk import walk
from kt.policy.suggest import did_you_mean, nearest
from kt.policy.words import described, quoted, shown

if TYPE_CHECKING:
    from kt.policy.findings import Finding


class UnknownKind(Rule):
    """The chain names a policy kind that does not exist.

    Wrong:

        policies:
          chain: [prompt-injections]

    Right:

        policies:
          chain: [prompt-injection]
    """

    code = "E001"


class KindWithoutBlock(Rule):
    """The chain names a kind that has no block, and the kind needs one.

    `safety-filter`, `prompt-injection`, `pii-detector` and `audit-logger` mean something
    without a block: each of their fields has a default. The other kinds enforce what their
    block says, and without it they would run and enforce nothing in particular.

    Wrong:

        policies:
          chain: [dlp-filter]

    Right:

        policies:
          chain: [dlp-filter]
        policy:
          dlp-filter:
            blocked_terms: [Falcon]
    """

    code = "E003"


class WrongStage(Rule):
    """The chain runs a kind at a stage that the kind does not have.

    `prompt-injection`, `rbac` and `data-routing-policy` look at requests only.

    Wrong:

        policies:
          chain:
            - prompt-injection: {stage: post-response}

    Right:

        policies:
          chain:
            - prompt-injection: {stage: pre-request}
    """

    code = "E025"


class NeverRuns(Rule):
    """A block is configured and no chain entry uses it.

    It enforces nothing. Add the kind to `policies.chain`, or remove the block.

    Wrong:

        policies:
          chain: [audit-logger]
        policy:
          dlp-filter: {blocked_terms: [Falcon]}

    Right:

        policies:
          chain: [dlp-filter, audit-logger]
        policy:
          dlp-filter: {blocked_terms: [Falcon]}
    """

    code = "W001"


class Unreachable(Rule):
    """A chain entry can change nothing, because an earlier one of its kind covers it.

    Both share one block, so the later entry sees only what the earlier one has already let
    through. It is covered when the earlier entry has no condition or the same ones, and runs
    at the same stages or at more.

    Wrong:

        policies:
          chain:
            - safety-filter
            - safety-filter: {when: {path: /v1/chat}}

    Right:

        policies:
          chain:
            - safety-filter: {when: {path: /v1/chat}}
            - safety-filter: {when: {path: /v1/responses}}
    """

    code = "W002"


class EmptyChain(Rule):
    """The chain is empty: every request passes.

    An empty chain is a valid way to enforce nothing, and mostly an accident.

    Wrong:

        policies:
          chain: []

    Right:

        policies:
          chain: [safety-filter]
    """

    code = "W006"


# A longer chain has a finding of its own; each entry is compared with those before it.
_LONGEST = Chain(CHAIN_OPTIONS).high


class ChainEntry(Frozen):
    """One entry of the chain: its path, the kind it names, and its options where it has any."""

    __slots__ = ("kind", "options", "path")

    def __init__(self, path: str, kind: ScalarNode, options: Node | None) -> None:
        self.path = path
        self.kind = kind
        self.options = options


def links(root: MappingNode) -> list[ChainEntry]:
    """The entries of `policies.chain` that name something, known or not, in their order.

    At most 100: the chain may have no more.
    """
    entries = []
    for path, item in _items(root)[:_LONGEST]:
        if isinstance(item, ScalarNode) and isinstance(item.value, str):
            entries.append(ChainEntry(path, item, None))
        elif isinstance(item, MappingNode) and len(item.entries) == 1:
            (entry,) = item.entries.values()
            entries.append(ChainEntry(path, entry.key, entry.value))
    return entries


def check(root: MappingNode) -> Iterator[Finding]:
    """Yield the findings about the chain, by itself and together with the blocks below `policy`."""
    chain = links(root)
    blocks = _blocks(root)
    yield from _check_shapes(root)
    for link in chain:
        yield from _check_kind(link)
        yield from _check_options(link)
    yield from _check_blocks(chain, blocks, is_told=_chain(root) is not None)
    yield from _check_reach(chain, blocks)


def _items(root: MappingNode) -> list[tuple[str, Node]]:
    chain = _chain(root)
    return list(item_paths(chain, "policies.chain")) if chain else []


def _chain(root: MappingNode) -> SequenceNode | None:
    """The chain, where it is one: without it, or with a slip in its name, there is none."""
    chain = find(root, "policies", "chain")
    return chain if isinstance(chain, SequenceNode) else None


def _blocks(root: MappingNode) -> MappingNode | None:
    policy = root.get("policy")
    return policy if isinstance(policy, MappingNode) else None


def _check_shapes(root: MappingNode) -> Iterator[Finding]:
    chain = _chain(root)
    if chain is not None and not chain.items:
        message = "the chain is empty, so every request passes"
        yield EmptyChain.at(chain, "policies.chain", message, "name at least one policy kind")
    for path, item in _items(root):
        if isinstance(item, MappingNode) and len(item.entries) != 1:
            message = f"expected one policy kind, got a mapping of {len(item.entries)}"
            yield WrongType.at(item, path, message, "begin each kind with a '-' of its own")
        elif isinstance(item, SequenceNode) or (
            isinstance(item, ScalarNode) and not isinstance(item.value, str)
        ):
            message = f"expected a policy kind, got {described(item)}"
            yield WrongType.at(item, path, message, "write the name of a kind")


def _check_kind(link: ChainEntry) -> Iterator[Finding]:
    name = link.kind.text
    if name in UNSUPPORTED_KINDS:
        message = f"the policy kind {quoted(name)} is not enforced by this version"
        yield NotEnforced.at(link.kind, link.path, message, "remove it from the chain")
    elif name not in KINDS:
        fix = did_you_mean(name, KINDS, otherwise=f"known kinds: {', '.join(KINDS)}")
        yield UnknownKind.at(link.kind, link.path, f"unknown policy kind {quoted(name)}", fix)


def _check_options(link: ChainEntry) -> Iterator[Finding]:
    if link.options is None:
        return
    path = child_path(link.path, shown(link.kind.text))
    yield from walk(CHAIN_OPTIONS, link.options, path, link.kind)
    kind = KINDS.get(link.kind.text)
    stage = link.options.get("stage") if isinstance(link.options, MappingNode) else None
    if (
        kind
        and isinstance(stage, ScalarNode)
        and stage.value in set(STAGES).difference(kind.stages)
    ):
        message = f"{kind.name} does not run at {stage.text}"
        fix = f"it runs at {', '.join(kind.stages)}"
        yield WrongStage.at(stage, child_path(path, "stage"), message, fix)


def _check_blocks(
    chain: list[ChainEntry], blocks: MappingNode | None, *, is_told: bool
) -> Iterator[Finding]:
    """Yield what a chain and its blocks miss of each other; of one that is not told, nothing."""
    written = blocks.entries if blocks else {}
    # A name with a slip in it has its own finding; do not count the slip a second time.
    given = {_meant(name) for name in written}
    used = {_meant(link.kind.text) for link in chain}
    for link in chain:
        kind = KINDS.get(link.kind.text)
        if kind and kind.needs_block and kind.name not in given:
            message = f"{kind.name} is in the chain and has no block policy.{kind.name}"
            fix = f"add policy.{kind.name}, or remove it from the chain"
            yield KindWithoutBlock.at(link.kind, link.path, message, fix)
    for name, entry in written.items():
        if is_told and name in KINDS and name not in used:
            message = f"{name} is configured and never runs"
            fix = f"add {name} to policies.chain, or remove the block"
            yield NeverRuns.at(entry.key, child_path("policy", name), message, fix)


def _meant(name: str) -> str | None:
    return name if name in KINDS else nearest(name, KINDS)


class _Reach(Frozen):
    __slots__ = ("stages", "when")

    def __init__(self, stages: frozenset[str], when: Plain) -> None:
        self.stages = stages
        self.when = when


def _check_reach(chain: list[ChainEntry], blocks: MappingNode | None) -> Iterator[Finding]:
    earlier: dict[str, list[tuple[ChainEntry, _Reach]]] = {}
    for link in chain:
        kind = KINDS.get(link.kind.text)
        if kind is None:
            continue
        reach = _reach(link, stages_of(link, blocks))
        for other, wider in earlier.setdefault(kind.name, []):
            if wider.stages >= reach.stages and (not wider.when or wider.when == reach.when):
                message = f"{kind.name} changes nothing here: {other.path} covers it"
                yield Unreachable.at(link.kind, link.path, message, "remove one of the two")
                break
        earlier[kind.name].append((link, reach))


def stages_of(link: ChainEntry, blocks: MappingNode | None) -> frozenset[str]:
    """The stages at which an entry of a known kind runs: its own, its block's, or its kind's."""
    kind = KINDS[link.kind.text]
    given = find(link.options, "stage")
    if given is None and "stage" in kind.fields:
        given = find(blocks, kind.name, "stage")
    return frozenset((given.text,) if isinstance(given, ScalarNode) else kind.stages)


def _reach(link: ChainEntry, stages: frozenset[str]) -> _Reach:
    options = link.options if isinstance(link.options, MappingNode) else None
    when = options.get("when") if options else None
    return _Reach(stages, plain(when) if when else None)
