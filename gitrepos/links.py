"""The asked half of a link, and its only writer: make, edit, suspend, request, delete."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from configurations import pins, versions
from configurations.models import Configuration
from events import log as events
from gitrepos import claim
from gitrepos.address import RepoURL, origin, stored
from gitrepos.credentials import refused, sealed, sealed_webhook_secret, token_of
from gitrepos.errors import SecretLostError
from gitrepos.models import GitCredential, GitRepo, Remote
from keeptrusts import counters
from keeptrusts.errors import ConflictError, FieldError, NotFoundError
from keeptrusts.sealing import fingerprint

Fields = Mapping[str, Any]

COUNTER = "git-repos"

_EXPECTED_SECONDS = 60
_LONGEST_RETRY = timedelta(hours=1)
_PINS_AT_ONCE = 50


def create(url: RepoURL, *, token: str, credential: str, fields: Fields) -> GitRepo:
    """Link a repository; it is due at once.

    `token` or `credential`, the name of a shared one, may be empty. `fields` are the asked ones
    of `GitRepo` except `url`.

    Raises: `ConflictError` (`already_linked`) for a second link of url, branch and path;
    `FieldError` for a credential that may not go to `url`.
    """
    row = _filled(GitRepo(url=url.text), fields)
    with _unique(row), writing():
        # Not before the lock: in the order of their making, none appears behind a reader's cursor.
        row.created_at = row.updated_at = timezone.now()
        row.remote = _remote(url, token, _shared(credential))
        row.save(force_insert=True)
        [remote] = _locked(row.remote)
        claim.reschedule(remote)
    return row


def draft(url: RepoURL, *, token: str, credential: str, fields: Fields) -> GitRepo:
    """A link as `create` makes it, of which nothing is kept."""
    row = _filled(GitRepo(url=url.text), fields)
    row.remote = _new_remote(url, token, _shared(credential))
    return row


def edit(
    repo_id: UUID,
    *,
    url: RepoURL | None,
    token: str | None,
    credential: str | None,
    fields: Fields,
) -> GitRepo:
    """Change what a link asks for; what is in flight for it is discarded, and it is due at once.

    `token` and `credential` None keep what there is, unless the url's scheme, host or port
    change: a stored token never goes to a server it was not given for. Either one takes the
    other's place; empty, it removes both.

    Raises: `NotFoundError`; `ConflictError` (`already_linked`, `credential_unreadable`);
    `FieldError` for a credential that may not go to the url.
    """
    row = GitRepo(pk=repo_id)
    with _unique(row), writing():
        old = _remote_of(repo_id)
        new = _moved(old, url, token, credential)
        remotes = _locked(old, new)
        row.refresh_from_db(from_queryset=GitRepo.objects.select_for_update())
        prefix = row.id_prefix
        _filled(row, fields)
        row.remote, row.url = new, new.url
        row.generation += 1
        row.error_code = row.error_message = row.confirmed_commit = ""
        row.held = None  # What would go is another question now.
        if row.id_prefix != prefix:
            row.files.update(blob="")  # Each is to be read again: its id is another.
        row.updated_at = timezone.now()
        row.save(force_update=True)  # Made here, it would count as new, and its id has a default.
        for remote in remotes:
            _tidy(remote)
    return row


def request_sync(repo_id: UUID) -> int:
    """Ask for a sync now; returns the number that `served_seq` reaches when it was made.

    Raises: `NotFoundError`; `ConflictError` for a suspended link.
    """
    with writing():
        return _requested(repo_id).requested_seq


def confirm(repo_id: UUID, *, commit: str, actor: str) -> None:
    """Let exactly the commit that is held pass; it is looked at again at once.

    Raises: `NotFoundError`; `ConflictError` for a suspended link (`suspended`), one that holds
    nothing (`not_held`), and one that holds another commit by now (`held_changed`).
    """
    with writing():
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


def hear(repo_id: UUID, *, commit: str | None) -> None:
    """Note a genuine webhook. Unless `commit` is None, the link is due at once.

    `commit` is what its branch was pushed to (empty when nobody says): until the forge shows
    it, for a minute at most, the link is looked at every second. Deliveries that find one
    waiting ask for no second sync.

    Raises: `NotFoundError`.
    """
    now = timezone.now()
    with writing():
        [remote] = _locked(_remote_of(repo_id))
        row = GitRepo.objects.select_for_update().get(pk=repo_id)
        row.last_delivery_at = now
        if commit is not None and not row.suspended:
            # An attempt in flight may have asked the forge before this push.
            if row.requested_seq == row.served_seq or remote.claim_id is not None:
                row.requested_seq += 1
            row.expected_commit = commit
            row.expected_until = now + timedelta(seconds=_EXPECTED_SECONDS)
            claim.ask(remote, now)
            remote.stalled, remote.failures = False, 0
        row.save(
            update_fields=[
                "last_delivery_at", "requested_seq", "expected_commit", "expected_until",
            ]
        )  # fmt: skip
        remote.interval_seconds = claim.interval(remote, now) or remote.interval_seconds
        remote.save(
            update_fields=["next_poll_at", "asked", "stalled", "failures", "interval_seconds"]
        )


def forget_silent_hooks() -> int:
    """Poll links whose webhooks stay away as often as others again; returns how many remotes."""
    silent = GitRepo.objects.filter(claim.silent(timezone.now()), suspended=False)
    late = silent.filter(remote__interval_seconds__gt=F("poll_interval_seconds"))
    remotes = Remote.objects.filter(links__in=late).distinct()
    for remote in list(remotes):
        with transaction.atomic():
            for row in _locked(remote):
                claim.reschedule(row)
    return len(remotes)


def wake_late(now: datetime) -> None:
    """Shorten what lasts longer than anything does: a clock was set back since."""
    rows, ahead = GitRepo.objects, now + timedelta(seconds=claim.SKEW_SECONDS)
    expected = ahead + timedelta(seconds=_EXPECTED_SECONDS)
    rows.filter(expected_until__gt=expected).update(expected_until=now)
    rows.filter(retry_at__gt=ahead + _LONGEST_RETRY).update(retry_at=now)
    rows.filter(last_delivery_at__gt=ahead).update(last_delivery_at=now)


def release_pin(configuration_id: str, *, actor: str) -> None:
    """End a pin, and have the link that feeds the configuration plan at once.

    Raises: `NotFoundError`; `ConflictError` for one that is not pinned.
    """
    with writing():
        _wake(configuration_id)
        pins.release(configuration_id, actor=actor)


def expire_pins() -> None:
    """End pins whose time has passed, as `release_pin` does: as many as hold up no tick."""
    now = timezone.now()
    for configuration_id in pins.expired(now, limit=_PINS_AT_ONCE):
        with writing():
            if pins.is_expired(configuration_id, now):  # Else another tick was here first.
                _wake(configuration_id)
                pins.expire(configuration_id)


def delete(repo_id: UUID) -> list[str]:
    """Remove a link; returns the ids of the configurations it leaves, which stay in force.

    Raises: `NotFoundError`.
    """
    with writing():
        [remote] = _locked(_remote_of(repo_id))
        left = versions.orphan(str(repo_id))
        GitRepo.objects.filter(pk=repo_id).delete()
        _tidy(remote)
        return left


@contextlib.contextmanager
def writing() -> Iterator[None]:
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
    claim.ask(remote, timezone.now())
    remote.stalled = False
    remote.save(update_fields=["next_poll_at", "asked", "stalled"])
    return row


def _wake(configuration_id: str) -> None:
    """Ask for a sync of the link that feeds a configuration, unless it rests or there is none."""
    owners = Configuration.objects.filter(pk=configuration_id).exclude(owner="")
    for owner in owners.values_list("owner", flat=True):
        if GitRepo.objects.filter(pk=owner, suspended=False).exists():
            _requested(UUID(owner))


def _filled(row: GitRepo, fields: Fields) -> GitRepo:
    for name, value in fields.items():
        setattr(row, name, value)
    if "webhook_secret" in fields:
        row.webhook_secret = sealed_webhook_secret(fields["webhook_secret"], row)
        row.last_delivery_at = None  # Nothing came that is signed with this one.
    if (row.webhook_poll_interval_seconds or row.poll_interval_seconds) < row.poll_interval_seconds:
        raise FieldError(
            "webhook_poll_interval_seconds", "must not be less than poll_interval_seconds"
        )
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


def _shared(name: str) -> GitCredential | None:
    if not name:
        return None
    row = GitCredential.objects.filter(name=name).first()
    if row is None:
        raise FieldError("credential", f"there is no git credential {name!r}", code="unknown")
    return row


def _remote(url: RepoURL, token: str, shared: GitCredential | None) -> Remote:
    """The row that polls `url` with a credential; made when it is the first link to it."""
    new = _new_remote(url, token, shared)
    found = Remote.objects.filter(url=url.text, credential_digest=new.credential_digest).first()
    if found is None:
        new.save(force_insert=True)
    return found or new


def _new_remote(url: RepoURL, token: str, shared: GitCredential | None) -> Remote:
    _check(url, token, shared)
    digest = str(shared.pk) if shared else fingerprint(token) if token else ""
    row = Remote(url=url.text, host=url.host, credential_digest=digest, shared=shared)
    row.credential = sealed(token, row)
    return row


def _check(url: RepoURL, token: str, shared: GitCredential | None) -> None:
    """Raises: `FieldError` when what proves a link is not for its url."""
    if shared and (reason := refused(shared, url)):
        raise FieldError("credential", reason, code="not_for_this_url")
    if url.scheme == "ssh" and token:
        raise FieldError("access_token", "is for https; an ssh url takes a credential of kind ssh")
    if url.scheme == "ssh" and not shared:
        raise FieldError(
            "credential", "is required for an ssh url: the name of one of kind ssh", code="required"
        )


def _moved(old: Remote, url: RepoURL | None, token: str | None, credential: str | None) -> Remote:
    """The remote after an edit: another row as soon as url or credential differ."""
    if url is None and token is None and credential is None:
        return old
    new = url or stored(old.url)
    if token is not None or credential is not None:
        return _remote(new, token or "", _shared(credential or ""))
    if old.shared:
        return _remote(new, "", old.shared)
    return _remote(new, _kept(old) if origin(new.text) == origin(old.url) else "", None)


def _kept(remote: Remote) -> str:
    try:
        return token_of(remote)
    except SecretLostError as exc:
        raise ConflictError(exc.code, exc.message) from exc


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
