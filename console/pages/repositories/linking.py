"""Linking a repository: what would be found is shown before anything is saved."""

from typing import Any, ClassVar

from console.pages.base import Context, Page
from console.pages.repositories import acts


class NewRepository(Page):
    """The form of a new link."""

    template = "console/repositories/new.html"
    acts: ClassVar = {"test": acts.TEST, "link": acts.LINK}

    def read(self, **_: Any) -> Context:
        fresh = {"url": self.request.GET.get("url", ""), "auto_create_configuration": True}
        credentials = self.api.get("/v1/git-credentials", fields="name,kind,hosts", limit=200)
        return {"fresh": fresh, "credentials": credentials}
