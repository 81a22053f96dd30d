"""All entries of a log, put into a file of evidence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kt.cli.errors import CommandError

if TYPE_CHECKING:
    from kt.cli.client.controlplane import ControlPlane


def whole(control_plane: ControlPlane, data: bytes) -> bytes:
    """The file with every entry of its trees.

    Raises:
        CommandError: the control plane does not answer, or tells no file.
    """
    try:
        file = json.loads(data)["data"]
        for tree in file["trees"]:
            size = int(tree["checkpoint"].split("\n")[1])
            tree["all"] = _entries(control_plane, int(tree["epoch"]), size)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as exc:
        raise CommandError("the answer is no file of evidence") from exc
    return json.dumps({"data": file}).encode()


def _entries(control_plane: ControlPlane, epoch: int, size: int) -> list[str]:
    from kt.evidence import tiles

    found: list[Any] = []
    for number in range(-(-size // tiles.WIDTH)):
        width = min(tiles.WIDTH, size - number * tiles.WIDTH)
        path = f"/v1/evidence/{epoch}/tile/entries/{tiles.path(number, width)}"
        found += tiles.unbundled(control_plane.content(path))
    return [one.decode() for one in found]
