"""Requests under four eyes: what waits for a second person, and the answer to it."""

from typing import Any, ClassVar

from console import inside, paging
from console.pages.base import Act, Context, Page


class Requests(Page):
    """What waits, and what became of others."""

    template = "console/requests.html"

    def read(self, **_: Any) -> Context:
        known = ("state", "kind", "target", "actor_id")
        return {"list": paging.rows(self.api, "/v1/requests", self.request.GET, known=known)}


class OneRequest(Page):
    """One request: what it would change, and the three answers to it."""

    template = "console/request.html"
    acts: ClassVar = {
        "confirm": Act(
            "POST", "/v1/requests/{number}/confirm", "It is confirmed, and done.",
            dict.fromkeys(("content_hash", "commit", "digest"), str),
        ),
        "refuse": Act(
            "POST", "/v1/requests/{number}/refuse", "It is refused; nothing was done.",
            {"reason": str},
        ),
        "withdraw": Act("POST", "/v1/requests/{number}/withdraw", "It is taken back."),
    }  # fmt: skip

    def read(self, **names: Any) -> Context:
        answer = self.api.answer(inside.path("/v1/requests/{number}", **names))
        return {"row": answer.body["data"], "etag": answer.etag}
