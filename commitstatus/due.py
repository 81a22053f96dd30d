"""The status that is due for a link's newest commit, and whether it is told now. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from commitstatus.forges import ERROR, FAILURE, PENDING, PUBLIC, SUCCESS
from gitrepos import errors

LOOK = timedelta(seconds=60)
"""Between two looks at a link that has not changed; also between two counts of gateways."""
LONGEST_WAIT = timedelta(hours=1)
"""The longest time before the next try, and the longest pause of a credential."""
_MOST_TELLINGS = 200  # GitHub takes a thousand for a commit and a name.
_MOST_FAILURES = 12
_FIRST_WAIT = timedelta(seconds=30)
_JITTER = 0.3
_FULL_ID = (40, 64)
_PATH_LENGTH, _NAME_LENGTH = 80, 120
# Of files, in the words of a description; they are there and are not what is enforced.
_BESIDE = {"pinned": "pinned", "unlinked": "of no configuration", "missing": "missing"}


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that may not be enforced: its outcome, and where its first error is."""

    path: str
    outcome: str
    line: int | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What is known of a link: as the last sync left it, and of the gateways that it feeds.

    `is_current`: it is not suspended, and was looked at since its last edit. `held` is the commit
    that waits and why. `is_empty`: there is no policy file at its path. `counts` has how many files
    have each outcome.
    """

    is_current: bool = True
    is_moved: bool = False
    is_empty: bool = False
    commit: str = ""
    error_code: str = ""
    failed_commit: str = ""
    held: tuple[str, str] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[RefusedFile, ...] = ()
    gateways: int = 0
    enforcing: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """A status: what is said of it where everybody reads it, and where only some do."""

    commit: str
    state: str
    public: str
    private: str

    def text(self, visibility: str) -> str:
        """What is said in a repository of this visibility."""
        return self.private if visibility not in ("", PUBLIC) else self.public


@dataclass(frozen=True, slots=True)
class Told:
    """What was told last, and what came of trying since."""

    commit: str = ""
    state: str = ""
    description: str = ""
    at: datetime | None = None
    tellings: int = 0
    visibility: str = ""
    failures: int = 0
    failed_commit: str = ""
    retry_at: datetime | None = None


class Step(Enum):
    """What is done about a status."""

    NOTHING = "nothing"
    TELL = "tell"
    LATER = "later"


def status(facts: LinkFacts) -> Due | None:
    """The status that is due; None where nothing new is known of any commit."""
    if not facts.is_current:
        return None
    if facts.held is not None:
        commit, reason = facts.held
        return _held(commit, reason) if _is_commit(commit) else None
    if facts.failed_commit and facts.error_code:
        return _failed(facts)
    if facts.is_moved or not _is_commit(facts.commit):
        return None
    return _refused(facts) if facts.refused else _synced(facts)


def step(due: Due | None, told: Told, now: datetime) -> tuple[Step, datetime]:
    """What is done about a status now, and when it is looked at again at the latest."""
    later = now + LOOK
    if due is None:
        return Step.NOTHING, later
    is_same = (due.commit, due.state) == (told.commit, told.state)
    if is_same and due.text(told.visibility) == told.description:
        return Step.NOTHING, later
    if told.commit == due.commit and told.tellings >= _MOST_TELLINGS:
        return Step.NOTHING, later
    if told.failed_commit == due.commit and told.failures >= _MOST_FAILURES:
        return Step.NOTHING, later
    waits = [told.retry_at, told.at + LOOK if is_same and told.at else None]
    # What is farther ahead is of a clock that was set back.
    latest = now + LONGEST_WAIT
    until = max((at for at in waits if at is not None and at <= latest), default=now)
    return (Step.TELL, later) if until <= now else (Step.LATER, min(until, later))


def wait(failures: int, chance: float) -> timedelta:
    """The time before the next try, after one or more failures in a row.

    `chance`, from 0 to 1, spreads what failed together; the longest wait stays the longest.
    """
    usual = _FIRST_WAIT * (1 << min(failures - 1, 10))
    return min(usual, LONGEST_WAIT) * (1 - _JITTER * chance)


def status_name(name: str, root: str, ref: str) -> str:
    """The name of a link's statuses: two links of a repository have two."""
    place = f"{name}/{root}" if root else name
    text = f"{place} ({ref})" if ref else place
    if len(text) <= _NAME_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[: _NAME_LENGTH - 14]}… {digest}"


def _held(commit: str, reason: str) -> Due:
    return Due(
        commit, PENDING, "policy waits for a person", f"held until a person confirms it: {reason}"
    )


def _failed(facts: LinkFacts) -> Due | None:
    """The status of a commit that could not be synced; None where that may pass by itself."""
    kind = errors.by_code().get(facts.error_code)
    if kind is None or kind.fault != "user" or not _is_commit(facts.failed_commit):
        return None
    return Due(facts.failed_commit, ERROR, "policy not synced", f"not synced: {facts.error_code}")


def _refused(facts: LinkFacts) -> Due:
    first, *others = facts.refused
    where = f" at line {first.line}" if first.line else ""
    code = f" ({first.code})" if first.code else ""
    path = "".join(letter if letter.isprintable() else "?" for letter in first.path)
    if len(path) > _PATH_LENGTH:  # Its end says more than its beginning.
        path = f"…{path[1 - _PATH_LENGTH :]}"
    more = f", and {len(others)} more" if others else ""
    private = f"{first.outcome}{where}: {path}{code}{more}"
    return Due(facts.commit, FAILURE, "policy refused", private)


def _synced(facts: LinkFacts) -> Due:
    words = ["synced"]
    if facts.gateways:
        words.append(f"enforced by {facts.enforcing} of {facts.gateways}")
    for outcome, name in _BESIDE.items():
        if count := facts.counts.get(outcome, 0):
            words.append(f"{count} {name}")
    if facts.is_empty:
        words.append("no policy files")
    return Due(facts.commit, SUCCESS, "policy synced", ", ".join(words))


def _is_commit(text: str) -> bool:
    return len(text) in _FULL_ID and text != errors.NULL_ID
