"""Facts of an entry of the audit log, in the clear and committed to. Pure."""

from collections.abc import Mapping
from typing import Any

# What the target of an action is, by the action's first word; of others it is `object`, which is
# shown where it is no name.
_TARGETS = {
    "configuration": "configuration", "gateway": "gateway", "git_repo": "link",
    "signing_key": "fingerprint",
}  # fmt: skip
_AFTER = (
    "version", "content_hash", "content_of_version", "status", "state", "request", "commit",
)  # fmt: skip


def facts(
    action: str,
    target: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    actor: Mapping[str, str],
) -> dict[str, Any]:
    """What a leaf is made of; fields before and after a change by `before.NAME`, `after.NAME`."""
    old, new = before or {}, after or {}
    family = action.partition(".")[0]
    if family in ("request", "glass"):
        family = str(new.get("kind", "")).partition(".")[0]
    shown = new.get("shows")
    shows = shown if isinstance(shown, Mapping) else {}
    given = {
        "action": action,
        _TARGETS.get(family, "object"): target,
        "actor_kind": actor["kind"],
        "actor": actor["id"],
        "actor_name": actor["name"],
        "shown_hash": shows.get("content_hash"),
        "commit": shows.get("commit"),
    }
    if "request" in new:
        given["request_kind"] = new.get("kind")
    given |= {name: new[name] for name in _AFTER if name in new}
    given |= {f"after.{name}": value for name, value in new.items() if name not in _AFTER}
    return given | {f"before.{name}": value for name, value in old.items()}
