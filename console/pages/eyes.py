"""Changes that wait for a second person, on the page of what they would change."""

from collections.abc import Mapping
from typing import Any

import orjson

from console.inside import API
from console.pages.base import Act

_MOST = 300
_PATH = "/v1/requests/{number}/"

# The forms of what waits; a page that shows it has them among its own.
ACTS: Mapping[str, Act] = {
    "confirm_request": Act(
        "POST", f"{_PATH}confirm", "Confirmed, and done.",
        {"commit": str, "digest": str, "content_hash": str},
    ),
    "refuse_request": Act("POST", f"{_PATH}refuse", "Refused: it is over.", {"reason": str}),
    "withdraw_request": Act("POST", f"{_PATH}withdraw", "Taken back."),
}  # fmt: skip


def waiting(api: API, **asked: str) -> list[dict[str, Any]]:
    """What waits for a second person, of a `target` or a `kind`.

    Nothing for whoever may not read it.
    """
    if not api.may("GET", "/v1/requests"):
        return []
    rows = api.get("/v1/requests", **asked, state="waiting", limit=20)
    return [{**row, "changes": changes(row["details"])} for row in rows]


def changes(details: Mapping[str, Any]) -> list[str]:
    """What a request changes, a line each, by its `details`: before, and after."""
    moved = [
        f"{gateway}: {_text(before)} → {_text(after)}"
        for gateway, before, after in details.get("gateways") or ()
    ]
    edited = [
        f"{name}: {_text(before)} → {_text(after)}"
        for name, (before, after) in (details.get("fields") or {}).items()
    ]
    left_out = (details.get("gateway_count") or 0) - len(moved)
    return [*moved, *([f"and {left_out} gateways more"] if left_out > 0 else []), *edited]


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return "nothing"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"
