"""Kept answers: what a POST with an `Idempotency-Key` was answered, for a day.

An answer is kept in the transaction of its write: either both are there, or neither. Only the same
credential finds it, at the same path, and by the same body. One that showed a secret is kept
without it.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from keeptrusts import sealing, statements
from keeptrusts.api import acting
from keeptrusts.api.errors import AlreadyDoneError, FieldError, RefusedError
from keeptrusts.api.printable import encode
from keeptrusts.api.writes import conditions
from keeptrusts.asking import ask
from keeptrusts.database import insert
from keeptrusts.models import KeptAnswer

REPLAYED = "Idempotent-Replayed"
_LIFE = timedelta(hours=24)
_AT_ONCE = 10_000
_KEPT_HEADERS = ("ETag", "Location")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an answer: `pk` tells credential, path and key; `body` is what was sent.

    `sees` tells what the credential may see and do: it may be less by the time of a repeat.
    """

    pk: str
    body: bytes
    sees: str


def place(request: Request) -> Place | None:
    """The place of the answer to a request; None for one without a key.

    Raises:
        FieldError: the key is malformed, or the body is nested too deep to be told from others.
    """
    key = conditions.idempotency_key(request.headers)
    if key is None:
        return None
    actor = acting.current()
    # Of a trust's JWTs each subject is somebody else; the name of a token may be changed.
    who = [actor.kind, actor.id, actor.name if actor.kind == "trust" else ""]
    bearer: Any = request.user
    return Place(
        pk=_digest([*who, str(request.method), request.get_full_path(), key]),
        body=_canonical(request.data),
        sees=_digest([bearer.role, repr(bearer.sight)]),
    )


def find(at: Place) -> Response | None:
    """The answer that is kept; None without one.

    Raises:
        AlreadyDoneError: it is kept without what it showed.
        RefusedError: 422, it is that to another body (`idempotency_key_reused`).
    """
    rows = _kept(pk=at.pk)
    return _again(rows[0], at) if rows and not _is_over(rows[0]) else None


def _again(row: KeptAnswer, at: Place) -> Response:
    if not _is_same(row, at):
        raise RefusedError(
            422,
            "idempotency_key_reused",
            "This Idempotency-Key came with another body before; a new request wants a new key.",
        )
    again = {**row.headers, REPLAYED: "true"}
    if row.body is None or row.sees != at.sees:
        raise AlreadyDoneError(row.target, headers=again)
    return Response(row.body.encode(), status=row.status, headers=again)


def _is_over(row: KeptAnswer) -> bool:
    return row.created_at <= timezone.now() - _LIFE


_kept = statements.objects(lambda pk: KeptAnswer.objects.filter(pk=pk), pk=str)


def claim(at: Place) -> Response | None:
    """Have this transaction alone answer at a place; the answer that is kept there by now, if any.

    On SQLite transactions that write follow one another, so nobody is refused there.

    Raises:
        AlreadyDoneError: as `find`.
        RefusedError: as `find`; 409, another transaction is at it (`idempotency_key_in_use`).
    """
    if connection.vendor == "postgresql":
        number = int.from_bytes(bytes.fromhex(at.pk)[:8], signed=True)
        if ask(connection, "SELECT pg_try_advisory_xact_lock(%s)", [number]).rows != [(True,)]:
            raise RefusedError(
                409,
                "idempotency_key_in_use",
                "A request with this Idempotency-Key is under way; send it again in a second.",
                headers={"Retry-After": "1"},
            )
    rows = _kept(pk=at.pk)
    if rows and not _is_over(rows[0]):
        return _again(rows[0], at)
    for row in rows:
        row.delete()  # It makes room for the one to come.
    return None


def keep(at: Place, answer: Response, *, is_secret: bool) -> None:
    """Keep an answer, in the transaction of what it tells; without its body if `is_secret`.

    That transaction has the place by `claim`.
    """
    target, encoded = answer.data["data"], encode(answer.data)
    row = KeptAnswer(
        pk=at.pk,
        body_mac=sealing.vouch(at.body, row=_row(at.pk))[: sealing.MAC_DIGITS].decode(),
        sees=at.sees,
        status=answer.status_code,
        headers={name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers},
        target=str(target.get("id", target.get("name"))),
        body=None if is_secret else encoded.decode(),
        created_at=timezone.now(),
    )
    insert([row])
    answer.data = encoded


def prune() -> int:
    """Forget answers that are over; returns how many, 10,000 at most."""
    over = KeptAnswer.objects.filter(created_at__lte=timezone.now() - _LIFE).order_by("created_at")
    # By its ids: neither database can bound a DELETE.
    ids = list(over.values_list("pk", flat=True)[:_AT_ONCE])
    return KeptAnswer.objects.filter(pk__in=ids).delete()[0]


def _canonical(body: Any) -> bytes:
    """A body as JSON, the same for equal ones."""
    try:
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        raise FieldError("body", "is nested too deep") from exc


def _is_same(row: KeptAnswer, at: Place) -> bool:
    """Whether an answer is to this body, which may hold a secret: a MAC tells nobody which."""
    try:
        sealing.vouched(row.body_mac.encode() + at.body, row=_row(at.pk))
    except sealing.SealError:
        return False
    return True


def _row(pk: str) -> str:
    return f"kept-answer:{pk}"


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()
