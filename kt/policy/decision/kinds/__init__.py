"""The policy kinds, a module each: a block's compiler, and the policy that judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from kt.policy.decision.kinds import (
    agent_firewall,
    classifier,
    data_routing,
    dlp_filter,
    human_oversight,
    pii_detector,
    prompt_injection,
    rbac,
    safety_filter,
)
from kt.policy.decision.outcome import Policy, ProviderTarget

Compiler = Callable[[Mapping[str, Any], Sequence[ProviderTarget]], Policy]

COMPILERS: Mapping[str, Compiler] = MappingProxyType(
    {
        "safety-filter": safety_filter.compile_block,
        "prompt-injection": prompt_injection.compile_block,
        "pii-detector": pii_detector.compile_block,
        "dlp-filter": dlp_filter.compile_block,
        "rbac": rbac.compile_block,
        "agent-firewall": agent_firewall.compile_block,
        "data-routing-policy": data_routing.compile_block,
        "classifier": classifier.compile_block,
        "human-oversight": human_oversight.compile_block,
    }
)
"""Every kind but `audit-logger`, which records what the others decide."""
