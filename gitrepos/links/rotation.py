"""Rotation of the secrets of links to the first key of `KEEPTRUSTS_SECRET_KEY`."""

from collections.abc import Iterator
from uuid import UUID

from gitrepos.links.links import writing
from gitrepos.links.sealed_secrets import binding, name
from gitrepos.models import GitCredential, Link, Remote
from gitrepos.polling import schedule
from keeptrusts.sealing import Rotation, fingerprint, unseal

_BATCH = 100
_SEALED = (
    (GitCredential, "secret"), (GitCredential, "client_key"), (Link, "webhook_secret"),
    (Remote, "credential"),
)  # fmt: skip


def rotate(done: Rotation) -> None:
    """Seal every secret of links under the first key; a second run finds nothing to do.

    Each transaction locks a hundred rows at most, so the control plane goes on meanwhile.
    """
    for model, column in _SEALED:
        for batch in _batches(model, column):
            with writing():
                rows = model._default_manager.select_for_update().filter(pk__in=batch)
                for row in rows.order_by("pk"):
                    _renew(row, column, done)


def _batches(model: type[GitCredential | Link | Remote], column: str) -> Iterator[list[UUID]]:
    rows = model._default_manager.exclude(**{column: ""}).order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    for at in range(0, len(ids), _BATCH):
        yield ids[at : at + _BATCH]


def _renew(row: GitCredential | Link | Remote, column: str, done: Rotation) -> None:
    old = getattr(row, column)
    new = done.renew(old, row=binding(row, column)) if old else ""
    if new != old:
        setattr(row, column, new)
        row.save(update_fields=[column])
    if old and isinstance(row, Remote) and name(row) not in done.lost:
        _tell_apart(row, fingerprint(unseal(new, row=binding(row))))


def _tell_apart(row: Remote, digest: str) -> None:
    """Keep equal tokens on one remote: their digests under two keys differ."""
    if row.credential_digest == digest:
        return
    twin = Remote.objects.select_for_update().filter(url=row.url, credential_digest=digest).first()
    if twin is None:
        Remote.objects.filter(pk=row.pk).update(credential_digest=digest)
        return
    row.links.update(remote=twin)
    row.delete()
    schedule.reschedule(twin)
