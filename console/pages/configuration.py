"""One configuration: how it stands, what it enforces, its history, and what may be done with it."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from console import colours, comparing, inside, paging
from console.inside import API, RefusedError
from console.journeys import journey
from console.pages import eyes
from console.pages.base import ASKED, Act, Context, Page
from console.pages.reading import whole

_VERSIONS = 20
_ONE = "/v1/configurations/{configuration_id}"
# Where a judge is busy or the role may not, the page shows what else there is.
_PASSED_OVER = (403, 409, 429, 503)

_ACT = partial(Act, target="{configuration_id}")


class OneConfiguration(Page):
    """The page of a configuration. `?part=now` is what changes by itself.

    `seen` is the version that stands below that part: what is filled in there stays as it is.
    """

    template = "console/configuration.html"
    acts: ClassVar = {
        "rollback": _ACT(
            "POST", f"{_ONE}/rollback", "The content of that version is the next version now.",
            {"version": whole, "note": str}, also={"note": ASKED}, asks="configuration.rollback",
        ),
        "pin": _ACT(
            "POST", f"{_ONE}/pin", "The version is pinned: it stays in force whatever git says.",
            {"version": whole, "reason": str, "expires_at": str}, also={"reason": ASKED},
            asks="configuration.pin",
        ),
        "unpin": _ACT(
            "DELETE", f"{_ONE}/pin", "The pin is released.", asks="configuration.unpin",
        ),
        **eyes.ACTS,
    }  # fmt: skip

    def read(self, **names: Any) -> Context:
        path = inside.path(_ONE, **names)
        answer = self.api.answer(path)
        row = answer.body["data"]
        rollout = self.api.get(f"{path}/rollout")
        now = {
            "row": row,
            "etag": answer.etag,
            "rollout": rollout,
            "journey": journey(rollout),
            "current": self.api.get(f"{path}/versions/{row['version']}"),
            "waiting": eyes.waiting(self.api, target=row["id"]),
            "refused_file": _refused_file(self.api, row),
            "seen": _number(self.request.GET.get("seen", ""), row["version"]),
        }
        if self.request.GET.get("part") == "now":
            return now
        listed = paging.rows(
            self.api, f"{path}/versions", self.request.GET, known=(), limit=_VERSIONS
        )
        told = explanation(self.api, path, row["version"])
        return {
            **now,
            "versions": listed,
            "several": len(listed.rows) > 1 or not listed.is_first,
            "told": told,
            "sheet": colours.sheet(
                self.api.text(f"{path}/content"), findings(told), size=colours.GLANCE
            ),
        }


class Policy(Page):
    """The content of a version: in colours, with findings, and what it enforces in words."""

    template = "console/policy.html"

    def read(self, **names: Any) -> Context:
        path = inside.path(_ONE, **names)
        row = self.api.get(path)
        number = _number(self.request.GET.get("version", ""), row["version"])
        version = self.api.get(f"{path}/versions/{number}")
        told = explanation(self.api, path, number)
        text = self.api.text(f"{path}/versions/{number}/content")
        first = _number(self.request.GET.get("line", ""), 1)
        sheet = colours.sheet(text, findings(told), first=first, size=colours.WHOLE)
        return {"row": row, "version": version, "told": told, "sheet": sheet}


class Compare(Page):
    """Two versions compared: what changes in enforcement, and then the texts."""

    template = "console/compare.html"

    def read(self, **names: Any) -> Context:
        path = inside.path(_ONE, **names)
        row = self.api.get(path)
        after = _number(self.request.GET.get("to", ""), row["version"])
        before = _number(self.request.GET.get("from", ""), max(after - 1, 1))
        one, other = (self.api.get(f"{path}/versions/{number}") for number in (before, after))
        texts = (self.api.text(f"{path}/versions/{n}/content") for n in (before, after))
        found = comparing.compared(*texts)
        is_split = self.request.GET.get("view") != "unified"
        return {
            "row": row,
            "before": one,
            "after": other,
            "sides": [{"title": "Before", "version": one}, {"title": "After", "version": other}],
            "changes": _changes(self.api, path, before, after),
            "found": found,
            "pairs": list(found.pairs()) if is_split else [],
            "is_split": is_split,
        }


def _refused_file(api: API, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The file in git that feeds it, if it is in quarantine, for whoever may see files."""
    if not row["git_repo"] or not api.bearer.may("links.read"):
        return None
    files = inside.path("/v1/git-repos/{id}/files", id=row["git_repo"])
    try:
        found = api.get(files, configuration=row["id"], outcome="quarantined", limit=1)
    except RefusedError as exc:
        if exc.status not in (403, 404):  # Of a narrowed token, or a link that is just removed.
            raise
        return None
    return found[0] if found else None


def explanation(api: API, path: str, number: int) -> Mapping[str, Any]:
    """What a version enforces and what lint says of it; `refused` where nobody can say now."""
    try:
        found: Mapping[str, Any] = api.get(f"{path}/explanation", version=number)
    except RefusedError as exc:
        return _refused(exc)
    return found


def findings(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The findings of an explanation."""
    found: list[Mapping[str, Any]] = told.get("findings", [])
    return found


def _changes(api: API, path: str, before: int, after: int) -> Mapping[str, Any]:
    """What changes in enforcement, by its effect; `refused` where nobody can say."""
    try:
        told = api.get(f"{path}/diff", **{"from": before, "to": after})["changes"]
    except RefusedError as exc:
        return _refused(exc)
    return {
        "count": len(told),
        "all": [one for effect in ("weaker", "stronger", "other")
                for one in told if one["effect"] == effect][:_MOST_CHANGES],
        "more": max(len(told) - _MOST_CHANGES, 0),
    }  # fmt: skip


_MOST_CHANGES = 200


def _refused(exc: RefusedError) -> Mapping[str, Any]:
    if exc.status not in _PASSED_OVER:
        raise exc
    return {"refused": exc.error}


def _number(text: str, default: int) -> int:
    """A number of the URL, or the default where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 10 else default
