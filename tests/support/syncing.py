"""Links and syncs in this process: the steps of the tasks, without the broker between them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.test import APIClient

from configurations.models import Configuration
from events.models import Event
from gitrepos.models import Remote
from gitrepos.polling import claims
from gitrepos.polling.claims import Fence
from gitrepos.polling.waiting import Found
from gitrepos.sync import poll as polling
from gitrepos.sync import steps


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
    """Run a tick, with everything it starts, in this process."""
    if batch := claims.due(timezone.now()):
        polling.poll(batch, sync)


def sync(claim_id: UUID, found: Mapping[UUID, Found]) -> None:
    """Sync what a poll found under its own claim."""
    for remote_id, what in found.items():
        steps.sync(Fence(remote_id, claim_id), what)


def shown(admin: APIClient, link: dict[str, Any]) -> dict[str, Any]:
    """A link as the API shows it now."""
    row: dict[str, Any] = get(admin, f"/v1/git-repos/{link['id']}")
    return row


def runs(admin: APIClient, link: dict[str, Any]) -> list[dict[str, Any]]:
    """The history of a link, newest first."""
    rows: list[dict[str, Any]] = get(admin, f"/v1/git-repos/{link['id']}/syncs")
    return rows


def edit(admin: APIClient, link: dict[str, Any], **fields: Any) -> None:
    """Change what a link asks for; what is in flight for it is discarded."""
    answer = admin.patch(f"/v1/git-repos/{link['id']}", fields, format="json")
    assert answer.status_code == 200, answer.content


def request(admin: APIClient, link: dict[str, Any]) -> None:
    """Ask for a sync now, without waiting for it."""
    answer = admin.post(f"/v1/git-repos/{link['id']}/sync")
    assert answer.status_code == 202, answer.content


def unlink(admin: APIClient, link: dict[str, Any]) -> list[str]:
    """Delete a link; returns the configurations that it leaves."""
    answer = admin.delete(f"/v1/git-repos/{link['id']}")
    assert answer.status_code == 200, answer.content
    left: list[str] = answer.json()["data"]["orphaned_configurations"]
    return left


def make(admin: APIClient, configuration_id: str, content: str) -> None:
    """Make a configuration by the API."""
    body = {"id": configuration_id, "content": content}
    answer = admin.post("/v1/configurations", body, format="json")
    assert answer.status_code == 201, answer.content


def override(admin: APIClient, configuration_id: str, content: str) -> None:
    """Change by the API a configuration that git feeds."""
    body = {"content": content, "override": True}
    answer = admin.patch(f"/v1/configurations/{configuration_id}", body, format="json")
    assert answer.status_code == 200, answer.content


def hashes() -> dict[str, str]:
    """The content hash of every configuration in force, by id."""
    return dict(Configuration.objects.filter(status="active").values_list("pk", "content_hash"))


def content(admin: APIClient, configuration_id: str) -> bytes:
    """The exact bytes in force."""
    answer = admin.get(f"/v1/configurations/{configuration_id}/content")
    assert answer.status_code == 200, answer.content
    body: bytes = answer.content
    return body


def get(admin: APIClient, path: str) -> Any:
    """The `data` of an answer that must be 200."""
    answer = admin.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def files(admin: APIClient, link: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows of a link's files, by path."""
    return {row["path"]: row for row in get(admin, f"/v1/git-repos/{link['id']}/files")}


def outcomes(admin: APIClient, link: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The outcome of each file of a link, by path and configuration."""
    rows = get(admin, f"/v1/git-repos/{link['id']}/files")
    return {(row["path"], row["configuration"]): row["outcome"] for row in rows}


def codes(row: dict[str, Any]) -> list[str]:
    """The codes of a file's findings."""
    return [finding["code"] for finding in row["findings"]]


def confirm(admin: APIClient, link: dict[str, Any], commit: str | None = None) -> None:
    """Confirm the commit that is held, or exactly `commit`."""
    body = {"commit": commit or shown(admin, link)["held"]["commit"]}
    answer = admin.post(f"/v1/git-repos/{link['id']}/confirm", body, format="json")
    assert answer.status_code == 202, answer.content


def kinds(**about: str) -> list[str]:
    """The kinds of the events that were recorded, oldest first; `about` names a link or an id."""
    return list(Event.objects.filter(**about).order_by("pk").values_list("kind", flat=True))


def pin(admin: APIClient, configuration_id: str, **fields: Any) -> dict[str, Any]:
    """Keep a version in force; returns the configuration as it is then."""
    body = {"reason": "an incident", **fields}
    answer = admin.post(f"/v1/configurations/{configuration_id}/pin", body, format="json")
    assert answer.status_code == 200, answer.content
    row: dict[str, Any] = answer.json()["data"]
    return row


def unpin(admin: APIClient, configuration_id: str) -> None:
    """Release a pin."""
    answer = admin.delete(f"/v1/configurations/{configuration_id}/pin")
    assert answer.status_code == 200, answer.content


def rollback(admin: APIClient, configuration_id: str, version: int) -> dict[str, Any]:
    """Make an earlier version the next one; returns the configuration as it is then."""
    body = {"version": version}
    answer = admin.post(f"/v1/configurations/{configuration_id}/rollback", body, format="json")
    assert answer.status_code == 200, answer.content
    row: dict[str, Any] = answer.json()["data"]
    return row
