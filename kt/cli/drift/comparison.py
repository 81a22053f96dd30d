"""Comparison of a commit, what is in force, and what gateways run. Pure.

The states are those of `/v1/drift`, and two of configurations without a file in this checkout:
`held`, when its link holds the commit that removed it, else `no_file`, since another repository may
feed it. What none feeds any more is `orphaned`, with its gateways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IN_SYNC = "in_sync"
NO_FILE = "no_file"
ORPHANED = "orphaned"
HELD = "held"
STATES = (
    IN_SYNC, "rolling_out", "drifted", "stale", "offline", "overridden", "quarantined", ORPHANED,
    HELD, NO_FILE,
)  # fmt: skip
_CLEAN = (IN_SYNC, NO_FILE)
_NO_FILE_WHY = "this checkout has no file for it"


@dataclass(frozen=True, slots=True)
class CommittedPolicy:
    """A policy of the checkout; `content_hash` is the sha256 of its committed bytes."""

    id: str
    path: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Row:
    """The state of a configuration (`gateway` is ""), or of a gateway that should enforce it.

    Hashes are "" where there is nothing to hash, `since` is "" where it is not known.
    """

    configuration: str
    gateway: str
    state: str
    since: str
    why: str
    path: str
    checkout_hash: str
    desired_hash: str
    running_hash: str


def compare(
    policies: Sequence[CommittedPolicy],
    configurations: Sequence[Mapping[str, Any]],
    gateways: Sequence[Mapping[str, Any]],
    *,
    prefix: str,
) -> list[Row]:
    """Rows for each configuration: checkout against control plane, then its gateways.

    `configurations` and `gateways` are rows of `/v1/configurations` and `/v1/drift`. Only ids
    that begin with `prefix` count.
    """
    by_id = {_text(row, "id"): row for row in configurations}
    drift: dict[str, list[Mapping[str, Any]]] = {}
    for row in gateways:
        drift.setdefault(_text(row, "configuration"), []).append(row)
    rows = []
    for policy in policies:
        seen = drift.get(policy.id, [])
        rows.append(_policy_row(policy, by_id.get(policy.id), seen))
        rows += [_gateway_row(policy, row) for row in seen if row.get("gateway")]
    return [*rows, *_without_file(policies, by_id, drift, prefix)]


def drifts(rows: Sequence[Row], ignored: Sequence[str]) -> bool:
    """True when any row is in a state that is neither clean nor ignored."""
    return any(row.state not in (*_CLEAN, *ignored) for row in rows)


def _policy_row(
    policy: CommittedPolicy,
    configuration: Mapping[str, Any] | None,
    seen: Sequence[Mapping[str, Any]],
) -> Row:
    desired = _text(configuration or {}, "content_hash")
    state, why = _against(policy, configuration, seen)
    return Row(
        policy.id, "", state, "", why, policy.path, policy.content_hash, desired, ""
    )  # fmt: skip


def _against(
    policy: CommittedPolicy,
    configuration: Mapping[str, Any] | None,
    seen: Sequence[Mapping[str, Any]],
) -> tuple[str, str]:
    if configuration is None:
        return "drifted", "the control plane has no such configuration"
    if configuration.get("content_hash") == policy.content_hash:
        return IN_SYNC, _removal(seen)
    if configuration.get("overridden"):
        return "overridden", _overridden(configuration.get("pin"))
    if any(row.get("git_hash") == policy.content_hash for row in seen):
        return "quarantined", "in git, but not in force; /v1/git-repos/ID/files says why"
    return "drifted", "another version is in force"


def _overridden(pin: object) -> str:
    if isinstance(pin, Mapping):
        return f"pinned by {_text(pin, 'actor')}: {_text(pin, 'reason')}"
    return "changed by the API, not in git"


def _gateway_row(policy: CommittedPolicy, row: Mapping[str, Any]) -> Row:
    state = _text(row, "state")
    return Row(
        configuration=policy.id,
        gateway=_text(row, "gateway"),
        # A state that only later releases know must not pass as clean.
        state=state if state in STATES else "drifted",
        since=_text(row, "since"),
        why=_text(row, "why"),
        path=policy.path,
        checkout_hash=policy.content_hash,
        desired_hash=_text(row, "desired_hash"),
        running_hash=_text(row, "running_hash"),
    )


def _without_file(
    policies: Sequence[CommittedPolicy],
    by_id: Mapping[str, Mapping[str, Any]],
    drift: Mapping[str, Sequence[Mapping[str, Any]]],
    prefix: str,
) -> Iterator[Row]:
    named = {policy.id for policy in policies}
    for name, row in by_id.items():
        if name not in named and name.startswith(prefix):
            removal = _removal(drift.get(name, ()))
            state, why = (HELD, removal) if removal else (NO_FILE, _NO_FILE_WHY)
            desired = _text(row, "content_hash")
            yield Row(name, "", state, "", why, "", "", desired, "")
            for seen in drift.get(name, ()):
                if seen.get("gateway") and seen.get("configuration_state") == ORPHANED:
                    yield _gateway_row(CommittedPolicy(name, "", ""), seen)


def _removal(seen: Sequence[Mapping[str, Any]]) -> str:
    """What a link says that holds the commit which removes a configuration; else ""."""
    for row in seen:
        held = row.get("held")
        if isinstance(held, Mapping):
            link, commit = _text(held, "git_repo"), _text(held, "commit")[:12]
            words = _text(held, "message")
            return f"commit {commit} removes it, and the link {link} holds that: {words}"
    return ""


def _text(row: Mapping[str, Any], name: str) -> str:
    """A field as a text that can be printed on one line."""
    value = row.get(name)
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in text)
