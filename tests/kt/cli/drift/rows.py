"""Rows of a control plane, and a policy of a checkout."""

from __future__ import annotations

from kt.cli.drift.comparison import CommittedPolicy

HERE = "a" * 64
THERE = "b" * 64
POLICY = CommittedPolicy("support-bot", "policies/support-bot/policy-config.yaml", HERE)
HELD = {
    "git_repo": "11111111-1111-4111-8111-111111111111",
    "commit": "5c0ffee" + "0" * 33,
    "reason": "mass_removal",
    "message": "4 of 6 configurations would lose their file at once.",
}
LINK = {"id": "link-1", "url": "https://forge.example/p.git", "branch": "main", "id_prefix": ""}
