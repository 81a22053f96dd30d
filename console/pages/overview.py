"""The overview: what needs somebody first, then what changed, then how all stands."""

from collections.abc import Mapping
from typing import Any

from console.charts import chart
from console.inside import API, RefusedError
from console.journeys import Journey, journey
from console.pages import needs
from console.pages.base import Context, Page

_CHANGES, _EVENTS, _DRIFT = 5, 12, 20
_NEEDY = "drifted,stale,offline,quarantined,orphaned"


class Overview(Page):
    """The first page."""

    template = "console/overview.html"

    def read(self, **_: Any) -> Context:
        found, more = needs.found(self.api)
        drift = self.api.answer("/v1/drift", state=_NEEDY, limit=_DRIFT).body
        api, may = self.api, self.api.bearer.may
        links = api.get("/v1/git-repos/summary")["statuses"] if may("links.read") else {}
        return {
            "broken": _broken(self.api),
            "needs": [*found, *needs.of_gateways(drift["data"])],
            "more": more or bool(drift.get("next_cursor")),
            "gateways": _counts(drift["gateways"]),
            "links": _counts(links),
            "chart": chart(api.get("/v1/decisions/rates")["minutes"]),
            "changes": _changes(api),
            "events": api.get("/v1/events", limit=_EVENTS) if may("events.read") else [],
        }


def _changes(api: API) -> list[tuple[str, Mapping[str, Any], Journey]]:
    """The configurations that changed last by id, each with how far its version has come."""
    rows = api.get("/v1/configurations", sort="-updated_at", limit=_CHANGES)
    names = [row["id"] for row in rows]
    if not names:
        return []
    found = {
        row["configuration"]: row for row in api.get("/v1/rollouts", configuration=",".join(names))
    }
    return [(name, found[name], journey(found[name])) for name in names if name in found]


def _broken(api: API) -> list[Any]:
    """The parts of the control plane that are down, each with what is wrong."""
    try:
        api.answer("/healthz")
    except RefusedError as exc:
        return list(exc.error.get("details", []))
    return []


def _counts(by_state: Any) -> list[tuple[str, int]]:
    """States with how many are in each, those of most first."""
    return sorted(
        ((state, number) for state, number in by_state.items() if number),
        key=lambda pair: (-pair[1], pair[0]),
    )
