"""Things that need somebody: looked for by the API's own filters, a bounded number of rows each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.http import urlencode

from console import asked
from console.inside import API, RefusedError, path
from console.pages.repositories.standing import NOT_IN_FORCE

_MOST_OF_A_KIND = 10
_SOON = timedelta(days=14)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs somebody: its state, what it is, why, and the page that helps."""

    state: str
    what: str
    why: str
    page: str


@dataclass(frozen=True, slots=True)
class Look:
    """A list of the API that is looked at, by whoever may do `action`."""

    action: str
    path: str
    query: Mapping[str, str]
    needs: Callable[[Sequence[Row]], Iterator[Need]]


def found(api: API) -> tuple[list[Need], list[str]]:
    """What needs somebody, and of which kinds there is more than is listed."""
    needs: list[Need] = []
    more: list[str] = []
    for look in _LOOKS:
        if not api.bearer.may(look.action):
            continue
        try:
            body = api.answer(look.path, limit=_MOST_OF_A_KIND, **look.query).body
        except RefusedError as exc:
            if exc.status != 403:  # Narrowed tokens may not look everywhere.
                raise
            continue
        needs += look.needs(body["data"])
        if body.get("next_cursor"):
            more.append(f"{look.path.removeprefix('/v1/')}?{urlencode(look.query)}")
    return needs, more


def _of_links(rows: Sequence[Row]) -> Iterator[Need]:
    for row in rows:
        page = path("/repositories/{id}", id=row["id"])
        told = row["held"] if row["status"] == "held" else row["error"]
        why = told["message"] if told else "; ".join(one["message"] for one in row["conditions"])
        yield Need(row["status"], f"{row['url']} {row['path']}", why, page)


def _of_files(rows: Sequence[Row]) -> Iterator[Need]:
    for row in rows:
        counts = {name: row["files"][name] for name in NOT_IN_FORCE if row["files"].get(name)}
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        why = f"Files not in force as in git: {told}."
        page = path("/repositories/{id}", id=row["id"]) + "/files?outcome=" + ",".join(NOT_IN_FORCE)
        yield Need("synced_in_part", f"{row['url']} {row['path']}", why, page)


def of_gateways(rows: Sequence[Row]) -> Iterator[Need]:
    """Gateways that do not run what they should, and configurations that nobody feeds."""
    for row in rows:
        if row["gateway"]:
            page = path("/gateways/{id}", id=row["gateway"])
            yield Need(row["state"], row["gateway"], row["why"], page)
        elif row["configuration"]:
            page = path("/configurations/{id}", id=row["configuration"])
            yield Need(row["state"], row["configuration"], row["why"], page)


def _of_configurations(rows: Sequence[Row]) -> Iterator[Need]:
    for row in rows:
        page = path("/configurations/{id}", id=row["id"])
        yield Need("warning", row["id"], row["warning"]["message"], page)


def _of_requests(rows: Sequence[Row]) -> Iterator[Need]:
    for row in rows:
        yield Need(
            "waiting", asked.asked(row), asked.why(row), path("/requests/{id}", id=row["id"])
        )


def _of_tokens(rows: Sequence[Row]) -> Iterator[Need]:
    now = datetime.now(UTC)
    for row in rows:
        end = datetime.fromisoformat(row["expires_at"]) if row["expires_at"] else None
        if end is not None and now < end < now + _SOON:
            why = f"It expires on {end:%Y-%m-%d %H:%M} UTC."
            yield Need("expiring", row["name"], why, "/access")


_LOOKS = (
    Look("requests.read", "/v1/requests", {"state": "waiting"}, _of_requests),
    Look("links.read", "/v1/git-repos", {"status": "held,error,stalled"}, _of_links),
    Look("links.read", "/v1/git-repos", {"files_refused": "true"}, _of_files),
    Look("configurations.read", "/v1/configurations", {"warning": "true"}, _of_configurations),
    Look("tokens.manage", "/v1/tokens", {"revoked": "false", "sort": "expires_at"}, _of_tokens),
)
