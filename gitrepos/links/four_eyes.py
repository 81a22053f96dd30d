"""Changes of links under four eyes: which need a second person, and what that person is shown."""

from collections.abc import Collection, Mapping
from typing import Any

from configurations.models import Configuration
from configurations.requests import guard
from configurations.requests.guard import Change
from gitrepos.models import Link

# Edits that let nothing weaker pass: `fail_on` can only be set then, since four eyes weigh anyway.
# A gate is none of them: a higher one may keep out what is stronger.
_FREE = {
    "poll_interval_seconds", "webhook_poll_interval_seconds", "credential", "has_access_token",
    "has_webhook_secret",
}  # fmt: skip
CONFIRM, EDIT, REMOVE = "git_repo.confirm", "git_repo.edit", "git_repo.remove"

Fields = Mapping[str, Any]


def demand_confirmation(link: Link) -> None:
    """Have the confirmation of a held commit pass, or refuse it, as `guard.demand` does."""
    held: Fields = link.held or {}
    guard.demand(confirmation(link), guarded=link.four_eyes or bool(held.get("four_eyes")))


def confirmation(link: Link) -> Change:
    """The confirmation of the commit that a link holds."""
    held: Fields = link.held or {}
    shows = {"commit": held["commit"]}
    return Change(CONFIRM, str(link.pk), guard.digest(held), shows, {"url": link.url, **held})


def demand_edit(link: Link, before: Fields, after: Fields, *, generation: int) -> None:
    """Have an edit of a link pass, or refuse it; `generation` is that before it."""
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    loosens = {name for name in changed if name not in _FREE and not _tightens(name, after[name])}
    shows = {"digest": guard.digest(changed)}
    details = {"url": before["url"], "fields": changed}
    change = Change(EDIT, str(link.pk), str(generation), shows, details)
    guard.demand(change, guarded=bool(loosens) and (before["four_eyes"] or _feeds_guarded(link)))


def _tightens(name: str, value: Any) -> bool:
    """True for what goes on, or weighs: a sync that follows is held where it weakens."""
    return (name, value) in (("suspended", False), ("fail_on", "weaker"), ("four_eyes", True))


def demand_removal(link: Link) -> None:
    """Have the removal of a link pass, or refuse it."""
    details = {"url": link.url, "path": link.path}
    shows = {"digest": guard.digest([str(link.pk), link.generation])}
    change = Change(REMOVE, str(link.pk), str(link.generation), shows, details)
    guard.demand(change, guarded=link.four_eyes or _feeds_guarded(link))


def _feeds_guarded(link: Link) -> bool:
    return Configuration.objects.filter(owner=str(link.pk), four_eyes=True).exists()


def standings(targets: Collection[str]) -> Mapping[str, str]:
    """The states of links that an edit or a removal stands upon, by id."""
    rows = Link.objects.filter(pk__in=targets).values_list("pk", "generation")
    return {str(pk): str(generation) for pk, generation in rows}


def held_standings(targets: Collection[str]) -> Mapping[str, str]:
    """The states of links that a confirmation stands upon, by id; those that hold nothing lack."""
    rows = Link.objects.filter(pk__in=targets, held__isnull=False).values_list("pk", "held")
    return {str(pk): guard.digest(held) for pk, held in rows}
