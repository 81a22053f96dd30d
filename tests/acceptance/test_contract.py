"""The users' own scripts, unmodified, against the running control plane."""

import json
import re

import pytest

from tests.support.repo import Repo, policy
from tests.support.stack import CONTRACT, Stack, wait_for

pytestmark = pytest.mark.smoke


def test_the_drift_script_tells_ok_warning_and_drift(shared_stack: Stack, repo: Repo) -> None:
    """OK for what git says, WARNING for what only the API made, DRIFT after an override."""
    repo.commit(
        {
            "policies/drift-a/policy-config.yaml": policy("A").encode(),
            "policies/drift-b/policy-config.yaml": policy("B").replace("\n", "\r\n"),
        }
    )
    shared_stack.link(repo.url, path="policies/")
    wait_for(lambda: _synced(shared_stack, "drift-a", "drift-b"))
    made = {"content": policy("By hand"), "id": "drift-by-api"}
    assert shared_stack.request("POST", "/v1/configurations", made).status == 201

    first = shared_stack.script("detect-drift.sh", repo.clone)
    change = {"content": policy("Changed")}
    refused = shared_stack.request("PATCH", "/v1/configurations/drift-a", change)
    override = {**change, "override": True}
    allowed = shared_stack.request("PATCH", "/v1/configurations/drift-a", override)
    second = shared_stack.script("detect-drift.sh", repo.clone)

    assert (first.returncode, refused.status, allowed.status) == (0, 409, 200)
    assert _lines(first.stdout, "drift-") == [
        "OK: drift-a",
        "OK: drift-b",
        "WARNING: No source file for config drift-by-api",
    ]
    assert _lines(second.stdout, "drift-") == [
        "DRIFT DETECTED: drift-a",
        "OK: drift-b",
        "WARNING: No source file for config drift-by-api",
    ]


def test_the_drift_script_needs_a_ci_token_which_may_be_narrowed(
    shared_stack: Stack, repo: Repo
) -> None:
    """Whole it tells of all, narrowed of what it sees, and of nothing else."""
    names = ("narrow-a", "narrow-b", "narrow-c")
    repo.commit({f"policies/{name}/policy-config.yaml": policy(name).encode() for name in names})
    shared_stack.link(repo.url, path="policies/")
    wait_for(lambda: _synced(shared_stack, *names))
    labels = {"labels": {"narrow": "c"}}
    assert shared_stack.request("PATCH", "/v1/configurations/narrow-c", labels).status == 200

    def run(sight: object) -> list[str]:
        body = {"name": "drift", "role": "ci", "sight": sight}
        made = shared_stack.request("POST", "/v1/tokens", body).json["data"]
        token = {"KEEPTRUSTS_API_TOKEN": made["token"]}
        done = shared_stack.script("detect-drift.sh", repo.clone, **token)
        assert done.returncode == 0
        return list(done.stdout.splitlines())

    assert set(run(None)) >= {f"OK: {name}" for name in names}
    heading = "Checking config drift for all gateways..."
    assert run({"ids": ["narrow-a"], **labels}) == [heading, "OK: narrow-a", "OK: narrow-c"]
    assert run({"ids": ["nothing"]}) == [heading]


def test_the_link_script_gets_a_link(shared_stack: Stack, repo: Repo, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """With its url swapped for the forge's: 201, and the file under its path is in force."""
    repo.commit({"policies/production/policy-config.yaml": policy("Production")})
    text = (CONTRACT / "link-repo.sh").read_text()
    script = tmp_path / "link-repo.sh"
    script.write_text(text.replace("https://github.com/org/governance-policies.git", repo.url))

    done = shared_stack.script(str(script), tmp_path)

    row = json.loads(done.stdout)["data"]
    assert (row["url"], row["path"], row["status"]) == (repo.url, "policies/production/", "pending")
    wait_for(lambda: _synced(shared_stack, "production"))


def test_an_error_has_no_data_for_the_drift_script(shared_stack: Stack, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """With a wrong token the script fails instead of finding no drift."""
    done = shared_stack.script("detect-drift.sh", tmp_path, KEEPTRUSTS_API_TOKEN="wrong")

    assert done.returncode != 0
    assert "OK" not in done.stdout


def test_every_path_answers_without_slash_and_without_redirect(shared_stack: Stack) -> None:
    """The admins' curl follows none."""
    paths = ["/healthz", "/readyz", "/v1/configurations", "/v1/git-repos", "/v1/tokens"]
    replies = {path: shared_stack.request("GET", path).status for path in [*paths, "/v1/whoami"]}

    assert set(replies.values()) == {200}


def _synced(stack: Stack, *ids: str) -> bool:
    return {row["id"] for row in stack.get("/v1/configurations")} >= set(ids)


def _lines(text: str, word: str) -> list[str]:
    return sorted(line for line in text.splitlines() if re.search(rf"\b{word}", line))
