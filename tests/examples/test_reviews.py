"""The comment that a pipeline posts about a change, and keeps up to date."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kt.cli.review.markdown import MARK
from tests.examples.conftest import SUPPORT_BOT, Propose
from tests.examples.pipelines import (
    BOTH,
    COMMENT,
    GITHUB,
    GITLAB,
    REACH,
    REVIEW,
    Pipeline,
    load,
    whole,
)
from tests.kt.cli.answering import Answers
from tests.support.repo import Repo

BOT = "policies/support-bot/policy-config.yaml"
WEAKER = {BOT: SUPPORT_BOT.replace("      - write a fake review\n", "      - tell a lie\n")}
THREAD = "/repos/org/policies/issues/7/comments"


@pytest.fixture
def answering() -> Iterator[Answers]:
    """A server in the place of the forge's API."""
    server = Answers()
    yield server
    server.close()


def _comment(answering: Answers, folder: Path) -> None:
    done = GITHUB.run(
        COMMENT, folder, RUNNER_TEMP=str(folder), GITHUB_API_URL=answering.url, NUMBER="7",
        GITHUB_REPOSITORY="org/policies", GITHUB_TOKEN="job",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _says(id_: int, sort: str, body: str) -> dict[str, object]:
    return {"id": id_, "user": {"type": sort}, "body": body}


def test_a_change_has_one_comment_that_is_kept_up_to_date(
    kt_on_path: None, propose: Propose, repo: Repo, tmp_path: Path, answering: Answers
) -> None:
    """Made at first, changed from then on; what others wrote stays."""
    before = propose(dict(WEAKER))
    done = GITHUB.run(REVIEW[GITHUB.file], repo.clone, BASE=before, RUNNER_TEMP=str(tmp_path))
    assert done.returncode == 0, done.stderr
    body = (tmp_path / "review.md").read_text()
    assert body.startswith(MARK)
    assert '"write a fake review" is dropped' in body

    others = [_says(1, "User", MARK), _says(2, "Bot", "Hello")]
    answering.says_whole(f"{THREAD}?per_page=100&page=1", others * 50)
    answering.says_whole(f"{THREAD}?per_page=100&page=2", others)
    answering.says_whole(f"POST {THREAD}", {}, 201)
    _comment(answering, tmp_path)
    answering.says_whole(
        f"{THREAD}?per_page=100&page=2", [*others, _says(9, "Bot", f"{MARK}\nold")]
    )
    answering.says_whole("/repos/org/policies/issues/comments/9", {})
    _comment(answering, tmp_path)

    asked = [(one.method, one.path, one.headers["authorization"]) for one in answering.written()]
    changed = "/repos/org/policies/issues/comments/9"
    assert asked == [("POST", THREAD, "Bearer job"), ("PATCH", changed, "Bearer job")]
    assert [one.body for one in answering.written()] == [{"body": body}] * 2


@pytest.mark.parametrize("pipeline", BOTH, ids=lambda one: one.file)
def test_where_a_control_plane_is_asked_a_review_says_whom_it_reaches(
    kt_on_path: None,
    propose: Propose,
    repo: Repo,
    tmp_path: Path,
    answering: Answers,
    pipeline: Pipeline,
) -> None:
    """By the job that has a token for it; the one that comments takes what that one wrote."""
    row = {"id": "support-bot", "git_repo": "a-link"}
    answering.says("/v1/configurations", [row])
    answering.says("/v1/drift", [{"configuration": "support-bot", "gateway": "desk-1"}])
    before = propose(dict(WEAKER))
    names = {pipeline.base_variable: before, "RUNNER_TEMP": str(tmp_path)}
    asking = {"KEEPTRUSTS_API_URL": answering.url, "KEEPTRUSTS_API_TOKEN": "job"}

    done = pipeline.run(REACH[pipeline.file], repo.clone, **names, **asking)

    assert done.returncode == 0, done.stderr
    file = (tmp_path if pipeline is GITHUB else repo.clone) / _NAMES[pipeline.file]
    said = file.read_text()
    assert said.startswith(MARK)
    assert '"write a fake review" is dropped' in said
    assert "a-link" in said and "desk-1" in said
    if pipeline is GITHUB:
        done = GITHUB.run(REVIEW[GITHUB.file], repo.clone, **names)
        assert (done.returncode, file.read_text()) == (0, said)


_NAMES = {GITHUB.file: "review.md", GITLAB.file: "policy-review.md"}


def test_a_review_is_made_once() -> None:
    """By one job of GitLab, and what GitHub's uploads is what it takes."""
    jobs = load(GITLAB.file)
    assert jobs["review"]["rules"][0] == {"if": "$KEEPTRUSTS_API_URL", "when": "never"}
    assert jobs[REACH[GITLAB.file]]["extends"] == [".review", ".control-plane"]
    assert "id_tokens" not in jobs[".review"] | jobs["review"]
    steps = {name: job["steps"] for name, job in load(GITHUB.file)["jobs"].items()}
    [up] = [one for one in steps["control-plane"] if "upload-artifact" in one.get("uses", "")]
    [down] = [one for one in steps["review"] if "download-artifact" in one.get("uses", "")]
    assert up["with"]["name"] == down["with"]["name"]
    assert up["with"]["path"] == f"{down['with']['path']}/{_NAMES[GITHUB.file]}"


def test_a_merge_request_leads_to_its_review(
    kt_on_path: None, propose: Propose, repo: Repo
) -> None:
    """As an artifact that is kept where lint fails, too."""
    before = propose({BOT: "pack: ["})
    name = GITLAB.base_variable
    done = GITLAB.run(REVIEW[GITLAB.file], repo.clone, **{name: before})

    assert done.returncode == 0, done.stderr
    artifacts = whole(load(GITLAB.file))["review"]["artifacts"]
    assert artifacts["expose_as"]
    assert (repo.clone / artifacts["paths"][0]).read_text().startswith(MARK)


def test_only_the_job_that_comments_may() -> None:
    """No other has the permission, and none of a fork."""
    jobs = load(GITHUB.file)["jobs"]
    writing = [name for name, job in jobs.items() if "pull-requests" in json.dumps(job)]

    assert writing == ["review"]
    assert "head.repo.fork" in jobs["review"]["if"]
    assert "id-token" not in jobs["review"]["permissions"]
