"""The configurations, links and gateways that a change would reach, asked of a control plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kt.cli.client.controlplane import ControlPlane
from kt.cli.review.change import Audience, Reviewed


def with_reach(
    reviewed: Sequence[Reviewed], control_plane: ControlPlane, prefix: str
) -> list[Reviewed]:
    """The same, each with its configuration, link and gateways. The role `ci` may ask it.

    Raises:
        CommandError: the control plane does not answer, or refuses to.
    """
    known = {str(row["id"]): row for row in control_plane.rows("/v1/configurations")}
    bound: dict[str, list[str]] = {}
    for row in control_plane.rows("/v1/drift"):
        if row.get("gateway"):
            bound.setdefault(str(row.get("configuration")), []).append(str(row["gateway"]))
    found = []
    for one in reviewed:
        # What moves reaches those that are bound to the id of before.
        ids = [side.configuration for side in (one.before, one.after) if side is not None]
        name = next((prefix + each for each in ids if prefix + each in known), prefix + ids[-1])
        link = str(known.get(name, {}).get("git_repo") or "")
        reach = Audience(name, name in known, link, tuple(bound.get(name, ())))
        found.append(replace(one, reach=reach))
    return found
