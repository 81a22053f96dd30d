"""The choice of endpoints that hear of an event. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """What an endpoint hears of: each of `kinds`, `git_repos` and `labels` where it is not empty.

    Nothing from before `since`, and nothing that is about the endpoint itself.
    """

    endpoint: str
    since: datetime
    kinds: Collection[str] = ()
    git_repos: Collection[str] = ()
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about. `labels` are those of its configuration; of an event about a link
    alone those of each configuration that it feeds.
    """

    kind: str
    at: datetime
    git_repo: str = ""
    endpoint: str = ""
    labels: Sequence[Mapping[str, str]] = ()


def hears(wish: Wish, subject: Subject) -> bool:
    """Whether an endpoint hears of an event."""
    return (
        subject.at >= wish.since
        and subject.endpoint != wish.endpoint
        and (not wish.kinds or subject.kind in wish.kinds)
        and (not wish.git_repos or subject.git_repo in wish.git_repos)
        and (not wish.labels or any(_has(labels, wish.labels) for labels in subject.labels))
    )


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= labels.items()
