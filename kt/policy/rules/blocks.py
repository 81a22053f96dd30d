"""Rules about the blocks of the kinds: settings that contradict, or that have no effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.language import KINDS
from kt.policy.language.kinds import POST_RESPONSE, PRE_REQUEST
from kt.policy.nodes import (
    Entry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    child_path,
    find,
    value_of,
)
from kt.policy.rules.base import Rule
from kt.policy.rules.chain import links
from kt.policy.words import quoted

if TYPE_CHECKING:
    from kt.policy.findings import Finding


class EnforcesNothing(Rule):
    """A block leaves its kind nothing to enforce.

    `agent-firewall` needs tools or a limit, `data-routing-policy` a requirement, `rbac` a
    header, a role or `require_auth`. A kind that runs and never decides anything looks like
    protection and is none.

    Wrong:

        policies:
          chain: [data-routing-policy]
        policy:
          data-routing-policy: {require_no_training: false}

    Right:

        policies:
          chain: [data-routing-policy]
        policy:
          data-routing-policy: {require_no_training: true}
    """

    code = "E026"


class Conflict(Rule):
    """Two keys say the same thing, and may say it differently.

    `prompt-injection` takes its patterns from `detection.attack_patterns` or, in short, from
    `attack_patterns`. `agent-firewall` takes lists of tools for everybody or `tools.roles`.
    A target takes its key from `secret_key_ref` or from `api_key`, and its model from
    `model` or from the third part of `provider`. Give one of the two.

    Wrong:

        policy:
          prompt-injection:
            attack_patterns: [jailbreak]
            detection: {attack_patterns: [jail.?break]}

    Right:

        policy:
          prompt-injection:
            detection: {attack_patterns: [jailbreak, jail.?break]}
    """

    code = "E027"


class NoEffect(Rule):
    """A setting has no effect, because another one switches it off.

    `max_distance` counts only with `fuzzy_matching`, `redaction` and `restore` only with
    `action: redact`, and `restore` only where requests are redacted; `fallback` only with triggers
    and a second target; a `mock` target needs neither address nor key.

    Wrong:

        policy:
          dlp-filter: {blocked_terms: [Falcon], max_distance: 2}

    Right:

        policy:
          dlp-filter: {blocked_terms: [Falcon], fuzzy_matching: true, max_distance: 2}
    """

    code = "W011"


class FuzzyTooShort(Rule):
    """A term is so short that fuzzy matching finds it in ordinary words.

    When nearly half of its letters may differ, `cat` is found in `car` and in `hat`. Make the
    term longer or the distance smaller, or look for it in another kind, without fuzzy matching.

    Wrong:

        policy:
          dlp-filter: {blocked_terms: [cat], fuzzy_matching: true}

    Right:

        policy:
          dlp-filter: {blocked_terms: [caterpillar], fuzzy_matching: true}
    """

    code = "W012"


def check(root: MappingNode) -> Iterator[Finding]:
    """Yield the findings about the blocks of known kinds, each by itself."""
    policy = root.get("policy")
    if not isinstance(policy, MappingNode):
        return
    for name, entry in policy.entries.items():
        if name in KINDS and isinstance(entry.value, MappingNode):
            path = child_path("policy", name)
            yield from _check_substance(name, entry, path)
            yield from _check_fuzzy(entry.value, path)
            yield from _check_redaction(entry.value, path)
            yield from _check_restore(root, name, entry.value, path)
            yield from _check_conflicts(name, entry.value, path)


def _check_substance(name: str, entry: Entry, path: str) -> Iterator[Finding]:
    enforces, fix = _SUBSTANCE.get(name, (None, ""))
    if enforces is not None and not enforces(entry.value):
        message = f"{name} has nothing to enforce"
        yield EnforcesNothing.at(entry.key, path, message, fix)


def _given(block: Node, *keys: str) -> bool:
    return any(find(block, key) is not None for key in keys)


def _filled(block: Node, *keys: str) -> bool:
    """True when one of the keys has an item, an entry or `true`."""
    for key in keys:
        node = find(block, key)
        if isinstance(node, SequenceNode) and node.items:
            return True
        if isinstance(node, MappingNode) and node.entries:
            return True
        if value_of(node) is True:
            return True
    return False


def _rbac_enforces(block: Node) -> bool:
    # Without deny_if_missing its default holds.
    return not _given(block, "deny_if_missing") or _filled(
        block, "deny_if_missing", "require_auth", "roles", "data_access"
    )


def _firewall_enforces(block: Node) -> bool:
    return _given(block, "allowed_tools", "max_tool_calls") or _filled(
        block, "blocked_tools", "tools"
    )


def _routing_enforces(block: Node) -> bool:
    return _given(block, "max_retention_days") or _filled(
        block, "require_zero_data_retention", "require_no_training"
    )


_SUBSTANCE: dict[str, tuple[Callable[[Node], bool], str]] = {
    "rbac": (_rbac_enforces, "give deny_if_missing a header, or require_auth, roles, data_access"),
    "agent-firewall": (
        _firewall_enforces,
        "give allowed_tools, blocked_tools, max_tool_calls or tools.roles",
    ),
    "data-routing-policy": (
        _routing_enforces,
        "give require_zero_data_retention, require_no_training or max_retention_days",
    ),
}


def _check_fuzzy(block: MappingNode, path: str) -> Iterator[Finding]:
    is_fuzzy = value_of(block.get("fuzzy_matching")) is True
    distance = block.entries.get("max_distance")
    if distance and not is_fuzzy:
        message = "max_distance has no effect while fuzzy_matching is off"
        where = child_path(path, "max_distance")
        yield NoEffect.at(distance.key, where, message, "add fuzzy_matching: true")
    allowed = value_of(distance.value) if distance else 1
    if is_fuzzy and isinstance(allowed, int) and allowed > 0:
        for key in ("block_if", "blocked_terms"):
            yield from _check_terms(block.get(key), child_path(path, key), allowed)


def _check_terms(terms: Node | None, path: str, allowed: int) -> Iterator[Finding]:
    for index, term in enumerate(terms.items if isinstance(terms, SequenceNode) else ()):
        if isinstance(term, ScalarNode) and len(term.text.strip()) <= 2 * allowed + 1:
            message = f"{quoted(term.text)} with {allowed} letters changed is an ordinary word"
            fix = "make the term longer or max_distance smaller"
            yield FuzzyTooShort.at(term, f"{path}[{index}]", message, fix)


def _check_redaction(block: MappingNode, path: str) -> Iterator[Finding]:
    redaction = block.entries.get("redaction")
    if redaction and value_of(block.get("action")) == "block":
        message = "redaction has no effect when action is block"
        where = child_path(path, "redaction")
        yield NoEffect.at(redaction.key, where, message, "write action: redact, or remove it")


def _check_restore(root: Node, name: str, block: MappingNode, path: str) -> Iterator[Finding]:
    restore = block.entries.get("restore")
    if restore is None or value_of(restore.value) is not True:
        return
    where = child_path(path, "restore")
    if value_of(block.get("action")) == "block":
        message = "restore has no effect when action is block"
        yield NoEffect.at(restore.key, where, message, "write action: redact, or remove it")
    elif isinstance(root, MappingNode) and not _judges_requests(root, name):
        message = f"restore has no effect: {name} does not run at {PRE_REQUEST}"
        fix = f"run {name} at {PRE_REQUEST} as well, or remove it"
        yield NoEffect.at(restore.key, where, message, fix)


def _judges_requests(root: MappingNode, name: str) -> bool:
    """True unless every entry of the kind in the chain is for answers alone."""
    entries = [link for link in links(root) if link.kind.text == name]
    stages = [value_of(find(link.options, "stage")) for link in entries]
    return not entries or any(stage != POST_RESPONSE for stage in stages)


def _check_conflicts(name: str, block: MappingNode, path: str) -> Iterator[Finding]:
    if name == "prompt-injection" and find(block, "detection", "attack_patterns") is not None:
        yield from conflict(block, path, "attack_patterns", "detection.attack_patterns")
    if name == "agent-firewall" and find(block, "tools") is not None:
        for key in ("allowed_tools", "blocked_tools"):
            yield from conflict(block, path, key, "tools")


def conflict(block: MappingNode, path: str, key: str, other: str) -> Iterator[Finding]:
    """Yield a finding at `key` when the block has both `key` and `other`."""
    entry = block.entries.get(key)
    if entry is not None:
        message = f"{key} and {other} are both given in {path}"
        yield Conflict.at(entry.key, child_path(path, key), message, "keep one of the two")
