"""Writers of links as people ask for them: create, edit, request, confirm, delete."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from configurations import pins, publish, versions
from configurations.models import Configuration
from events import audit
from events import log as events
from gitrepos import refs
from gitrepos.forge.addresses import RepoURL
from gitrepos.links import four_eyes, remotes
from gitrepos.links.sealed_secrets import sealed_webhook_secret
from gitrepos.models import Link, Remote
from gitrepos.polling import claims, schedule
from keeptrusts import counters, statements
from keeptrusts.api.errors import ConflictError, FieldError, NotFoundError
from keeptrusts.database import insert
from keeptrusts.observed import traces
from keeptrusts.statements import together

Fields = Mapping[str, Any]


_EXPECTED_SECONDS = 60
_LONGEST_RETRY = timedelta(hours=1)
_PINS_AT_ONCE = 50
# What a preview depends on, besides url, ref and path.
_PLANNED = {
    "auto_create_configuration", "adopt", "id_prefix", "include", "exclude", "prune",
    "allowed_signers", "allowed_openpgp_keys", "four_eyes", "fail_on", "minimum_coverage",
    "minimum_killed",
}  # fmt: skip

# What a file is named or judged by, besides its bytes.
_JUDGING = ("id_prefix", "minimum_coverage", "minimum_killed")

_AUDITED = (
    "url", "branch", "tag", "commit", "semver", "path", "poll_interval_seconds",
    "webhook_poll_interval_seconds", "auto_create_configuration", "adopt", "id_prefix", "include",
    "exclude", "prune", "suspended", "allowed_signers", "allowed_openpgp_keys", "four_eyes",
    "fail_on", "minimum_coverage", "minimum_killed",
)  # fmt: skip


def create(url: RepoURL, *, token: str, credential: str, fields: Fields) -> Link:
    """Link a repository; it is due at once.

    `token` and `credential`, the name of a shared one, may be empty. `fields` are those of `Link`
    that people set, except `url`.

    Raises:
        ConflictError: a link has this url, ref and path (`already_linked`), or had until now
            (`busy`).
        FieldError: the credential does not exist (`unknown`), may not go to `url`, or is missing.
    """
    row = _filled(Link(url=url.text), fields)
    with _unique(row), writing():
        # Behind the lock: so no link gets a time before that of a link that readers have seen.
        row.created_at = row.updated_at = timezone.now()
        row.remote = remotes.remote_for(url, token, remotes.shared(credential), locks=True)
        insert([row])
        schedule.reschedule(row.remote)
        audit.record("git_repo.linked", row.pk, after=_audited(row))
    return row


def draft(
    url: RepoURL, *, token: str, credential: str, fields: Fields, like: UUID | None = None
) -> Link:
    """Make a link as `create` does, without saving it.

    A link that has the url and path already, `like` of several, gives its id and all that
    `fields` do not say, and its credential where none is sent. Another `id_prefix` asks for a link
    of its own.

    Raises:
        FieldError: as `create`; the link `like` has another url or path.
    """
    row = _filled(Link(url=url.text), fields)
    saved = _of_path(row, fields, like)
    if saved is None or token or credential:
        row.remote = remotes.new(url, token, remotes.shared(credential))
    else:
        row.remote = remotes.like(saved.remote, url)
    if saved is not None:
        row.pk, row.confirmed_commit = saved.pk, saved.confirmed_commit
        row.last_url, row.last_ref, row.last_commit = (
            saved.last_url,
            saved.last_ref,
            saved.last_commit,
        )
        for name in _PLANNED - fields.keys():
            setattr(row, name, getattr(saved, name))
    return row


def _of_path(row: Link, fields: Fields, like: UUID | None) -> Link | None:
    """The saved link of the url and path of `row`: of its ref, else the first that was made.

    Forges serve a url with and without `.git`.
    """
    bare = row.url.removesuffix(".git")
    rows = Link.objects.select_related("remote__shared")
    rows = rows.filter(url__in=[bare, f"{bare}.git"], root=row.root)
    if like is not None:
        rows = rows.filter(pk=like)
        if not rows:
            raise FieldError("git_repo", "is no link with this url and path")
    if "id_prefix" in fields:
        rows = rows.filter(id_prefix=row.id_prefix)
    return min(rows, key=lambda one: (refs.of(one) != refs.of(row), one.created_at), default=None)


def edit(
    link_id: UUID,
    *,
    url: RepoURL | None,
    token: str | None,
    credential: str | None,
    fields: Fields,
) -> Link:
    """Edit a link; syncs in flight for it are discarded, and it is due at once.

    `token` and `credential` None keep the present one, unless the url's scheme, host or port
    change: a stored token is never sent to a server that it was not given for. Either one
    replaces the other; empty, it removes both.

    Raises:
        NotFoundError: there is no such link.
        ConflictError: another link has this url, ref and path (`already_linked`), or had until
            now (`busy`); the stored token cannot be decrypted (`credential_unreadable`); it needs
            a second person (`second_person_needed`).
        FieldError: as `create`.
    """
    row = Link(pk=link_id)
    with _unique(row), writing():
        old = remotes.of_link(link_id)
        new = remotes.moved(old, url, token, credential)
        locked = remotes.locked(old, new)
        schedule.outdate(Link.objects.filter(pk=link_id))
        row.refresh_from_db(from_queryset=Link.objects.select_for_update())
        before = _audited(row)
        if row.url != new.url:
            versions.follow(str(link_id), new.url)
        _filled(row, fields)
        row.remote, row.url = new, new.url
        row.error_code = row.error_message = row.confirmed_commit = ""
        row.held = None  # The next sync decides anew.
        four_eyes.demand_edit(row, before, _audited(row), generation=row.generation - 1)
        if row.four_eyes and not before["four_eyes"]:
            versions.put_under_four_eyes(str(link_id))
        if any(getattr(row, name) != before[name] for name in _JUDGING):
            row.files.update(blob="")  # Each is read again.
        row.updated_at = timezone.now()
        row.save(force_update=True)  # Without this, Django takes the row for a new one.
        given = {"access_token": token, "webhook_secret": fields.get("webhook_secret")}
        after = {**_audited(row), **{name: "changed" for name, value in given.items() if value}}
        audit.record("git_repo.edited", row.pk, before=before, after=after)
        for remote in locked:
            remotes.tidy(remote)
    return row


def _audited(row: Link) -> audit.Fields:
    """What the audit log keeps of a link; of secrets whether there is one."""
    shared = row.remote.shared
    return {
        **audit.fields(row, _AUDITED),
        "credential": shared.name if shared else "",
        "has_access_token": bool(row.remote.credential),
        "has_webhook_secret": bool(row.webhook_secret),
    }


def request_sync(link_id: UUID) -> None:
    """Ask for a sync now; `served_seq` has the present `requested_seq` once it was made.

    Raises:
        NotFoundError: there is no such link.
        ConflictError: the link is suspended (`suspended`).
    """
    with writing():
        audit.record("git_repo.sync_requested", link_id)
        _requested(link_id)


def confirm(link_id: UUID, *, commit: str, actor: str) -> None:
    """Confirm exactly the held commit; a sync that applies it is due at once.

    Raises:
        NotFoundError: there is no such link.
        ConflictError: the link is suspended (`suspended`), holds nothing (`not_held`), holds
            another commit by now (`held_changed`), or needs a second person
            (`second_person_needed`).
    """
    with writing():
        row = _requested(link_id)
        if row.held is None:
            raise ConflictError("not_held", "The link holds no commit.")
        if row.held["commit"] != commit:
            raise ConflictError(
                "held_changed",
                f"The link holds {row.held['commit']} now; look at it, then confirm that one.",
            )
        four_eyes.demand_confirmation(row)
        Link.objects.filter(pk=link_id).update(confirmed_commit=commit)
        audit.record("git_repo.confirmed", link_id, after=row.held)
        message = f"{actor} confirmed the held commit ({row.held['reason']})."
        details = {"actor": actor, **row.held}
        events.record(events.Kind.CONFIRMED, message, git_repo=str(link_id), details=details)


def hear(link_id: UUID, *, commit: str | None) -> None:
    """Note a genuine webhook. Unless `commit` is None, the link is due at once.

    `commit` is the pushed head of its branch (empty for a tag, and when unknown): until the forge
    shows it, for a minute at most, the link is polled every second. A delivery while a sync is
    requested asks for no second one.

    Raises:
        NotFoundError: there is no such link.
    """
    now = timezone.now()
    with writing():
        remote, row = _both_locked(link_id)
        row.last_delivery_at = now
        is_asked = commit is not None and not row.suspended
        if is_asked:
            # An attempt in flight may have asked the forge before this push.
            if row.requested_seq == row.served_seq or remote.is_at_work:
                row.requested_seq += 1
                row.trace_id = traces.current_id()
            row.expected_commit = commit or ""
            row.expected_until = now + timedelta(seconds=_EXPECTED_SECONDS)
        statements.write(row, Link.REQUESTS)
        schedule.set_pace(remote, now, is_asked=is_asked)


def _both_locked(link_id: UUID) -> tuple[Remote, Link]:
    """A link and its remote, for a writer of links.

    Raises:
        NotFoundError: there is no such link.
    """
    remotes_found, links_found = together(remotes.locking(link_id), _locked.of(pk=link_id))
    if not links_found:
        raise NotFoundError("git repo with this id")
    return remotes_found[0], links_found[0]


_locked = statements.objects(lambda pk: Link.objects.select_for_update().filter(pk=pk), pk=UUID)


def forget_silent_hooks() -> int:
    """Poll links without webhooks at their normal interval again; returns how many remotes."""
    silent = Link.objects.filter(schedule.silent(timezone.now()), Link.polled())
    late = silent.filter(remote__interval_seconds__gt=F("poll_interval_seconds"))
    polled = Remote.objects.filter(links__in=late).distinct()
    for remote in list(polled):
        with transaction.atomic():
            for row in remotes.locked(remote):
                schedule.reschedule(row)
    return len(polled)


def wake_late(now: datetime) -> None:
    """Shorten waits beyond the longest; a clock that was set back leaves such times."""
    rows, ahead = Link.objects, now + timedelta(seconds=claims.SKEW_SECONDS)
    expected = ahead + timedelta(seconds=_EXPECTED_SECONDS)
    rows.filter(expected_until__gt=expected).update(expected_until=now)
    rows.filter(retry_at__gt=ahead + _LONGEST_RETRY).update(retry_at=now)
    rows.filter(last_delivery_at__gt=ahead).update(last_delivery_at=now)


def release_pin(configuration_id: str, *, actor: str) -> None:
    """End a pin, and ask for a sync of the link that feeds the configuration.

    Raises:
        NotFoundError: there is no such configuration.
        ConflictError: it is not pinned (`not_pinned`).
    """
    with writing():
        _wake(configuration_id)
        pins.release(configuration_id, actor=actor)


def hold_pin(configuration_id: str) -> None:
    """Lock what `release_pin` locks, in its order, until the transaction ends."""
    counters.hold(Link.EDITS)
    for owner in _feeding(configuration_id):
        remotes.locked(remotes.of_link(owner))
        Link.objects.select_for_update().get(pk=owner)
    publish.hold()


def expire_pins() -> None:
    """End pins whose time has passed, as `release_pin` does; 50 at most, to delay no tick."""
    now = timezone.now()
    for configuration_id in pins.expired(now, limit=_PINS_AT_ONCE):
        with writing():
            if pins.is_expired(configuration_id, now):  # Else another tick was here first.
                _wake(configuration_id)
                pins.expire(configuration_id)


def delete(link_id: UUID) -> list[str]:
    """Delete a link; returns the ids of its configurations, which stay in force.

    Raises:
        ConflictError: it needs a second person (`second_person_needed`).
        NotFoundError: there is no such link.
    """
    with writing():
        [remote] = remotes.locked(remotes.of_link(link_id))
        row = Link.objects.get(pk=link_id)
        four_eyes.demand_removal(row)
        audit.record("git_repo.removed", link_id, before=_audited(row))
        left = versions.orphan(str(link_id))
        Link.objects.filter(pk=link_id).delete()
        remotes.tidy(remote)
        return left


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Open a transaction for writers of links, which run one after another."""
    with transaction.atomic():
        counters.bump(Link.EDITS)
        yield


def _requested(link_id: UUID) -> Link:
    """Add a request for a sync to a link, and make it due now."""
    remote, row = _both_locked(link_id)
    if row.suspended:
        raise ConflictError("suspended", "The link is suspended; resume it first.")
    row.requested_seq += 1
    row.trace_id = traces.current_id()
    statements.write(row, Link.REQUESTS)
    schedule.ask(remote, timezone.now())
    return row


def _wake(configuration_id: str) -> None:
    """Ask for a sync of the link that feeds a configuration, unless it is suspended or gone."""
    for owner in _feeding(configuration_id):
        _requested(owner)


def _feeding(configuration_id: str) -> list[UUID]:
    """The link that feeds a configuration; none if it is suspended or gone."""
    owners = Configuration.objects.filter(pk=configuration_id).exclude(owner="")
    ids = [UUID(owner) for owner in owners.values_list("owner", flat=True)]
    return list(Link.objects.filter(pk__in=ids, suspended=False).values_list("pk", flat=True))


def _filled(row: Link, fields: Fields) -> Link:
    for name, value in fields.items():
        setattr(row, name, value)
    if "webhook_secret" in fields:
        row.webhook_secret = sealed_webhook_secret(fields["webhook_secret"], row)
        row.last_delivery_at = None  # No delivery is signed with the new secret yet.
    if (row.webhook_poll_interval_seconds or row.poll_interval_seconds) < row.poll_interval_seconds:
        raise FieldError(
            "webhook_poll_interval_seconds", "must not be less than poll_interval_seconds"
        )
    row.root = "/".join(part for part in row.path.split("/") if part not in ("", "."))
    return row


@contextlib.contextmanager
def _unique(row: Link) -> Iterator[None]:
    """Turn the database's refusal of a second link into an error that names the first one."""
    try:
        yield
    except IntegrityError as exc:
        same = Link.objects.filter(url=row.url, root=row.root, **refs.columns(row))
        first = same.first()
        if first is None:
            raise ConflictError(
                "busy", "Another link had this url, ref and path until now; try again."
            ) from exc
        raise ConflictError(
            "already_linked",
            f"The link {first.pk} has this url, ref and path already.",
            details=[{"id": str(first.pk)}],
        ) from exc
