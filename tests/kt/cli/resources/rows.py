"""Rows as a control plane answers them."""

from __future__ import annotations

from typing import Any

ID = "0f3a91c2-1111-4111-8111-111111111111"
OTHER = "7d3a91c2-1111-4111-8111-111111111111"
COMMIT = "a" * 40


def a_link(**more: Any) -> dict[str, Any]:
    """A link that is synced."""
    row = {
        "id": ID, "url": "https://forge.example/org/policies.git", "follows": "branch",
        "branch": "main", "path": "policies/", "status": "synced", "last_commit": COMMIT,
        "error": None, "held": None, "files": {"synced": 2}, "conditions": [],
        "last_synced_at": "2026-01-31T12:00:00.5Z", "suspended": False,
    }  # fmt: skip
    return {**row, **more}


def a_configuration(**more: Any) -> dict[str, Any]:
    """A configuration as git has it."""
    row = {
        "id": "support-bot", "name": "Support", "labels": {}, "status": "active", "source": "git",
        "git_repo": ID, "version": 3, "content_hash": "b" * 64, "overridden": False, "pin": None,
        "warning": None, "updated_at": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    return {**row, **more}


def a_request(**more: Any) -> dict[str, Any]:
    """A request that waits."""
    row = {
        "id": 7, "kind": "configuration.pin", "target": "desk", "state": "waiting",
        "break_glass": False, "reason": "an audit", "shows": {"content_hash": "b" * 64},
        "asker": {"kind": "token", "id": OTHER, "name": "ada"},
        "created_at": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    return {**row, **more}


HELD = {"reason": "mass_removal", "message": "it removes 9 of 10", "commit": COMMIT,
        "since": "2026-01-31T12:00:00Z"}  # fmt: skip
