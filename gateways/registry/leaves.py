"""Facts of evidence of what gateways are bound to."""

from collections.abc import Iterable, Mapping

from evidence.log import Fact
from gateways.models import Gateway


def of(rows: Iterable[Gateway], before: Mapping[str, str | None]) -> list[Fact]:
    """What a leaf tells of each gateway that was bound anew, for the transaction that binds it.

    `before` has what each was bound to by id; one that is not in it was bound to nothing.
    """
    return [
        Fact(
            "bound",
            {
                "gateway": row.pk,
                "configuration": row.bound_id,
                "left": left,
                "bound_seq": row.bound_seq,
            },
        )
        for row in rows
        if (left := before.get(row.pk)) != row.bound_id
    ]


def standing() -> list[Fact]:
    """What a leaf tells of each gateway that is bound, for a log that knows of none."""
    return of(Gateway.objects.filter(deleted_at=None).order_by("pk"), {})
