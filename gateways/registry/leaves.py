"""Leaves of evidence of what gateways are bound to."""

from collections.abc import Iterable, Mapping

from evidence import log
from gateways.models import Gateway


def append(rows: Iterable[Gateway], before: Mapping[str, str | None]) -> None:
    """Add a leaf for each gateway that was bound anew, in the transaction that binds it.

    `before` has what each was bound to by id; one that is not in it was bound to nothing.
    """
    log.append_all(
        "bound",
        [
            {
                "gateway": row.pk,
                "configuration": row.bound_id,
                "left": left,
                "bound_seq": row.bound_seq,
            }
            for row in rows
            if (left := before.get(row.pk)) != row.bound_id
        ],
    )
