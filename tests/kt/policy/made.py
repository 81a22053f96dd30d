"""Policies made by chance, which lint accepts, and pairs of which one is a change of the other."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from kt.policy.lint import lint

WORDS = (
    "falcon", "heron", "budget", "merger", "salary", "orchid", "harbour", "lantern", "copper",
    "violet",
)  # fmt: skip
PATTERNS = (
    r"\bACC-[0-9]{4}\b",
    r"(?i)\bTKT_[a-f0-9]{6,8}\b",
    r"(red|green|blue) (fox|hare)",
    r"zz+9?",
    r"case [A-Z]{2}[0-9]+ (open|shut)",
    r"^secret: \S+",
    r"[QX]{3}-(?:alpha|beta)",
)
TOOLS = (
    "search",
    "read_*",
    "write_*",
    "delete_*",
    "*_production",
    "run_tests",
    "sh?ll",
    "read_mail",
)
ROLES = ("reader", "maintainer", "auditor")
HEADERS = ("X-Team", "X-Stage")
VALUES = ("a", "b")
MODELS = ("gpt-*", "gpt-4o", "claude-*", "llama-?b")
KINDS = (
    "rbac",
    "agent-firewall",
    "safety-filter",
    "prompt-injection",
    "dlp-filter",
    "pii-detector",
    "human-oversight",
    "data-routing-policy",
)


def policies(seed: int) -> Iterator[dict[str, Any]]:
    """Policies without an end, the same for the same seed."""
    chance = random.Random(seed)
    while True:
        made = _policy(chance)
        if is_valid(made):
            yield made


def is_valid(policy: dict[str, Any]) -> bool:
    """True where lint accepts it; JSON is YAML."""
    return lint(data_of(policy)).ok


def data_of(policy: dict[str, Any]) -> bytes:
    """The file of a policy."""
    return json.dumps(policy, indent=1).encode()


def _policy(chance: random.Random) -> dict[str, Any]:
    kinds = chance.sample(KINDS, chance.randint(1, 5))
    blocks = {kind: block(kind, chance) for kind in kinds}
    made: dict[str, Any] = {
        "pack": {"name": "p", "version": "1.0.0", "enabled": True},
        "policies": {"chain": [entry(kind, chance) for kind in kinds]},
        "policy": {kind: one for kind, one in blocks.items() if one},
        "providers": {"targets": _targets(chance)},
    }
    if chance.random() < 0.2:
        made["unjudged"] = "block"
    return made


def _some(chance: random.Random, pool: Any, most: int = 3, least: int = 0) -> list[Any]:
    return chance.sample(list(pool), chance.randint(least, most))


def term(chance: random.Random) -> str:
    """One to three words."""
    return " ".join(chance.sample(WORDS, chance.choice((1, 2, 2, 3))))


def _terms(chance: random.Random, least: int = 0) -> list[str]:
    return list(dict.fromkeys(term(chance) for _ in range(chance.randint(least, 3))))


def entry(kind: str, chance: random.Random) -> Any:
    """An entry of a chain."""
    options: dict[str, Any] = {}
    both = kind in ("safety-filter", "pii-detector", "dlp-filter", "human-oversight",
                    "agent-firewall")  # fmt: skip
    if both and chance.random() < 0.3:
        options["stage"] = chance.choice(("pre-request", "post-response"))
    if chance.random() < 0.3:
        when: dict[str, Any] = {}
        if chance.random() < 0.6:
            when["header"] = {name: chance.choice(VALUES) for name in _some(chance, HEADERS, 2, 1)}
        if chance.random() < 0.4:
            when["model"] = _some(chance, MODELS, 2, 1)
        if chance.random() < 0.2:
            when["path"] = chance.choice(("/v1", "/v1/chat", "/v1/messages"))
        if when:
            options["when"] = when
    return {kind: options} if options else kind


def block(kind: str, chance: random.Random) -> dict[str, Any]:
    """A block of a kind, each key of which is there by chance."""
    maybe = {
        "safety-filter": {
            "block_if": _terms(chance, 1),
            "action": chance.choice(("block", "escalate")),
            "fuzzy_matching": chance.random() < 0.5,
            "max_distance": chance.randint(0, 3),
            "mode": chance.choice(("education", "automotive")),
        },
        "pii-detector": {
            "action": chance.choice(("redact", "block")),
            "detect_patterns": _some(chance, PATTERNS, 2, 1),
            "healthcare_mode": chance.random() < 0.5,
            "pci_mode": chance.random() < 0.5,
            "phone_regions": _some(chance, ("DE", "US", "FR", "JP"), 3, 1),
            "national_ids": _some(chance, ("BE", "DE", "ES", "PL"), 2),
        },
        "dlp-filter": {
            "action": chance.choice(("redact", "block")),
            "blocked_terms": _terms(chance, 1),
            "detect_patterns": _some(chance, PATTERNS, 2, 1),
            "fuzzy_matching": chance.random() < 0.5,
            "max_distance": chance.randint(0, 3),
        },
        "prompt-injection": {
            "detection": {"attack_patterns": _some(chance, PATTERNS, 2, 1)},
            "encoding": {"decode_base64": chance.random() < 0.5,
                         "detect_homoglyphs": chance.random() < 0.5},
            "boundaries": {"reject_fake_boundaries": chance.random() < 0.5},
            "scope": chance.choice(("all", "tool_results")),
        },
        "rbac": {
            "deny_if_missing": _some(chance, ("X-User-ID", "X-Role", "X-Dept"), 2),
            "require_auth": chance.random() < 0.5,
            "roles": {role: _rule(chance, "allowed_tools", "denied_tools")
                      for role in _some(chance, ROLES, 2)},
            "data_access": {
                role: {"max_sensitivity": chance.choice(("public", "internal", "restricted"))}
                for role in _some(chance, ROLES, 2)
            },
        },
        "agent-firewall": {
            **_rule(chance, "allowed_tools", "blocked_tools"),
            "max_tool_calls": chance.randint(1, 6),
            "tools": {"roles": {role: _rule(chance, "allowed", "denied")
                                for role in _some(chance, ROLES, 2)}},
        },
        "human-oversight": {
            "action": chance.choice(("escalate", "block")),
        },
        "data-routing-policy": {
            "require_zero_data_retention": chance.random() < 0.5,
            "require_no_training": True,
            "max_retention_days": chance.choice((0, 7, 30)),
        },
    }[kind]  # fmt: skip
    made = {key: value for key, value in maybe.items() if chance.random() < 0.6}
    if kind == "human-oversight":
        made["require_human_for"] = _terms(chance, 1)
    return made


def _rule(chance: random.Random, allowed: str, denied: str) -> dict[str, Any]:
    made = {}
    if chance.random() < 0.6:
        made[allowed] = _some(chance, TOOLS, 3, 1)
    if chance.random() < 0.6:
        made[denied] = _some(chance, TOOLS, 2, 1)
    return made


def _targets(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "id": f"t{at}",
            "provider": "openai",
            "model": model,
            "data_policy": {
                "zero_data_retention": chance.random() < 0.5,
                "training_opt_out": chance.random() < 0.7,
                "retention_days": chance.choice((0, 7, 30)),
            },
        }
        for at, model in enumerate(_some(chance, MODELS, 2, 1))
    ]
