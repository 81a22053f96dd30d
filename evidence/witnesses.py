"""Witnesses: other machines that sign what the log grows to; the only writer of their rows."""

import contextlib
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from evidence import keys, sealer, trees
from evidence.models import Epoch, SignedCheckpoint, WitnessState
from kt.evidence import notes, tree
from kt.evidence.notes import Checkpoint, Note, NoteError, Signature
from kt.evidence.witnessing import SigningRequest, Witness

log = structlog.get_logger(__name__)

_TIMEOUT_SECONDS = 5
_MOST_BYTES = 1 << 16
# A witness that always claims more than there is must not begin an epoch with every question.
_LEAST_EPOCH_SECONDS = 600


class _RefusedError(Exception):
    """A witness did not sign; `size` is what it says that it saw last."""

    def __init__(self, status: int, size: int | None) -> None:
        super().__init__(f"status {status}")
        self.status, self.size = status, size


def ask_all() -> int:
    """Have every witness sign the newest checkpoint that did not yet; returns how many signed."""
    if not settings.ENV.witnesses:
        return 0
    row = SignedCheckpoint.objects.order_by("-epoch", "-size").first()
    if row is None:
        return 0
    note = notes.read(row.note + "".join(row.cosignatures))
    found = notes.checkpoint(note.body)
    waiting = [one for one in settings.ENV.witnesses if one.key.signed_at(note) is None]
    return sum(_ask(one, row, Note(note.body, note.signatures[:1]), found) for one in waiting)


def _ask(witness: Witness, row: SignedCheckpoint, note: Note, now: Checkpoint) -> bool:
    state = WitnessState.objects.filter(pk=witness.key.text()).first()
    is_of_this = state is not None and state.epoch == row.epoch and state.size <= now.size
    old = state.size if state is not None and is_of_this else 0
    try:
        signed = _signed(witness, row.epoch, note, now, old)
    except (_RefusedError, OSError, HTTPException, NoteError) as exc:
        log.warning("a witness did not sign", witness=witness.key.name, error=str(exc))
        if isinstance(exc, _RefusedError) and exc.size is not None and exc.size > now.size:
            _went_back(row.epoch, exc.size)
        return False
    _keep(witness, row, signed, now)
    return True


def _signed(
    witness: Witness, epoch: int, note: Note, now: Checkpoint, old: int
) -> Sequence[Signature]:
    try:
        return _post(witness, SigningRequest(old, _grown(epoch, old, now), note))
    except _RefusedError as exc:
        if exc.size is None or exc.size > now.size or exc.size == old:
            raise
        # It signed more than is known here, as when its answer was lost.
        return _post(witness, SigningRequest(exc.size, _grown(epoch, exc.size, now), note))


def _grown(epoch: int, old: int, now: Checkpoint) -> list[bytes]:
    return tree.consistency(old, now.size, trees.tiles(epoch, now.size).node)


def _post(witness: Witness, request: SigningRequest) -> Sequence[Signature]:
    asked = urllib.request.Request(  # noqa: S310 - the operator's own setting, http or https
        f"{witness.url}/add-checkpoint", data=request.encoded(), method="POST"
    )
    try:
        with _opener.open(asked, timeout=_TIMEOUT_SECONDS) as answer:
            text = answer.read(_MOST_BYTES).decode("utf-8", "replace")
    except urllib.error.HTTPError as exc:
        with exc:
            raise _RefusedError(exc.code, _size(exc)) from exc
    lines = notes.signatures(text)
    if witness.key.signed_at(Note(request.note.body, lines)) is None:
        raise NoteError("its signature is not by its key")
    return [one for one in lines if one.key_id == witness.key.key_id]


def _size(answer: urllib.error.HTTPError) -> int | None:
    if answer.code != 409:
        return None
    with contextlib.suppress(ValueError, OSError):
        return int(answer.read(30))
    return None


def _keep(
    witness: Witness, row: SignedCheckpoint, signed: Sequence[Signature], now: Checkpoint
) -> None:
    with transaction.atomic():
        # The sealer removes a checkpoint that nobody signed once there is a newer one.
        stored, _ = SignedCheckpoint.objects.select_for_update().get_or_create(
            epoch=row.epoch, size=row.size,
            defaults={"note": row.note, "created_at": row.created_at},
        )  # fmt: skip
        stored.cosignatures = [*stored.cosignatures, *(one.line() for one in signed)]
        stored.save(update_fields=["cosignatures"])
        WitnessState.objects.update_or_create(
            key=witness.key.text(),
            defaults={"epoch": row.epoch, "size": now.size, "signed_at": timezone.now()},
        )
        note = notes.read(stored.note + "".join(stored.cosignatures))
        if all(one.key.signed_at(note) is not None for one in settings.ENV.witnesses):
            # What an older one covers, this one does too.
            SignedCheckpoint.objects.filter(epoch=row.epoch, size__lt=row.size).delete()


def _went_back(epoch: int, size: int) -> None:
    """Begin a new tree: a witness saw more of this one than the database has."""
    row = Epoch.objects.get(pk=epoch)
    if (timezone.now() - row.began_at).total_seconds() < _LEAST_EPOCH_SECONDS:
        return
    log.error("a witness saw a longer log: the database went back", seen=size, here=row.size)
    verifier = keys.verifier()
    origin = keys.origin(verifier.name, epoch) if verifier else ""
    sealer.begin_epoch(held=Checkpoint(origin, size, b""))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a witness is where its setting says."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)
