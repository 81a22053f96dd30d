"""Deliveries of forges: bodies as they document them, signed as they sign them."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from rest_framework.test import APIClient

SECRET = "a-webhook-secret-of-the-tests"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"a standard secret of tests").decode()
ZEROS = "0" * 40
COMMIT = "5c0ffee" + "0" * 33

Headers = dict[str, str]


def signature(body: bytes, secret: str = SECRET) -> str:
    """HMAC-SHA256 of a body, 64 hex digits."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(body: bytes, *, event: str = "push", secret: str = SECRET) -> Headers:
    """The headers of a delivery of GitHub."""
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": f"sha256={signature(body, secret)}",
    }


def gitlab(_body: bytes, *, event: str = "Push Hook", secret: str = SECRET) -> Headers:
    """The headers of a delivery of GitLab, which sends the secret itself."""
    return {
        "X-Gitlab-Event": event,
        "X-Gitlab-Event-UUID": str(uuid.uuid4()),
        "X-Gitlab-Token": secret,
    }


def standard(
    body: bytes, *, secret: str = STANDARD_SECRET, at: float | None = None, name: str = "msg_1"
) -> Headers:
    """The headers by Standard Webhooks, which GitLab sends with a signing token."""
    moment = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "X-Gitlab-Event": "Push Hook",
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def gitea(body: bytes, *, event: str = "push", secret: str = SECRET) -> Headers:
    """The headers of a delivery of Gitea: its own, and those of GitHub and Gogs."""
    return {
        **github(body, event=event, secret=secret),
        **gogs(body, event=event, secret=secret),
        "X-Gitea-Delivery": str(uuid.uuid4()),
        "X-Gitea-Event": event,
        "X-Gitea-Signature": signature(body, secret),
    }


def gogs(body: bytes, *, event: str = "push", secret: str = SECRET) -> Headers:
    """The headers of a delivery of Gogs: its own, and GitHub's without a signature."""
    delivery = str(uuid.uuid4())
    return {
        "X-GitHub-Delivery": delivery,
        "X-GitHub-Event": event,
        "X-Gogs-Delivery": delivery,
        "X-Gogs-Event": event,
        "X-Gogs-Signature": signature(body, secret),
    }


def forgejo(body: bytes, *, event: str = "push", secret: str = SECRET) -> Headers:
    """The headers of a delivery of Forgejo: its own, and those of Gitea."""
    return {
        "X-Forgejo-Delivery": str(uuid.uuid4()),
        "X-Forgejo-Event": event,
        "X-Forgejo-Signature": signature(body, secret),
        **gitea(body, event=event, secret=secret),
    }


def bitbucket(body: bytes, *, event: str = "repo:push", secret: str = SECRET) -> Headers:
    """The headers of a delivery of Bitbucket Cloud."""
    return {
        "X-Event-Key": event,
        "X-Request-UUID": str(uuid.uuid4()),
        "X-Attempt-Number": "1",
        "X-Hub-Signature": f"sha256={signature(body, secret)}",
    }


def bitbucket_server(body: bytes, *, secret: str = SECRET) -> Headers:
    """The headers of a delivery of Bitbucket Data Center."""
    return {
        "X-Event-Key": "repo:refs_changed",
        "X-Request-Id": str(uuid.uuid4()),
        "X-Hub-Signature": f"sha256={signature(body, secret)}",
    }


def azure(_body: bytes, *, secret: str = SECRET, user: str = "") -> Headers:
    """The header of a delivery of Azure DevOps, which sends the secret as a password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def timed(body: bytes, *, secret: str = SECRET, at: float | None = None) -> Headers:
    """The header of the generic form."""
    moment = str(int(time.time() if at is None else at))
    signed = signature(f"{moment}.".encode() + body, secret)
    return {"X-Keeptrusts-Signature": f"t={moment},v1={signed}"}


def push(branch: str = "main", commit: str = COMMIT, **more: Any) -> bytes:
    """A push in the generic form, which is GitHub's with fewer fields; no two are equal."""
    return _json({"ref": f"refs/heads/{branch}", "after": commit, **more})


def github_push(branch: str = "main", commit: str = COMMIT, name: str = "org/policies") -> bytes:
    """A push of GitHub, Gitea and Forgejo."""
    return push(
        branch,
        commit,
        before=ZEROS,
        repository={"full_name": name, "default_branch": "main", "private": True},
        commits=[{"id": commit, "added": ["policy-config.yaml"]}],
    )


def gitlab_push(branch: str = "main", commit: str = COMMIT, name: str = "org/policies") -> bytes:
    """A push of GitLab."""
    return _json(
        {
            "object_kind": "push",
            "event_name": "push",
            "before": ZEROS,
            "after": commit,
            "ref": f"refs/heads/{branch}",
            "checkout_sha": commit,
            "project": {"path_with_namespace": name, "default_branch": "main"},
            "commits": [{"id": commit}],
        }
    )


def cloud_push(branch: str = "main", commit: str = COMMIT, name: str = "org/policies") -> bytes:
    """A push of Bitbucket Cloud."""
    new = {"type": "branch", "name": branch, "target": {"type": "commit", "hash": commit}}
    change = {"old": None, "new": None if commit == ZEROS else new, "closed": commit == ZEROS}
    if commit == ZEROS:
        change["old"] = new
    return _json({"repository": {"full_name": name}, "push": {"changes": [change]}})


def server_push(branch: str = "main", commit: str = COMMIT, name: str = "org/policies") -> bytes:
    """A push of Bitbucket Data Center."""
    project, _, slug = name.partition("/")
    ref = {"id": f"refs/heads/{branch}", "displayId": branch, "type": "BRANCH"}
    return _json(
        {
            "eventKey": "repo:refs_changed",
            "repository": {"slug": slug, "project": {"key": project.upper()}},
            "changes": [{"ref": ref, "refId": ref["id"], "fromHash": ZEROS, "toHash": commit}],
        }
    )


def azure_push(branch: str = "main", commit: str = COMMIT, name: str = "org/policies") -> bytes:
    """A push of Azure DevOps."""
    project, _, repository = name.partition("/")
    update = {"name": f"refs/heads/{branch}", "oldObjectId": ZEROS, "newObjectId": commit}
    return _json(
        {
            "eventType": "git.push",
            "publisherId": "tfs",
            "resource": {
                "refUpdates": [update],
                "repository": {
                    "name": repository,
                    "project": {"name": project},
                    "defaultBranch": "refs/heads/main",
                },
            },
        }
    )


FORMS: dict[str, tuple[Callable[..., bytes], Callable[..., Headers]]] = {
    "github": (github_push, github),
    "gitlab": (gitlab_push, gitlab),
    "gitea": (github_push, gitea),
    "forgejo": (github_push, forgejo),
    "bitbucket-cloud": (cloud_push, bitbucket),
    "bitbucket-server": (server_push, bitbucket_server),
    "gogs": (github_push, gogs),
    "azure": (azure_push, azure),
    "generic": (push, timed),
}


def post(
    client: APIClient,
    link: dict[str, Any],
    body: bytes,
    headers: Headers,
    *,
    content_type: str = "application/json",
) -> Any:
    """Deliver to a link's webhook, as a forge does: without a token."""
    return client.generic(
        "POST", link["webhook_url"], body, content_type=content_type, headers=headers
    )


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps({**body, "nonce": str(uuid.uuid4())}).encode()
