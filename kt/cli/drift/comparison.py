"""Comparison of a commit, what is in force, and what gateways run. Pure.

The states are those of `/v1/drift`, and two of configurations without a file in this checkout:
`held`, when its link holds the commit that removed it, and `no_file`, when another repository or
nobody feeds it. `unseen` is a file whose configuration the token does not see. What came from git
and no file feeds any more is `orphaned`, with its gateways.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

IN_SYNC = "in_sync"
NO_FILE = "no_file"
UNSEEN = "unseen"
ORPHANED = "orphaned"
HELD = "held"
STATES = (
    IN_SYNC, "rolling_out", "drifted", "stale", "offline", "overridden", "quarantined", ORPHANED,
    HELD, NO_FILE, UNSEEN,
)  # fmt: skip
_CLEAN = (IN_SYNC, NO_FILE, UNSEEN)
_UNSEEN_WHY = "this token is narrowed, and does not see it"
_NO_FILE_WHY = "this checkout has no file for it"
_BACK = "bring its file back, archive the configuration, or set `prune`"
_BACK_OF_NOBODY = "link its repository again, or archive the configuration"
_FOLLOWED = ("branch", "tag", "semver", "commit")


@dataclass(frozen=True, slots=True)
class CommittedPolicy:
    """A policy of the checkout; `content_hash` is the sha256 of its committed bytes."""

    id: str
    path: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a checkout may speak of: ids that begin with `prefix`, and files under `path`.

    `path` starts at the repository's root, and is empty for all of it. `links` are rows of
    `/v1/git-repos`; `origins` are url and path, by id, of what has no link any more. What neither
    tells of may be this checkout's. `unseen` are ids that the token does not see.
    """

    prefix: str = ""
    path: str = ""
    links: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    origins: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unseen: Collection[str] = ()


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
    scope: Scope,
) -> list[Row]:
    """Rows for each configuration: checkout against control plane, then its gateways.

    `configurations` and `gateways` are rows of `/v1/configurations` and `/v1/drift`.
    """
    by_id = {_text(row, "id"): row for row in configurations}
    drift = _by_configuration(gateways)
    rows = []
    for policy in policies:
        seen = drift.get(policy.id, [])
        if policy.id in scope.unseen:
            rows.append(Row(policy.id, "", UNSEEN, "", _UNSEEN_WHY, policy.path, "", "", ""))
            continue
        rows.append(_policy_row(policy, by_id.get(policy.id), seen))
        rows += [_gateway_row(policy, row) for row in seen if row.get("gateway")]
    return [*rows, *_without_file(policies, by_id, drift, scope)]


def unfed(
    policies: Sequence[CommittedPolicy],
    configurations: Sequence[Mapping[str, Any]],
    gateways: Sequence[Mapping[str, Any]],
    *,
    prefix: str,
) -> dict[str, str]:
    """What may be held or orphaned here, by id, with its link; "" where that was deleted."""
    named = {policy.id for policy in policies}
    drift = _by_configuration(gateways)
    return {
        name: _owner(row, seen)
        for row in configurations
        if (name := _text(row, "id")) not in named and name.startswith(prefix)
        for seen in [drift.get(name, ())]
        if _removal(seen) or _is_orphaned(seen)
    }


def _by_configuration(
    gateways: Sequence[Mapping[str, Any]],
) -> dict[str, list[Mapping[str, Any]]]:
    drift: dict[str, list[Mapping[str, Any]]] = {}
    for row in gateways:
        drift.setdefault(_text(row, "configuration"), []).append(row)
    return drift


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
        return "quarantined", "in git, but not in force; kt repos show LINK says why"
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
    scope: Scope,
) -> Iterator[Row]:
    named = {policy.id for policy in policies}
    feeding = {_text(by_id[name], "git_repo") for name in named if name in by_id} - {""}
    ours = [link for link in scope.links if _text(link, "id") in feeding]
    elsewhere = _elsewhere(ours, scope)
    left = _left_elsewhere(ours, scope)
    for name, row in by_id.items():
        if name not in named and name.startswith(scope.prefix):
            seen = drift.get(name, ())
            is_ours = _owner(row, seen) not in elsewhere and name not in left
            state, why = _unfed(row, seen) if is_ours else (NO_FILE, _NO_FILE_WHY)
            yield Row(name, "", state, "", why, "", "", _text(row, "content_hash"), "")
            if is_ours and _is_orphaned(seen):
                gateways = [one for one in seen if one.get("gateway")]
                yield from (_gateway_row(CommittedPolicy(name, "", ""), one) for one in gateways)


def _unfed(row: Mapping[str, Any], seen: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    if removal := _removal(seen):
        return HELD, removal
    if not _is_orphaned(seen):
        return NO_FILE, _NO_FILE_WHY
    # A gateway's own reason may be another one, such as that it is offline.
    told = [_text(one, "why") for one in seen if one.get("state") == ORPHANED]
    why = next(iter(told), "") or "no file in git feeds it any more"
    return ORPHANED, f"{why}; {_BACK if _owner(row, seen) else _BACK_OF_NOBODY}"


def _is_orphaned(seen: Sequence[Mapping[str, Any]]) -> bool:
    """True for what came from git and no file feeds any more, whatever its gateways do."""
    return any(
        one.get("configuration_state") == ORPHANED
        or (one.get("state") == ORPHANED and not one.get("gateway"))
        for one in seen
    )


def _owner(row: Mapping[str, Any], seen: Sequence[Mapping[str, Any]]) -> str:
    """The link that feeds a configuration, or did; empty where the control plane names none."""
    holding = (one["held"] for one in seen if isinstance(one.get("held"), Mapping))
    return _text(row, "git_repo") or next((_text(held, "git_repo") for held in holding), "")


def _elsewhere(ours: Sequence[Mapping[str, Any]], scope: Scope) -> frozenset[str]:
    """The links whose files this checkout cannot have, by id; `ours` are those that feed its own.

    These have another prefix or path; or, where it is known which link feeds a file of the
    checkout, another repository or ref than that one.
    """
    origins = set(map(_origin, ours))
    return frozenset(
        _text(link, "id")
        for link in scope.links
        if _text(link, "id_prefix") != scope.prefix
        or not _meet(_text(link, "path"), scope.path)
        or (origins and _origin(link) not in origins)
    )


def _left_elsewhere(ours: Sequence[Mapping[str, Any]], scope: Scope) -> frozenset[str]:
    """What lost its link and was no file of this checkout, by id."""
    urls = {_text(link, "url") for link in ours}
    return frozenset(
        name
        for name, (url, path) in scope.origins.items()
        if (urls and url not in urls) or not _meet(path, scope.path)
    )


def _origin(link: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_text(link, name) for name in ("url", *_FOLLOWED))


def _meet(one: str, two: str) -> bool:
    """True when one of two paths holds the other."""
    first, second = (path.strip("/").split("/") if path.strip("/") else [] for path in (one, two))
    common = min(len(first), len(second))
    return first[:common] == second[:common]


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
