"""Requests under four eyes: what waits for a second person, and the answer to it."""

from typing import Any, ClassVar

from console import inside, paging
from console.pages import eyes
from console.pages.base import Context, Page

# What of a request's details is told by its changes.
_IN_CHANGES = {"gateways", "gateway_count", "fields"}


class Requests(Page):
    """What waits, and what became of others."""

    template = "console/requests.html"

    def read(self, **_: Any) -> Context:
        known = ("state", "kind", "target", "actor_id")
        return {"list": paging.rows(self.api, "/v1/requests", self.request.GET, known=known)}


class OneRequest(Page):
    """One request: what it would change, and the three answers to it."""

    template = "console/request.html"
    acts: ClassVar = eyes.ACTS

    def read(self, **names: Any) -> Context:
        answer = self.api.answer(inside.path("/v1/requests/{number}", **names))
        row = answer.body["data"]
        more = {name: row["details"][name] for name in row["details"].keys() - _IN_CHANGES}
        changes = eyes.changes(row["details"])
        return {"row": row, "etag": answer.etag, "changes": changes, "more": more}
