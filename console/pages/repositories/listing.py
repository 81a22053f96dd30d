"""Linked repositories: which are well, which are not, why, and what helps."""

from typing import Any, ClassVar

from console import paging
from console.inside import RefusedError
from console.pages.base import Context, Page
from console.pages.repositories import standing
from console.pages.repositories.acts import REMOVE

_FILTERS = ("status", "warning", "follows", "credential", "configuration", "url")


class Repositories(Page):
    """The list of links."""

    template = "console/repositories/list.html"
    acts: ClassVar = {"remove": REMOVE}

    def read(self, **_: Any) -> Context:
        listed = paging.rows(self.api, "/v1/git-repos", self.request.GET, known=_FILTERS)
        rows = [standing.listed(row) for row in listed.rows]
        return {"list": listed, "rows": rows, **self._summary()}

    def _summary(self) -> Context:
        """How many links stand how, and the hosts that rest; nothing while the broker is away."""
        try:
            found = self.api.get("/v1/git-repos/summary")
        except RefusedError as exc:
            if exc.error.get("code") != "unavailable":
                raise
            return {}
        counts = [(one, found["statuses"].get(one)) for one in standing.STATUSES]
        resting = found["hosts_cooling"]
        return {"counts": [pair for pair in counts if pair[1]], "resting": resting}
