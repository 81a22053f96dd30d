"""Shared credentials, made by the API."""

from typing import Any

from rest_framework.test import APIClient

from tests.support.api import created
from tests.support.forge import Forge
from tests.support.sshforge import SSHForge

PATH = "/v1/git-credentials"


def credential(admin: APIClient, **fields: Any) -> dict[str, Any]:
    """Make a credential; a token for a forge by name unless `fields` say otherwise."""
    body = {"name": "shared", "kind": "token", **fields}
    row: dict[str, Any] = created(admin.post(PATH, body, format="json"))
    return row


def token(admin: APIClient, forge: Forge, text: str, **fields: Any) -> dict[str, Any]:
    """Make a credential of kind token for a forge."""
    return credential(admin, token=text, hosts=[f"127.0.0.1:{forge.port}"], **fields)


def deploy_key(admin: APIClient, forge: SSHForge, **fields: Any) -> dict[str, Any]:
    """Make a credential of kind ssh that the forge accepts."""
    body = {
        "kind": "ssh",
        "hosts": [f"127.0.0.1:{forge.port}"],
        "private_key": forge.private_key,
        "known_hosts": forge.known_hosts(),
        **fields,
    }
    return credential(admin, **body)


def change(admin: APIClient, row: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Change a credential."""
    answer = admin.patch(f"{PATH}/{row['id']}", fields, format="json")
    assert answer.status_code == 200, answer.content
    changed: dict[str, Any] = answer.json()["data"]
    return changed
