"""`kt status`: what needs somebody, each with the command that helps.

Exit codes: 0 nothing does, 1 something does, 2 it could not tell.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from kt.cli.client.controlplane import ControlPlane, Query
from kt.cli.client.members import Row, block
from kt.cli.client.output import add_json, is_colored, painted, text
from kt.cli.client.printable import as_json
from kt.cli.client.refusals import DeniedError, RefusedError
from kt.cli.client.session import add_connection, connect
from kt.cli.errors import CommandError
from kt.cli.resources.naming import SHORT, short
from kt.cli.resources.repos import followed
from kt.cli.resources.requests import name_of

_MOST_OF_A_KIND = 10
_SOON = timedelta(days=14)
_DRIFTING = ("drifted", "stale", "offline")
_FAILING = ("error", "stalled")


class Need(NamedTuple):
    """One thing that needs somebody: of which kind, what it is, why, and what helps."""

    kind: str
    what: str
    why: str
    command: str


Look = Callable[[Sequence[Row], datetime], Iterator[Need]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_json(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Look everywhere that the token may, and print what was found."""
    control_plane = connect(options)
    needs: list[Need] = []
    counts: dict[str, int] = {}
    unread: list[str] = []
    for name, path, query, look in _LOOKS:
        try:
            rows = control_plane.rows(path, query)
        except RefusedError as exc:
            # A control plane of an older release does not have all of this.
            if not isinstance(exc, DeniedError) and exc.status != HTTPStatus.NOT_FOUND:
                raise
            unread.append(name)
            continue
        counts[name] = len(rows)
        needs += look(rows, datetime.now(UTC))
    if not counts:
        raise CommandError("the token may read nothing of this: kt whoami says what it may")
    if options.json:
        found = [need._asdict() for need in needs]
        print(as_json({"ok": not needs, "needs": found, "counts": counts, "unread": unread}))
    else:
        _print(control_plane, needs, counts, unread)
    return int(bool(needs))


def _print(
    control_plane: ControlPlane, needs: Sequence[Need], counts: dict[str, int], unread: list[str]
) -> None:
    looked_at = ", ".join(f"{name} {count}" for name, count in counts.items())
    print(f"{control_plane.url}: {looked_at}")
    kinds = Counter(need.kind for need in needs)
    for kind, count in kinds.items():
        print(f"\n{painted(kind) if is_colored() else kind} ({count})")
        for need in [need for need in needs if need.kind == kind][:_MOST_OF_A_KIND]:
            print(f"  {need.what}: {need.why}\n    {need.command}")
        if count > _MOST_OF_A_KIND:
            print(f"  … and {count - _MOST_OF_A_KIND} more; kt status --json has all")
    if not needs:
        print("nothing needs anybody")
    if unread:
        why = "since the token's role may not, or the control plane is older"
        print(f"\nnot looked at, {why}: {', '.join(unread)}")


def of_links(rows: Sequence[Row], _now: datetime) -> Iterator[Need]:
    """Links that hold a commit, fail, or have files that are not in force."""
    for row in rows:
        what = f"{text(row.get('url'))} ({followed(row)}, {text(row.get('path'))})"
        files, held, error = (block(row, name) for name in ("files", "held", "error"))
        if row.get("status") == "held":
            command = f"kt repos confirm {short(row)}"
            yield Need("held", what, text(held.get("message")), command)
        elif row.get("status") in _FAILING:
            why = f"{text(error.get('code'))}: {text(error.get('message'))}"
            yield Need("failing", what, why, f"kt repos show {short(row)}")
        for outcome in ("quarantined", "conflict", "unlinked"):
            if count := files.get(outcome):
                why = f"{text(count)} of its files"
                yield Need(outcome, what, why, f"kt repos show {short(row)}")


def of_configurations(rows: Sequence[Row], _now: datetime) -> Iterator[Need]:
    """Configurations that are not as git has them, or would be refused by the present rules."""
    for row in rows:
        if row.get("overridden"):
            yield _override(row)
        if warning := block(row, "warning"):
            command = f"kt configurations show {text(row.get('id'))}"
            yield Need(
                "refused in force", text(row.get("id")), text(warning.get("message")), command
            )


def _override(row: Row) -> Need:
    """Content that stands instead of what git has: pinned, or by the API."""
    configuration, version = text(row.get("id")), text(row.get("version"))
    if pin := block(row, "pin"):
        end = f" until {text(pin['expires_at'])}" if pin.get("expires_at") else ""
        why = f"version {version} is pinned{end}, git has another: {text(pin.get('reason'))}"
        return Need("overridden", configuration, why, f"kt configurations unpin {configuration}")
    why = f"version {version} is of the API; git has another, which follows when it changes again"
    return Need("overridden", configuration, why, f"kt configurations history {configuration}")


def of_drift(rows: Sequence[Row], _now: datetime) -> Iterator[Need]:
    """Gateways that do not run what they should, and what nobody feeds any more."""
    orphaned = {}
    for row in rows:
        gateway, configuration = text(row.get("gateway")), text(row.get("configuration"))
        if row.get("state") == "orphaned":
            orphaned[configuration] = text(row.get("why"))
        elif row.get("configuration_state") == "orphaned":
            # Its `why` is that of the gateway's own trouble.
            orphaned.setdefault(configuration, "no file in git feeds it any more")
        if row.get("state") in _DRIFTING:
            why = f"{text(row.get('state'))}: {text(row.get('why'))}"
            yield Need("drifting", gateway, why, f"kt gateways show {gateway}")
    for configuration, why in orphaned.items():
        yield Need("orphaned", configuration, why, f"kt configurations show {configuration}")


def of_credentials(rows: Sequence[Row], _now: datetime) -> Iterator[Need]:
    """Shared credentials that expire soon."""
    for row in rows:
        if row.get("expiring"):
            why = (
                f"expires {text(row.get('expires_at'))}, {text(row.get('git_repos'))} links use it"
            )
            command = "kt apply -f FILE --renew-secrets"
            yield Need("expiring", f"the credential {text(row.get('name'))}", why, command)


def of_statuses(rows: Sequence[Row], _now: datetime) -> Iterator[Need]:
    """Links of whose commits their forge cannot be told."""
    for row in rows:
        if error := block(row, "error"):
            what = (
                f"{text(row.get('url'))} ({text(row.get('path'))}) by {text(row.get('credential'))}"
            )
            why = f"{text(error.get('code'))}: {text(error.get('message'))}"
            if row.get("action"):
                why += f" {text(row['action'])}"
            command = f"kt commit-status show {text(row.get('git_repo'))[:SHORT]}"
            yield Need("status not told", what, why, command)


def of_tokens(rows: Sequence[Row], now: datetime) -> Iterator[Need]:
    """Tokens that expire within two weeks."""
    for row in rows:
        end = _moment(row.get("expires_at"))
        if end and not row.get("revoked_at") and now < end < now + _SOON:
            what = f"the token {text(row.get('name'))}"
            command = f"kt tokens rotate {short(row)} --token-file FILE"
            yield Need("expiring", what, f"expires {text(row.get('expires_at'))}", command)


def of_requests(rows: Sequence[Row], _now: datetime) -> Iterator[Need]:
    """Requests that wait for a second person."""
    for row in rows:
        what = (
            f"request {text(row.get('id'))}, {text(row.get('kind'))} of {text(row.get('target'))}"
        )
        alone = ", made alone" if row.get("break_glass") else ""
        why = f"asked by {text(name_of(row.get('asker')))}{alone}: {text(row.get('reason'))}"
        yield Need("waiting", what, why, f"kt requests show {text(row.get('id'))}")


_LOOKS: tuple[tuple[str, str, Query, Look], ...] = (
    ("links", "/v1/git-repos", {}, of_links),
    ("configurations", "/v1/configurations", {}, of_configurations),
    ("rows of drift", "/v1/drift", {}, of_drift),
    ("credentials", "/v1/git-credentials", {}, of_credentials),
    ("failing commit statuses", "/v1/commit-statuses", {"failing": "true"}, of_statuses),
    ("tokens", "/v1/tokens", {}, of_tokens),
    ("requests", "/v1/requests", {"state": "waiting"}, of_requests),
)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
