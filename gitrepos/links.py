"""The asked half of a link, and its only writer: make, edit, suspend, request, delete."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from configurations import versions
from events import log as events
from gitrepos import claim
from gitrepos.address import RepoURL
from gitrepos.credentials import sealed, token_of
from gitrepos.errors import SecretLostError
from gitrepos.models import GitRepo, Remote
from keeptrusts import counters
from keeptrusts.errors import ConflictError, NotFoundError
from keeptrusts.sealing import fingerprint

Fields = Mapping[str, Any]

COUNTER = "git-repos"


def create(url: RepoURL, *, token: str, fields: Fields) -> GitRepo:
    """Link a repository; it is due at once.

    `fields` are the asked ones of `GitRepo` except `url`.

    Raises: `ConflictError` (`already_linked`) for a second link of url, branch and path.
    """
    now = timezone.now()
    row = _filled(GitRepo(url=url.text, created_at=now, updated_at=now), fields)
    with _unique(row), _writing():
        row.remote = _remote(url.text, url.host, token)
        row.save(force_insert=True)
        [remote] = _locked(row.remote)
        claim.reschedule(remote)
    return row


def edit(repo_id: UUID, *, url: RepoURL | None, token: str | None, fields: Fields) -> GitRepo:
    """Change what a link asks for; what is in flight for it is discarded, and it is due at once.

    `token` None keeps the credential, unless the url's scheme, host or port change: a stored
    credential never goes to a server it was not given for.

    Raises: `NotFoundError`; `ConflictError` (`already_linked`, `credential_unreadable`).
    """
    row = GitRepo(pk=repo_id)
    with _unique(row), _writing():
        old = _remote_of(repo_id)
        new = _moved(old, url, token)
        remotes = _locked(old, new)
        row.refresh_from_db(from_queryset=GitRepo.objects.select_for_update())
        _filled(row, fields)
        row.remote, row.url = new, new.url
        row.generation += 1
        row.error_code = row.error_message = row.confirmed_commit = ""
        row.held = None  # What would go is another question now.
        row.updated_at = timezone.now()
        row.save(force_update=True)  # Made here, it would count as new, and its id has a default.
        for remote in remotes:
            _tidy(remote)
    return row


def request_sync(repo_id: UUID) -> int:
    """Ask for a sync now; returns the number that `served_seq` reaches when it was made.

    Raises: `NotFoundError`; `ConflictError` for a suspended link.
    """
    with _writing():
        return _requested(repo_id).requested_seq


def confirm(repo_id: UUID, *, commit: str, actor: str) -> None:
    """Let exactly the commit that is held pass; it is looked at again at once.

    Raises: `NotFoundError`; `ConflictError` for a suspended link (`suspended`), one that holds
    nothing (`not_held`), and one that holds another commit by now (`held_changed`).
    """
    with _writing():
        row = _requested(repo_id)
        if row.held is None:
            raise ConflictError("not_held", "The link holds no commit.")
        if row.held["commit"] != commit:
            raise ConflictError(
                "held_changed", f"The link holds {row.held['commit']}; look at what would go."
            )
        GitRepo.objects.filter(pk=repo_id).update(confirmed_commit=commit)
        message = f"{actor} let pass what was held ({row.held['reason']})."
        details = {"actor": actor, **row.held}
        events.record(events.Kind.CONFIRMED, message, git_repo=str(repo_id), details=details)


def delete(repo_id: UUID) -> list[str]:
    """Remove a link; returns the ids of the configurations it leaves, which stay in force.

    Raises: `NotFoundError`.
    """
    with _writing():
        [remote] = _locked(_remote_of(repo_id))
        left = versions.orphan(str(repo_id))
        GitRepo.objects.filter(pk=repo_id).delete()
        _tidy(remote)
        return left


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """One transaction. Writers of links follow one another: none meets a link on its way."""
    with transaction.atomic():
        counters.bump(COUNTER)
        yield


def _requested(repo_id: UUID) -> GitRepo:
    """The link with one request more, due now."""
    [remote] = _locked(_remote_of(repo_id))
    row = GitRepo.objects.select_for_update().get(pk=repo_id)
    if row.suspended:
        raise ConflictError("suspended", "The link is suspended; resume it first.")
    row.requested_seq += 1
    row.save(update_fields=["requested_seq"])
    remote.next_poll_at, remote.stalled = timezone.now(), False
    remote.save(update_fields=["next_poll_at", "stalled"])
    return row


def _filled(row: GitRepo, fields: Fields) -> GitRepo:
    for name, value in fields.items():
        setattr(row, name, value)
    row.root = "/".join(part for part in row.path.split("/") if part not in ("", "."))
    return row


@contextlib.contextmanager
def _unique(row: GitRepo) -> Iterator[None]:
    """Name the link that is in the way when the database refuses a second one."""
    try:
        yield
    except IntegrityError as exc:
        first = GitRepo.objects.filter(url=row.url, branch=row.branch, root=row.root).first()
        if first is None:
            raise ConflictError("busy", "A link was in the way until now; try again.") from exc
        raise ConflictError(
            "already_linked",
            f"The link {first.pk} has this url, branch and path already.",
            details=[{"id": str(first.pk)}],
        ) from exc


def _remote(url: str, host: str, token: str) -> Remote:
    """The row that polls `url` with `token`; made when it is the first link to it."""
    digest = fingerprint(token) if token else ""
    found = Remote.objects.filter(url=url, credential_digest=digest).first()
    if found is None:
        found = Remote(url=url, host=host, credential_digest=digest)
        found.credential = sealed(token, found)
        found.save(force_insert=True)
    return found


def _moved(old: Remote, url: RepoURL | None, token: str | None) -> Remote:
    """The remote after an edit: another row as soon as url or credential differ."""
    if url is None and token is None:
        return old
    if token is None:
        token = _kept(old) if url and _origin(url.text) == _origin(old.url) else ""
    return _remote(url.text if url else old.url, url.host if url else old.host, token)


def _kept(remote: Remote) -> str:
    try:
        return token_of(remote)
    except SecretLostError as exc:
        raise ConflictError(exc.code, exc.message) from exc


def _origin(url: str) -> str:
    """Scheme, host and port, as the stored form of a url spells them."""
    return "/".join(url.split("/", 3)[:3])


def _remote_of(repo_id: UUID) -> Remote:
    row = Remote.objects.filter(links=repo_id).first()
    if row is None:
        raise NotFoundError("git repo with this id")
    return row


def _locked(*remotes: Remote) -> list[Remote]:
    """The rows as they are now, locked against workers, and in one order against deadlock."""
    rows = Remote.objects.select_for_update().filter(pk__in={remote.pk for remote in remotes})
    return list(rows.order_by("pk"))


def _tidy(remote: Remote) -> None:
    if remote.links.exists():
        claim.reschedule(remote)
    else:
        remote.delete()
