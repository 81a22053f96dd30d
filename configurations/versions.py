"""The only writer of configurations and versions."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from configurations import leaves
from configurations.models import Configuration, Version
from configurations.publish import publish
from configurations.requests import guard
from events import audit, log
from evidence.log import Fact
from keeptrusts import statements
from keeptrusts.api.errors import ConflictError, NotFoundError
from keeptrusts.database import insert
from keeptrusts.observed import traces
from kt.policy.verify import VERIFY_VERSION

Status = Configuration.Status
Source = Configuration.Source

# What changes nothing that is in force, and what puts more in the way of that.
_FREE = {"name", "description", "labels"}

# Contents that go with their audit in one statement, as text; others are bytes of their own.
_SMALL_BYTES = 256 * 1024

_AUDITED = (
    "name", "description", "labels", "status", "source", "owner", "version", "content_hash",
    "pin_reason", "pin_expires_at", "four_eyes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a content: a commit, or a token of the API.

    `tree` is git's id of what the link's path holds in the commit.
    """

    source: Source
    repo_url: str = ""
    commit: str = ""
    ref: str = ""
    author: str = ""
    message: str = ""
    committed_at: datetime | None = None
    polled_at: datetime | None = None
    signer: str = ""
    signer_key: str = ""
    tree: str = ""
    actor: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit that becomes the next version of `configuration`.

    `four_eyes` puts the configuration under four eyes.
    """

    configuration: str
    name: str
    path: str
    content: bytes
    four_eyes: bool = False


def content_hash(content: bytes) -> str:
    """The sha256 of the exact bytes in lowercase hex, as `sha256sum` prints it."""
    return hashlib.sha256(content).hexdigest()


def create(
    configuration_id: str, *, content: bytes, origin: Origin, fields: Mapping[str, Any]
) -> Configuration:
    """Make a configuration and its version 1.

    `fields` are `name`, `description`, `labels` and perhaps `four_eyes`.

    Raises:
        ConflictError: the id is taken, also by an archived one (`id_taken`).
    """
    # A refusal undoes all of the request, and a savepoint costs two trips with the lock held.
    with transaction.atomic(savepoint=False):
        seq = publish()
        taken = Configuration.objects.filter(pk=configuration_id).first()
        if taken is not None:
            hint = " by an archived one" if taken.status == Status.ARCHIVED else ""
            raise ConflictError("id_taken", f"The id {configuration_id!r} is taken{hint}.")
        now = timezone.now()
        row = Configuration(
            pk=configuration_id, source=origin.source, version=0, created_at=now, **fields
        )
        version = _next_version(row, content, origin, now=now, seq=seq)
        row.save(force_insert=True)
        version.save(force_insert=True)
        facts = leaves.of([(row, version)])
        audit.record("configuration.created", row.pk, after=audited(row), facts=facts)
        return row


def edit(
    configuration_id: str,
    *,
    content: bytes | None,
    origin: Origin,
    fields: Mapping[str, Any],
    override: bool,
    restore: bool = False,
) -> Configuration:
    """Change `fields` of a configuration and, when given, its content (a new version).

    `restore` puts an archived one back in force first.

    The content of one that a linked repository feeds changes only with `override`; it then
    stands until the file changes in git. Sending the current content again makes no version.

    Raises:
        NotFoundError: there is no such configuration.
        ConflictError: it is archived, pinned or fed from git (`archived`, `pinned`, `git_owned`),
            or needs a second person (`second_person_needed`).
    """
    with transaction.atomic():
        seq = publish()
        row = locked(configuration_id)
        if not restore:
            check_active(row)
        before, upon, guarded = audited(row), guard.standing(row), row.four_eyes
        asked = {**fields, "status": Status.ACTIVE}
        changed = {name: value for name, value in asked.items() if getattr(row, name) != value}
        facts: Sequence[Fact] = ()
        for name, value in changed.items():
            setattr(row, name, value)
        row.updated_at = timezone.now()
        if content is not None and content_hash(content) != row.content_hash:
            check_unpinned(row)
            _check_owner(row, override, '"override": true')
            changed["content"] = content
            facts = _put(row, content, origin, seq=seq)
            _tell(row, origin)
        elif not changed:
            transaction.set_rollback(True)  # Nothing happened, so nothing is counted.
            return row
        after = audited(row)
        if changed.keys() - _FREE:
            guard.content(row, "edit", before, after, upon=upon, guarded=guarded)
        row.save(force_update=True)
        audit.record("configuration.edited", row.pk, before=before, after=after, facts=facts)
        return row


def archive(configuration_id: str, *, override: bool) -> Configuration:
    """Take a configuration out of force. Its id stays reserved, its versions readable.

    Raises:
        NotFoundError: there is no such configuration.
        ConflictError: it is pinned, or fed from git without `override` (`pinned`, `git_owned`), or
            needs a second person (`second_person_needed`).
    """
    with transaction.atomic():
        publish()
        row = locked(configuration_id)
        if row.status == Status.ARCHIVED:
            transaction.set_rollback(True)
            return row
        check_unpinned(row)
        _check_owner(row, override, "?override=true")
        before, upon = audited(row), guard.standing(row)
        row.status = Status.ARCHIVED
        row.updated_at = timezone.now()
        guard.content(row, "archive", before, audited(row), upon=upon)
        row.save(force_update=True)
        audit.record("configuration.archived", row.pk, before=before, after=audited(row))
        return row


def rollback(configuration_id: str, number: int, *, origin: Origin) -> Configuration:
    """Make the content of an earlier version the next one.

    For a configuration fed from git it stands until the file changes there. When it is in force
    already, nothing happens.

    Raises:
        NotFoundError: there is no such configuration or version.
        ConflictError: the configuration is archived or pinned (`archived`, `pinned`), or needs a
            second person (`second_person_needed`).
    """
    with transaction.atomic():
        seq = publish()
        row = locked(configuration_id)
        check_active(row)
        check_unpinned(row)
        before, upon = audited(row), guard.standing(row)
        facts = bring_back(row, number, origin, seq=seq)
        if not facts:
            transaction.set_rollback(True)
            return row
        guard.content(row, "rollback", before, audited(row), upon=upon)
        row.save(force_update=True)
        why = {"note": origin.note} if origin.note else {}
        after = {**audited(row), "content_of_version": number, **why}
        audit.record("configuration.rolled_back", row.pk, before=before, after=after, facts=facts)
        _tell(row, origin)
        return row


def retire(configuration_ids: Sequence[str]) -> None:
    """Archive configurations that lost their file; the caller decided so in this transaction."""
    if not configuration_ids:
        return
    before, after = {"status": Status.ACTIVE}, {"status": Status.ARCHIVED}
    audit.record_all(
        "configuration.archived", [(name, before, after) for name in configuration_ids]
    )
    Configuration.objects.filter(pk__in=configuration_ids).update(
        status=Status.ARCHIVED, updated_at=timezone.now()
    )


def record(entries: Sequence[Entry], *, origin: Origin, owner: str) -> dict[str, int]:
    """Make each entry of a commit the next version of its configuration, owned by `owner`.

    A configuration that does not exist is made; an archived one returns to force. Whether
    `owner` may have them is the caller's to decide, in the same transaction, after `publish`.
    Returns the version's number by configuration id.
    """
    now, seq = timezone.now(), publish()
    found = _named(ids=[entry.configuration for entry in entries])
    existing = {row.pk: row for row in found}
    rows: list[Configuration] = []
    versions: list[Version] = []
    before = {name: audited(row) for name, row in existing.items()}
    for entry in entries:
        row = existing.get(entry.configuration) or Configuration(
            pk=entry.configuration, version=0, created_at=now
        )
        row.name = entry.name
        row.status, row.source = Status.ACTIVE, Source.GIT
        row.owner, row.origin_url = owner, origin.repo_url
        row.four_eyes = row.four_eyes or entry.four_eyes
        versions.append(
            _next_version(row, entry.content, origin, now=now, seq=seq, path=entry.path)
        )
        row.git_hash = row.content_hash
        rows.append(row)
    new = [row for row in rows if row.pk not in existing]
    statements.write_all([row for row in rows if row.pk in existing], _WRITTEN)
    small = sum(len(entry.content) for entry in entries) <= _SMALL_BYTES
    if not small:
        insert(new)
        Version.objects.bulk_create(versions)
    commit = {"commit": origin.commit, "author": origin.author, "signer": origin.signer}
    changes = [(row.pk, before.get(row.pk), {**audited(row), **commit}) for row in rows]
    facts = leaves.of(zip(rows, versions, strict=True), tree=origin.tree)
    audit.record_all(
        "configuration.published", changes, facts=facts, beside=(new, versions) if small else ()
    )
    return {row.pk: row.version for row in rows}


def adopt(
    git_hashes: Mapping[str, str], *, owner: str, origin_url: str, four_eyes: bool = False
) -> None:
    """Record owner and file in git of configurations that keep their content.

    `git_hashes` has the content hash in git by configuration id. `four_eyes` puts them under these.
    """
    if not git_hashes:
        return
    rows = list(Configuration.objects.filter(pk__in=git_hashes))
    before = {row.pk: audited(row) for row in rows}
    for row in rows:
        row.owner, row.origin_url, row.source = owner, origin_url, Source.GIT
        row.git_hash, row.updated_at = git_hashes[row.pk], timezone.now()
        row.four_eyes = row.four_eyes or four_eyes
    Configuration.objects.bulk_update(rows, _GIT_FIELDS)
    changes = [(row.pk, before[row.pk], audited(row)) for row in rows]
    audit.record_all("configuration.adopted", changes)


def follow(owner: str, origin_url: str) -> None:
    """Record a new url of the link `owner` with all that it feeds, so that it is found by it."""
    with transaction.atomic():
        publish()  # Whoever writes whole rows waits, and does not bring the old url back.
        fed = Configuration.objects.filter(owner=owner).exclude(origin_url=origin_url)
        if not fed.update(origin_url=origin_url):
            transaction.set_rollback(True)


def put_under_four_eyes(owner: str, *, only: Collection[str] | None = None) -> None:
    """Put what a link feeds under four eyes: all, or `only` these ids."""
    with transaction.atomic():
        publish()
        fed = Configuration.objects.filter(owner=owner, four_eyes=False)
        if only is not None:
            fed = fed.filter(pk__in=only)
        ids = list(fed.values_list("pk", flat=True))
        if not fed.update(four_eyes=True, updated_at=timezone.now()):
            transaction.set_rollback(True)
            return
        changes = [(name, {"four_eyes": False}, {"four_eyes": True}) for name in ids]
        audit.record_all("configuration.edited", changes)


def orphan(owner: str) -> list[str]:
    """Leave the configurations of `owner` in force without an owner; returns their ids, sorted."""
    with transaction.atomic():
        publish()
        rows = Configuration.objects.filter(owner=owner).order_by("pk")
        ids = list(rows.values_list("pk", flat=True))
        if ids:
            now = timezone.now()
            rows.update(owner="", orphaned_at=now, updated_at=now)
            changes = [(name, {"owner": owner}, {"owner": ""}) for name in ids]
            audit.record_all("configuration.orphaned", changes)
        else:
            transaction.set_rollback(True)
        return ids


def locked(configuration_id: str) -> Configuration:
    """The row of a configuration, locked for the rest of the transaction.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = Configuration.objects.select_for_update().filter(pk=configuration_id).first()
    if row is None:
        raise NotFoundError(f"configuration {configuration_id!r}")
    return row


def check_active(row: Configuration) -> None:
    """Refuse an archived configuration.

    Raises:
        ConflictError: it is archived (`archived`).
    """
    if row.status == Status.ARCHIVED:
        raise ConflictError(
            "archived", f'{row.pk!r} is archived; send "status": "active" to restore it first.'
        )


def check_unpinned(row: Configuration) -> None:
    """Refuse a pinned configuration.

    Raises:
        ConflictError: it is pinned (`pinned`).
    """
    if row.pinned_at is not None:
        raise ConflictError(
            "pinned",
            f"{row.pk!r} is pinned by {row.pin_actor}: {row.pin_reason}. Release the pin first.",
        )


def bring_back(row: Configuration, number: int, origin: Origin, *, seq: int) -> Sequence[Fact]:
    """Put the content of version `number` in force; returns what the audit is to tell of it.

    That is nothing where it was in force already. `seq` is the number that `publish` returned.

    Raises:
        NotFoundError: there is no such version.
    """
    old = Version.objects.filter(configuration=row, number=number).first()
    if old is None:
        raise NotFoundError(f"version {number} of configuration {row.pk!r}")
    if old.content_hash == row.content_hash:
        return ()
    return _put(row, bytes(old.content), origin, seq=seq, is_judged=False)


def audited(row: Configuration) -> audit.Fields:
    """What the audit log keeps of a configuration."""
    return audit.fields(row, _AUDITED)


def _put(
    row: Configuration, content: bytes, origin: Origin, *, seq: int, is_judged: bool = True
) -> Sequence[Fact]:
    """Make `content` the next version of a locked row, which the caller saves and audits.

    One that is not judged passed earlier rules; the present ones have yet to judge it.
    """
    if not row.owner:
        row.source = origin.source
    version = _next_version(row, content, origin, now=timezone.now(), seq=seq)
    version.save(force_insert=True)
    if not is_judged:
        row.judged_rules = ""
    return leaves.of([(row, version)])


def _tell(row: Configuration, origin: Origin) -> None:
    """Record an event: what is in force is not the file in git, or it is that again."""
    if row.owner:
        is_git = row.content_hash == row.git_hash
        kind = log.Kind.OVERRIDE_REPLACED if is_git else log.Kind.OVERRIDDEN
        how = "which is what git says" if is_git else "instead of the file in git"
        message = f"{origin.actor} put version {row.version} in force, {how}."
        details = {"actor": origin.actor, "version": row.version, "note": origin.note}
        log.record(kind, message, git_repo=row.owner, configuration=row.pk, details=details)


def _check_owner(row: Configuration, override: bool, how: str) -> None:
    if row.owner and not override:
        raise ConflictError(
            "git_owned",
            f"{row.pk!r} is fed from {row.origin_url}: change it there, or send {how}"
            " to do it here until the file changes in git.",
        )


def _next_version(
    row: Configuration,
    content: bytes,
    origin: Origin,
    *,
    now: datetime,
    seq: int,
    path: str = "",
) -> Version:
    """The next version, not saved, of a content that the present rules pass; changes `row`."""
    row.version += 1
    row.publish_seq = seq
    row.content_hash = content_hash(content)
    row.judged_rules, row.findings, row.refused_since = VERIFY_VERSION, [], None
    row.updated_at = now
    return Version(
        configuration=row,
        number=row.version,
        content=content,
        content_hash=row.content_hash,
        source=origin.source,
        repo_url=origin.repo_url,
        commit=origin.commit,
        ref=origin.ref,
        path=path,
        author=origin.author,
        message=origin.message,
        committed_at=origin.committed_at,
        polled_at=origin.polled_at,
        signer=origin.signer,
        signer_key=origin.signer_key,
        actor=origin.actor,
        note=origin.note,
        trace_id=traces.current_id(),
        created_at=now,
    )


_GIT_FIELDS = [
    "name", "status", "source", "owner", "origin_url", "version", "publish_seq", "content_hash",
    "git_hash", "four_eyes", "updated_at",
]  # fmt: skip
# What a new version changes.
_WRITTEN = [*_GIT_FIELDS, "judged_rules", "findings", "refused_since"]

_named = statements.objects(lambda ids: Configuration.objects.filter(pk__among=ids), ids=list[str])
