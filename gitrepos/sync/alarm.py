"""When a link begins to fail and when it is well again: an event for each."""

from typing import Any

from django.utils import timezone

from events import log as events
from gitrepos.models import NO_POLICY_FILES, Link


def note(link: Link) -> None:
    """Record what an attempt changed; to be called before its row is saved.

    A failure that lasts is told once; another kind of failure is told again.
    """
    if link.held is not None:
        return  # It waits for a person, and has an event of its own.
    if link.error_code in ("", NO_POLICY_FILES):
        _well(link)
    elif link.error_since is None or link.error_code != _told(link):
        link.error_since = timezone.now()
        _record(events.Kind.FAILED, link, link.error_message, code=link.error_code)


def _well(link: Link) -> None:
    if link.error_since is not None:
        since = link.error_since
        _record(events.Kind.RECOVERED, link, "The link is synced again.", failing_since=since)
        link.error_since = None


def _told(link: Link) -> str:
    """The code that the row still has, empty after an edit."""
    return Link.objects.values_list("error_code", flat=True).get(pk=link.pk)


def _record(kind: events.Kind, link: Link, message: str, **details: Any) -> None:
    events.record(kind, message, git_repo=str(link.pk), details=details)
