"""The list of configurations: what is in force, where, since when, and by whom."""

from collections.abc import Mapping, Sequence
from typing import Any

from console import paging
from console.inside import API
from console.pages.base import Context, Page

_FILTERS = ("status", "source", "labels", "warning", "git_repo")


class Configurations(Page):
    """The list of configurations."""

    template = "console/configurations.html"

    def read(self, **_: Any) -> Context:
        listed = paging.rows(self.api, "/v1/configurations", self.request.GET, known=_FILTERS)
        rollouts = _rollouts(self.api, [row["id"] for row in listed.rows])
        rows = [{**row, "rollout": rollouts.get(row["id"])} for row in listed.rows]
        return {"list": listed, "rows": rows}


def _rollouts(api: API, names: Sequence[str]) -> Mapping[str, Any]:
    """How far each configuration has come, in one call."""
    if not names:
        return {}
    found = api.get("/v1/rollouts", configuration=",".join(names))
    return {row["configuration"]: row for row in found}
