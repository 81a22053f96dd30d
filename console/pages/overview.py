"""The overview: what needs somebody first, then what happened, then how all stands."""

from typing import Any

from console.pages.base import Context, Page


class Overview(Page):
    """The first page."""

    template = "console/overview.html"

    def read(self, **_: Any) -> Context:
        drift = self.api.answer("/v1/drift", limit=50).body
        return {"drift": drift["data"], "summary": drift["summary"]}
