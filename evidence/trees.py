"""Trees as they are stored: tiles, and the leaves of an epoch."""

from collections.abc import Mapping

from evidence.models import Entry, Tile
from kt.evidence.tiles import WIDTH, Tiles


def tiles(epoch: int, size: int) -> Tiles:
    """The tree of an epoch, whose tiles are read as they are needed."""

    def read(level: int, number: int) -> bytes:
        place = {"epoch": epoch, "level": level, "number": number}
        found = Tile.objects.filter(**place).values_list("hashes", flat=True).first()
        return bytes(found or b"")

    return Tiles(read, size)


def write(epoch: int, changed: Mapping[tuple[int, int], bytes]) -> None:
    """Store tiles that grew."""
    rows = [
        Tile(epoch=epoch, level=level, number=number, hashes=hashes)
        for (level, number), hashes in changed.items()
    ]
    Tile.objects.bulk_create(
        rows, batch_size=100, update_conflicts=True,
        unique_fields=["epoch", "level", "number"], update_fields=["hashes"],
    )  # fmt: skip


def entries(epoch: int, number: int, width: int) -> list[bytes]:
    """The leaves of an entry tile, in their order."""
    first = number * WIDTH
    rows = Entry.objects.filter(epoch=epoch, index__gte=first, index__lt=first + width)
    return [bytes(leaf) for leaf in rows.order_by("index").values_list("leaf", flat=True)]
