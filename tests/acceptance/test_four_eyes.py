"""Four eyes as a team has them: an editor's weakening commit, a colleague, and the audit log."""

from typing import Any

import pytest

from tests.support.eyes import strong, weak
from tests.support.repo import Repo
from tests.support.stack import Reply, Stack, wait_for


class Somebody:
    """A person with a token of the control plane."""

    def __init__(self, stack: Stack, name: str, role: str, *emails: str) -> None:
        body = {"name": name, "role": role, "emails": list(emails)}
        made = stack.request("POST", "/v1/tokens", body)
        assert made.status == 201, made.body
        self.stack, self.name, self.token = stack, name, made.data["token"]

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """The answer to a request in this name."""
        return self.stack.request(method, path, body, token=self.token)

    def get(self, path: str) -> Any:
        """The data of an answer."""
        answer = self.send("GET", path)
        assert answer.status == 200, answer.body
        return answer.data


@pytest.mark.smoke
def test_a_colleague_confirms_what_its_author_cannot(shared_stack: Stack, repo: Repo) -> None:
    """From the two tokens on, through real processes; the audit log tells who did what."""
    name, file = "eyes", "eyes/policy-config.yaml"
    ed = Somebody(shared_stack, "ed", "editor", "author@keeptrusts.example")
    cleo = Somebody(shared_stack, "cleo", "editor", "cleo@keeptrusts.example")
    repo.commit({file: strong(name)})
    body = {
        "url": repo.url, "branch": "main", "auto_create_configuration": True, "four_eyes": True,
        "poll_interval_seconds": 2,
    }  # fmt: skip
    link = ed.send("POST", "/v1/git-repos", body).data
    wait_for(lambda: ed.get(f"/v1/git-repos/{link['id']}")["status"] == "synced")
    commit = repo.commit({file: weak(name)})
    held = wait_for(lambda: ed.get(f"/v1/git-repos/{link['id']}")["held"])

    assert (held["reason"], held["commit"]) == ("weaker", commit)
    [asked] = cleo.get(f"/v1/requests?state=waiting&target={link['id']}")
    path = f"/v1/git-repos/{link['id']}/confirm"
    answer = ed.send("POST", path, {"commit": commit})
    assert (answer.status, answer.json["error"]["code"]) == (403, "own_commit")
    loose = ed.send("PATCH", f"/v1/git-repos/{link['id']}", {"four_eyes": False})
    assert loose.json["error"]["code"] == "second_person_needed"
    content = f"/v1/configurations/{name}/content"
    assert ed.send("GET", content).body == strong(name).encode()
    done = cleo.send("POST", f"/v1/requests/{asked['id']}/confirm", asked["shows"])
    assert (done.status, done.data["decided_by"]["name"]) == (200, "cleo")
    wait_for(lambda: ed.send("GET", content).body == weak(name).encode())

    told = []
    for target in (link["id"], str(asked["id"]), name):
        told += shared_stack.request("GET", f"/v1/audit-log?target={target}").data
    told = [(row["actor"]["name"], row["action"]) for row in sorted(told, key=lambda r: r["id"])]
    assert told == [
        ("ed", "git_repo.linked"),
        (repo.url, "configuration.published"),
        ("cleo", "git_repo.confirmed"),
        ("cleo", "request.confirmed"),
        (repo.url, "configuration.published"),
    ]
