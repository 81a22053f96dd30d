"""Gateways that leave a configuration under four eyes for another one, or for none."""

from collections.abc import Iterable, Mapping
from typing import Any

from configurations.models import Configuration
from configurations.requests import guard
from configurations.requests.guard import Change
from gateways.models import Gateway

_NAMED = 100


def demand(
    kind: str, target: str, rows: Iterable[Gateway], before: Mapping[str, str | None], asked: Any
) -> None:
    """Have what binds gateways anew pass, or refuse it, as `guard.demand` does.

    `before` has what each of `rows` was bound to by id; `asked` is what else is changed with it.
    """
    moves = [
        [row.pk, left, row.bound_id]
        for row in rows
        if (left := before[row.pk]) is not None and left != row.bound_id
    ]
    if not moves:
        return
    left_ids = {left for _, left, _ in moves}
    guarded = Configuration.objects.filter(pk__in=left_ids, four_eyes=True).exists()
    digest = guard.digest([asked, moves])
    details = {"gateways": moves[:_NAMED], "gateway_count": len(moves), "asked": asked}
    guard.demand(Change(kind, target, digest, {"digest": digest}, details), guarded=guarded)
