"""What entries of the audit log are about."""

from typing import Any

import pytest
from django.urls import resolve

from console.targets import Target, target
from events.audit import ACTIONS

_ID = "0b54cbd2-5f2c-4b7b-9c54-0d9d3a6f3b11"


def _entry(action: str, **more: Any) -> dict[str, Any]:
    actor = {"kind": "token", "id": _ID, "name": "ci"}
    return {"action": action, "target": _ID, "actor": actor, "before": None, "after": None, **more}


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_leads_to_a_page_that_is_there(action: str) -> None:
    """Or to none; and is told with a name, whatever the entry lacks."""
    told = target(_entry(action))

    assert told.name
    assert told.page == "" or resolve(told.page).func


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (_entry("configuration.pinned", target="a/b"), Target("a/b", "/configurations/a%2Fb")),
        (
            _entry("git_repo.linked", after={"url": "https://git.example/x", "path": "p"}),
            Target("https://git.example/x", f"/repositories/{_ID}"),
        ),
        (_entry("git_repo.sync_requested"), Target("git repo 0b54cbd2", f"/repositories/{_ID}")),
        (_entry("git_repo.removed", before={"url": "u"}), Target("u", "")),
        (_entry("token.revoked", before={"name": "ci"}, after={}), Target("ci", "/access")),
        (
            _entry("request.asked", target="chat", after={"request": 7, "kind": "x"}),
            Target("request 7", "/requests/7"),
        ),
        (_entry("glass.broken", after={"request": 8}), Target("request 8", "/requests/8")),
        (_entry("session.begun"), Target("ci", "")),
    ],
)  # fmt: skip
def test_its_name_is_one_that_people_gave(entry: dict[str, Any], told: Target) -> None:
    """Where the entry has one; what is gone has no page."""
    assert target(entry) == told
