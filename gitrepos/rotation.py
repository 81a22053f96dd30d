"""Sealing what is stored again, under the first key of `KEEPTRUSTS_SECRET_KEY`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from gitrepos import claim
from gitrepos.credentials import binding
from gitrepos.links import writing
from gitrepos.models import GitCredential, GitRepo, Remote
from keeptrusts.sealing import SealError, fingerprint, is_current, seal, unseal

_BATCH = 100
_SEALED = ((GitCredential, "secret"), (GitRepo, "webhook_secret"), (Remote, "credential"))


@dataclass(slots=True)
class Rotation:
    """How many secrets were sealed again, and the rows whose secret no key opens."""

    sealed: int = 0
    lost: list[str] = field(default_factory=list)


def rotate() -> Rotation:
    """Seal every secret under the first key; a second run finds nothing to do.

    Each transaction holds a hundred rows at most, so the control plane goes on meanwhile.
    """
    done = Rotation()
    for model, column in _SEALED:
        for batch in _batches(model, column):
            with writing():
                rows = model._default_manager.select_for_update().filter(pk__in=batch)
                for row in rows.order_by("pk"):
                    _renew(row, column, done)
    return done


def _batches(model: type[GitCredential | GitRepo | Remote], column: str) -> Iterator[list[UUID]]:
    rows = model._default_manager.exclude(**{column: ""}).order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    for at in range(0, len(ids), _BATCH):
        yield ids[at : at + _BATCH]


def _renew(row: GitCredential | GitRepo | Remote, column: str, done: Rotation) -> None:
    old = getattr(row, column)
    try:
        text = unseal(old, row=binding(row)) if old else ""
    except SealError:
        done.lost.append(binding(row))
        return
    if old and not is_current(old):
        setattr(row, column, seal(text, row=binding(row)))
        row.save(update_fields=[column])
        done.sealed += 1
    if isinstance(row, Remote) and text:
        _tell_apart(row, fingerprint(text))


def _tell_apart(row: Remote, digest: str) -> None:
    """Keep equal tokens on one remote: a digest of the old key hides that they are equal."""
    if row.credential_digest == digest:
        return
    twin = Remote.objects.select_for_update().filter(url=row.url, credential_digest=digest).first()
    if twin is None:
        Remote.objects.filter(pk=row.pk).update(credential_digest=digest)
        return
    row.links.update(remote=twin)
    row.delete()
    claim.reschedule(twin)
