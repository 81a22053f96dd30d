"""A linked repository: how it stands, its files and syncs, and what may be done with it."""

from typing import Any, ClassVar

from console import cookies, inside, paging
from console.pages import eyes
from console.pages.base import Context, Page
from console.pages.repositories import acts, standing

_BAD = "quarantined,conflict,unlinked,missing"
_OUTCOMES = ("quarantined", "conflict", "unlinked", "missing", "pinned", "synced", "archived")


class _OfLink(Page):
    """A page below a link's own, with what all of them show of it."""

    def link(self, **names: Any) -> Context:
        """The link, its path in the API and its ETag."""
        where = inside.path("/v1/git-repos/{link_id}", **names)
        answer = self.api.answer(where)
        here = f"/repositories/{names['link_id']}"
        return {"link": standing.listed(answer.body["data"]), "etag": answer.etag, "where": where,
                "here": here}  # fmt: skip


class OneRepository(_OfLink):
    """A link as it stands."""

    template = "console/repositories/one.html"
    acts: ClassVar = {
        "sync": acts.SYNC, "preview": acts.PREVIEW, "confirm": acts.CONFIRM,
        "suspend": acts.SUSPEND, "resume": acts.RESUME, "remove": acts.REMOVE,
        "link": acts.LINK, "edit": acts.EDIT, **eyes.ACTS,
    }  # fmt: skip

    def read(self, **names: Any) -> Context:
        of_link = self.link(**names)
        where = of_link["where"]
        bad = self.api.answer(f"{where}/files", outcome=_BAD, limit=30, sort="path").body
        waiting = eyes.waiting(self.api, target=str(names["link_id"]))
        return {
            **of_link,
            "trouble": standing.trouble(bad["data"]),
            "more_trouble": bool(bad.get("next_cursor")),
            "syncs": self.api.get(f"{where}/syncs", limit=5),
            "waiting": waiting,
            "commit_status": self._commit_status(where),
            # Under four eyes a held commit is confirmed where its request stands, and there alone.
            "by_request": any(one["kind"] == "git_repo.confirm" for one in waiting),
        }

    def _commit_status(self, where: str) -> Any:
        """What the forge is told of the link's commits; None for whoever may not read it."""
        path = f"{where}/commit-status"
        return self.api.get(path) if self.api.may("GET", path) else None


class Files(_OfLink):
    """What became of each file."""

    template = "console/repositories/files.html"

    def read(self, **names: Any) -> Context:
        of_link = self.link(**names)
        known = ("outcome", "configuration")
        listed = paging.rows(self.api, f"{of_link['where']}/files", self.request.GET, known=known)
        return {**of_link, "list": listed, "outcomes": _OUTCOMES}


class Syncs(_OfLink):
    """The syncs that changed something or failed."""

    template = "console/repositories/syncs.html"

    def read(self, **names: Any) -> Context:
        of_link = self.link(**names)
        known = ("trigger", "failed", "since", "until")
        listed = paging.rows(
            self.api, f"{of_link['where']}/syncs", self.request.GET, known=known, limit=20
        )
        return {**of_link, "list": listed}


class Edit(_OfLink):
    """The form of what a link asks for."""

    template = "console/repositories/edit.html"
    acts: ClassVar = {"edit": acts.EDIT}

    def read(self, **names: Any) -> Context:
        credentials = self.api.get("/v1/git-credentials", fields="name,kind,hosts", limit=200)
        return {**self.link(**names), "credentials": credentials}


class Webhook(_OfLink):
    """The steps that have a forge tell of pushes."""

    template = "console/repositories/webhook.html"
    acts: ClassVar = {"webhook": acts.WEBHOOK, "no_webhook": acts.NO_WEBHOOK}

    def read(self, **names: Any) -> Context:
        of_link = self.link(**names)
        origin = cookies.origin(self.request)
        return {**of_link, "deliver_to": f"{origin}{of_link['link']['webhook_url']}"}
