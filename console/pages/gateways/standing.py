"""Words about a gateway's state: what helps, with the page where that is done."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

Row = Mapping[str, Any]

_HELPS = {
    "offline": "Look at its process, and whether it reaches the control plane.",
    "stale": "Look at its log, and whether it reaches the control plane.",
    "drifted": "Look at what it runs; where it knows something newer, say its policy again.",
    "orphaned": "Bind it to what goes on, or bring the file or its link back.",
    "quarantined": "Mend the file in git.",
    "overridden": "It ends when its pin is released; without one, when the file changes in git.",
}


def helped(row: Row) -> dict[str, Any]:
    """A row of drift with what `helps`, and the page `to` go on to, which is named `there`."""
    to, there = _page(row)
    return {**row, "helps": _help(row), "to": to, "there": there}


def _help(row: Row) -> str:
    if row["state"] == "offline" and row["last_seen_at"] is None:
        return "Start it with its token."
    if row["state"] == "orphaned" and not row["gateway"]:
        return "Bring the file or its link back, or archive the configuration."
    return _HELPS.get(row["state"], "")


def _page(row: Row) -> tuple[str, str]:
    configuration = quote(row["configuration"] or "", safe="")
    if row["gateway"] and not configuration:
        return f"/gateways/{quote(row['gateway'], safe='')}#actions", "Bind it"
    if row["state"] in ("quarantined", "overridden") and configuration:
        return f"/configurations/{configuration}", "See the configuration"
    if row["state"] == "orphaned" and row["gateway"]:
        return f"/gateways/{quote(row['gateway'], safe='')}#actions", "Bind it"
    return "", ""
