"""Linking and syncing in process: the steps of the tasks, without the broker between them."""

from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from gitrepos import claim, sync
from gitrepos.models import Remote


def link(admin: APIClient, url: str, **fields: Any) -> dict[str, Any]:
    """Link a repository by the API; policies are created unless `fields` say otherwise."""
    body = {"url": url, "auto_create_configuration": True, **fields}
    answer = admin.post("/v1/git-repos", body, format="json")
    assert answer.status_code == 201, answer.content
    row: dict[str, Any] = answer.json()["data"]
    return row


def poll() -> None:
    """Poll every remote that has a link, whenever it is due, and sync what changed."""
    Remote.objects.filter(next_poll_at__isnull=False).update(next_poll_at=timezone.now())
    run_due()


def run_due() -> None:
    """What a tick does, with everything it starts, in this process."""
    for batch in claim.due(timezone.now()):
        sync.poll(batch, sync.sync)


def get(admin: APIClient, path: str) -> Any:
    """The `data` of an answer that must be 200."""
    answer = admin.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def files(admin: APIClient, link: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What became of each file of a link, by path."""
    return {row["path"]: row for row in get(admin, f"/v1/git-repos/{link['id']}/files")}
