"""Words about a link: how it stands, why, and what helps, with the page where that is done."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Row = Mapping[str, Any]

# Those that need somebody come first.
STATUSES = ("stalled", "error", "held", "pending", "suspended", "synced")
_FORMS = ("branch", "tag", "commit", "semver")
NOT_IN_FORCE = ("quarantined", "conflict", "unlinked", "missing")
_OUTCOMES = {
    "quarantined": "It is not enforced; the last good version, if there was one, stays in force.",
    "conflict": "Nothing was overwritten.",
    "unlinked": "No configuration has its id, and the link makes none.",
    "missing": "Gone from git: its configuration stays in force until it is archived, and nobody"
    " feeds it.",
}
# The page below a link's own that helps, with what is written there, by a condition's reason.
_PAGES = {
    "FilesRefused": ("/files?outcome=" + ",".join(NOT_IN_FORCE), "See which files, and why"),
    "NoPolicyFiles": ("/edit", "Change the path"),
    "Held": ("#held", "Look at the held commit"),
    "Suspended": ("#actions", "Resume"),
    "BrokenGlass": ("#requests", "Look at what was done alone"),
    "AuthFailed": ("/edit", "Change what it proves itself with"),
    "Pending": ("", "Watch its first sync"),
}


class Standing(NamedTuple):
    """How a link stands. `help` is what helps, and `to` the page where it is done, named `there`.

    `state` is its status, or that not all of its commit is in force. `reason` is a condition's
    code, empty where all is well.
    """

    state: str
    sentence: str
    reason: str
    help: str
    to: str
    there: str
    since: str | None


def of(row: Row) -> Standing:
    """How a link stands, by the condition that says most."""
    by_type = {one["type"]: one for one in row["conditions"]}
    ready, stalled = by_type["Ready"], by_type["Stalled"]
    warning, under_way = by_type["Warning"], by_type["Reconciling"]
    if stalled["status"] == "True":
        return _of(row, stalled)
    if ready["status"] != "True" or ready["reason"] not in ("Synced", ""):
        return _of(row, ready)
    if warning["status"] == "True":
        return _of(row, warning)
    if under_way["status"] == "True":
        sentence = f"{ready['message']} {under_way['message']}"
        return Standing(row["status"], sentence, "", "", "", "", None)
    return Standing(row["status"], ready["message"], "", "", "", "", ready["since"])


def follows(row: Row) -> str:
    """What a link follows, in words."""
    form = next((name for name in _FORMS if row.get(name)), "")
    words = "tags in the range" if form == "semver" else form
    return f"{words} {row[form]}" if form else "the default branch"


def listed(row: Row) -> dict[str, Any]:
    """A link with its standing, for lists and its own page."""
    return {**row, "standing": of(row), "following": follows(row)}


def trouble(files: list[Row]) -> list[dict[str, Any]]:
    """Files that are not in force as in git, the quarantined ones first, with what that means."""
    order = {outcome: place for place, outcome in enumerate(NOT_IN_FORCE)}
    ordered = sorted(files, key=lambda one: (order.get(one["outcome"], 9), one["path"]))
    return [{**one, "means": _OUTCOMES.get(one["outcome"], "")} for one in ordered]


def _of(row: Row, condition: Row) -> Standing:
    reason = condition["reason"]
    if reason == "RefusedInForce":
        to, there = f"/configurations?git_repo={row['id']}&warning=true", "See which"
    else:
        below, there = _PAGES.get(reason, ("/edit", "Change the link"))
        to = f"/repositories/{row['id']}{below}"
    state = "synced_in_part" if reason == "FilesRefused" else row["status"]
    help_ = "" if reason in _PAGES and reason != "AuthFailed" else condition["action"] or ""
    return Standing(state, condition["message"], reason, help_, to, there, condition["since"])
