"""Links whose commits are told to a forge's API on loopback."""

from datetime import timedelta
from typing import Any

from rest_framework.test import APIClient

from commitstatus import telling
from commitstatus.models import CommitStatus
from gitrepos.models import Link
from tests.support.api import created
from tests.support.forgeapi import Answer, Call, ForgeAPI, said
from tests.support.syncing import get, link

PATH = "/v1/forge-credentials"
TOKEN = "kt-only-for-tests-31fd5c9a08"
URL = "https://forge.example/org/repo.git"
COMMIT, OTHER = "a" * 40, "b" * 40


def kept(admin: APIClient, api: ForgeAPI, **fields: Any) -> dict[str, Any]:
    """Make a credential for the API; a token for GitHub unless `fields` say otherwise."""
    usual = {"name": "telling", "forge": "github", "api_url": api.url, "hosts": ["forge.example"]}
    if fields.get("kind", "token") == "token":
        usual["token"] = TOKEN
    row: dict[str, Any] = created(admin.post(PATH, {**usual, **fields}, format="json"))
    return row


def told(admin: APIClient, row: dict[str, Any], name: str | None = "telling") -> dict[str, Any]:
    """Have the commits of a link told, or not any more."""
    path = f"/v1/git-repos/{row['id']}/commit-status"
    answer = admin.patch(path, {"credential": name}, format="json")
    assert answer.status_code == 200, answer.content
    chosen: dict[str, Any] = answer.json()["data"]
    return chosen


def synced(admin: APIClient, url: str = URL, **fields: Any) -> dict[str, Any]:
    """Make a link as it is after a sync."""
    row = link(admin, url, **fields)
    stands(row)
    return row


def stands(row: dict[str, Any], **columns: Any) -> None:
    """Have a link stand as a sync leaves it."""
    usual = {"last_commit": COMMIT, "last_url": row["url"], "observed_generation": 1}
    Link.objects.filter(pk=row["id"]).update(**{**usual, **columns})


def later(seconds: float = 61) -> None:
    """Have all times of telling be so long ago."""
    step = timedelta(seconds=seconds)
    for row in CommitStatus.objects.select_related("credential"):
        for name in ("look_at", "retry_at", "told_at", "visibility_until"):
            if (at := getattr(row, name)) is not None:
                setattr(row, name, at - step)
        row.save()
        if row.credential.paused_until is not None:
            row.credential.paused_until -= step
            row.credential.save()


def a_round() -> int:
    """A round of telling."""
    return telling.run()


def shown(admin: APIClient, row: dict[str, Any]) -> dict[str, Any]:
    """What the API shows of a link's statuses."""
    found: dict[str, Any] = get(admin, f"/v1/git-repos/{row['id']}/commit-status")
    return found


def posted(api: ForgeAPI) -> list[Any]:
    """The statuses that arrived."""
    return [call.body for call in api.calls if call.method == "POST" and "/app/" not in call.path]


def takes(api: ForgeAPI, *, private: bool = True, status: int = 201) -> None:
    """Have GitHub's API take statuses of a repository that is private, or is not."""

    def asked(_: Call) -> Answer:
        visibility = "private" if private else "public"
        return said(200, private=private, visibility=visibility)

    api.answers["GET /repos/"] = asked
    api.answers["POST /repos/"] = lambda _: said(status)
