"""When a link begins to fail and when it is well again: an event for each."""

from typing import Any

from django.utils import timezone

from events import log as events
from gitrepos.models import NO_POLICY_FILES, GitRepo


def note(repo: GitRepo) -> None:
    """Record what an attempt changed; to be called before its row is saved.

    A failure that lasts is told once; another kind of failure is told again.
    """
    if repo.held is not None:
        return  # It waits for a person, and has an event of its own.
    if repo.error_code in ("", NO_POLICY_FILES):
        _well(repo)
    elif repo.error_since is None or repo.error_code != _told(repo):
        repo.error_since = timezone.now()
        _record(events.Kind.FAILED, repo, repo.error_message, code=repo.error_code)


def _well(repo: GitRepo) -> None:
    if repo.error_since is not None:
        since = repo.error_since
        _record(events.Kind.RECOVERED, repo, "The link is synced again.", failing_since=since)
        repo.error_since = None


def _told(repo: GitRepo) -> str:
    """The code that the row still has, empty after an edit."""
    return GitRepo.objects.values_list("error_code", flat=True).get(pk=repo.pk)


def _record(kind: events.Kind, repo: GitRepo, message: str, **details: Any) -> None:
    events.record(kind, message, git_repo=str(repo.pk), details=details)
