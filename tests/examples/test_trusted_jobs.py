"""The jobs of the example pipelines that ask a control plane, by a token that they ask for."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import PAYMENT_DESK, SUPPORT_BOT
from tests.examples.pipelines import (
    ASK,
    BOTH,
    CI,
    GITHUB,
    GITLAB,
    IN_FORCE,
    VALIDATE,
    Pipeline,
    load,
)
from tests.support.issuer import Issuer, github_claims, gitlab_claims
from tests.support.repo import Repo
from tests.support.stack import Stack, wait_for

each_pipeline = pytest.mark.parametrize("pipeline", BOTH, ids=lambda pipeline: pipeline.file)
# The stack is shared, and another test's link may feed the examples' own ids.
IDS = {"support-bot": "a-jobs-bot", "payment-desk": "a-jobs-desk"}
FILES = {
    f"policies/{new}/policy-config.yaml": content.replace(f"id: {old}", f"id: {new}")
    for (old, new), content in zip(IDS.items(), (SUPPORT_BOT, PAYMENT_DESK), strict=True)
}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer in the place of the forge's."""
    with Issuer("RSA") as running:
        yield running


class Job:
    """A job of a pipeline, of a trust that is as the docs make one."""

    def __init__(self, pipeline: Pipeline, stack: Stack, issuer: Issuer, repo: Repo) -> None:
        self._pipeline, self._stack, self._issuer, self._repo = pipeline, stack, issuer, repo
        self._source = {"repository_id": "74"} if pipeline is GITHUB else {"project_id": "20"}
        body = {
            "name": pipeline.file, "issuer": issuer.url, "audience": stack.url,
            "environment": "policies", **self._source,
            "sight": {"ids": list(IDS.values())},
        }  # fmt: skip
        made = stack.request("POST", "/v1/trusts", body)
        assert made.status == 201, made.body
        self.trust: dict[str, Any] = made.data
        self._token = ""

    def of(self, folder: Path, **claims: Any) -> "subprocess.CompletedProcess[str] | None":
        """Begin: the forge gives a token, or the first step asks for one."""
        if self._pipeline is GITLAB:
            fields = {"environment": "policies", "aud": self._stack.url, **claims}
            self._token = self._issuer.token(gitlab_claims(self._issuer.url, **fields))
            return None
        self._issuer.job = lambda url, **asked: github_claims(
            url, **{"environment": "policies", **claims, **asked}
        )
        (folder / "env").unlink(missing_ok=True)
        done = self._pipeline.run(
            ASK,
            self._repo.clone,
            KEEPTRUSTS_API_URL=self._stack.url,
            ACTIONS_ID_TOKEN_REQUEST_URL=f"{self._issuer.url}/token?api-version=2.0",
            ACTIONS_ID_TOKEN_REQUEST_TOKEN="of-the-job",
            GITHUB_ENV=str(folder / "env"),
        )
        assert done.returncode == 0, done.stderr
        self._token = (folder / "env").read_text().strip().partition("KEEPTRUSTS_API_TOKEN=")[2]
        return done

    def run(self, what: str) -> "subprocess.CompletedProcess[str]":
        """Run a script with what the job has."""
        return self._pipeline.run(
            what, self._repo.clone,
            KEEPTRUSTS_API_URL=self._stack.url, KEEPTRUSTS_API_TOKEN=self._token,
        )  # fmt: skip


@pytest.fixture
def job(
    pipeline: Pipeline, shared_stack: Stack, issuer: Issuer, repo: Repo, kt_on_path: None
) -> Iterator[Job]:
    """A job whose repository is linked and in force."""
    repo.commit(FILES)
    link = shared_stack.link(repo.url, path="policies/")
    wait_for(lambda: shared_stack.get(f"/v1/git-repos/{link['id']}")["last_synced_at"], seconds=60)
    made = Job(pipeline, shared_stack, issuer, repo)
    yield made
    shared_stack.request("DELETE", f"/v1/trusts/{made.trust['id']}")
    shared_stack.request("DELETE", f"/v1/git-repos/{link['id']}")


@each_pipeline
def test_a_job_validates_and_sees_what_is_in_force(
    job: Job, tmp_path: Path, pipeline: Pipeline
) -> None:
    """Without a secret anywhere: for a pull request, and for what was merged."""
    of_a_change = (
        {"ref": "refs/pull/1/merge", "event_name": "pull_request"}
        if pipeline is GITHUB
        else {"ref_path": "refs/heads/change", "pipeline_source": "merge_request_event"}
    )
    asked = job.of(tmp_path, **of_a_change)
    validated = job.run(VALIDATE[pipeline.file])
    job.of(tmp_path)
    in_force = job.run(IN_FORCE[pipeline.file])

    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert validated.stdout.count("is valid") == 2
    assert in_force.returncode == 0, in_force.stdout + in_force.stderr
    # What a job prints is hidden once its token is masked.
    assert asked is None or asked.stdout.startswith("::add-mask::ey")
    assert asked is None or len(asked.stdout.splitlines()) == 1


@each_pipeline
def test_a_bad_policy_fails_the_job(
    job: Job, repo: Repo, tmp_path: Path, pipeline: Pipeline
) -> None:
    """With what the control plane found."""
    repo.write("policies/new/policy-config.yaml", "pack: {name: new}\npolicies: {chain: [x]}\n")
    job.of(tmp_path)

    done = job.run(VALIDATE[pipeline.file])

    assert done.returncode == 1
    assert "policies/new/policy-config.yaml {" in done.stdout


@each_pipeline
def test_a_job_of_another_place_is_refused(job: Job, tmp_path: Path, pipeline: Pipeline) -> None:
    """Another environment, or another repository's with the same names."""
    name = "repository_id" if pipeline is GITHUB else "project_id"
    for claims in ({"environment": "other"}, {"environment": None}, {name: "99"}):
        job.of(tmp_path, **claims)
        done = job.run(VALIDATE[pipeline.file])
        assert (done.returncode, "401" in done.stderr) == (1, True)


def test_no_job_has_a_stored_secret() -> None:
    """Neither pipeline names one; each job's own token is for the control plane alone."""
    for one in BOTH:
        assert "secrets." not in (CI / one.file).read_text()
    github, gitlab = load(GITHUB.file), load(GITLAB.file)
    asking = github["jobs"]["control-plane"]
    assert asking["permissions"] == {"contents": "read", "id-token": "write"}
    assert "id-token" not in {
        **github["permissions"],
        **github["jobs"]["policies"].get("permissions", {}),
    }
    assert ".fork" in asking["if"]
    given = {
        name for name, found in gitlab.items() if isinstance(found, dict) and "id_tokens" in found
    }
    assert given == {".control-plane"}
    assert gitlab[".control-plane"]["id_tokens"] == {
        "KEEPTRUSTS_API_TOKEN": {"aud": "$KEEPTRUSTS_API_URL"}
    }
