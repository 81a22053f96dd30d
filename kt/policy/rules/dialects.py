"""The rule about documents in another dialect."""

from __future__ import annotations

from kt.lazy import TYPE_CHECKING
from kt.policy.nodes import MappingNode, SequenceNode
from kt.policy.rules.base import Rule

if TYPE_CHECKING:
    from kt.policy.findings import Finding
    from kt.policy.rules.base import Place


class ForeignDialect(Rule):
    """The document has another shape than a policy of this language.

    Tutorials show two: `gateway:` with a list below `policies:`, and `version: '1'` with such
    a list. A third, for a single policy, has `policy.name` and neither `pack` nor `policies`.
    Rewrite it as below; nothing else is checked until then.

    Wrong:

        version: '1'
        policies:
          - {name: guard, type: prompt_injection, action: block}

    Right:

        pack: {name: guard, version: 1.0.0, enabled: true}
        policies:
          chain: [prompt-injection]
    """

    code = "E021"


_FIX = "write pack: {name, version, enabled} and policies: {chain: [KIND, ...]}"


def recognise(root: MappingNode) -> Finding | None:
    """The finding that a document is in another dialect; None when it is not."""
    foreign = _foreign(root)
    if foreign is None:
        return None
    place, path, what = foreign
    return ForeignDialect.at(place, path, f"{what}: another dialect than this language", _FIX)


def _foreign(root: MappingNode) -> tuple[Place, str, str] | None:
    policies = root.entries.get("policies")
    if policies and isinstance(policies.value, SequenceNode):
        return policies.key, "policies", "a list below 'policies:'"
    if "pack" in root.entries:
        return None
    for key in ("gateway", "version"):
        if key in root.entries:
            return root.entries[key].key, key, f"{key!r} at the top and no 'pack:'"
    policy = root.entries.get("policy")
    if (
        policy
        and policies is None
        and isinstance(policy.value, MappingNode)
        and "name" in policy.value.entries
    ):
        return policy.key, "policy", "a document of a single policy"
    return None
