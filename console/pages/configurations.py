"""Configurations: what is in force, since when, by whom, and every version there was."""

from typing import Any, ClassVar

from console import inside, paging
from console.pages.base import Act, Context, Page

_FILTERS = ("status", "source", "labels", "warning", "git_repo")


class Configurations(Page):
    """The list of configurations."""

    template = "console/configurations.html"

    def read(self, **_: Any) -> Context:
        listed = paging.rows(self.api, "/v1/configurations", self.request.GET, known=_FILTERS)
        return {"list": listed}


class OneConfiguration(Page):
    """One configuration: the version in force, its history, and what may be done with it."""

    template = "console/configuration.html"
    acts: ClassVar = {
        "rollback": Act(
            "POST", "/v1/configurations/{configuration_id}/rollback",
            "The content of that version is the next version now.",
            {"version": int, "note": str},
        ),
        "pin": Act(
            "POST", "/v1/configurations/{configuration_id}/pin",
            "The version is pinned: it stays in force whatever git says.",
            {"version": int, "reason": str, "expires_at": str},
        ),
        "unpin": Act(
            "DELETE", "/v1/configurations/{configuration_id}/pin", "The pin is released.",
        ),
    }  # fmt: skip

    def read(self, **names: Any) -> Context:
        path = inside.path("/v1/configurations/{configuration_id}", **names)
        answer = self.api.answer(path)
        row = answer.body["data"]
        return {
            "row": row,
            "etag": answer.etag,
            "rollout": self.api.get(f"{path}/rollout"),
            "versions": paging.rows(self.api, f"{path}/versions", self.request.GET, known=()),
            "content": self.api.text(f"{path}/content"),
        }
