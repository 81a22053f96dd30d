"""The comment that a pipeline posts about a change, and keeps up to date."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kt.cli.review.markdown import MARK
from tests.examples.conftest import SUPPORT_BOT, Propose
from tests.examples.pipelines import COMMENT, GITHUB, GITLAB, REVIEW, load
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


def test_a_merge_request_leads_to_its_review(
    kt_on_path: None, propose: Propose, repo: Repo
) -> None:
    """As an artifact that is kept where lint fails, too."""
    before = propose({BOT: "pack: ["})
    name = GITLAB.base_variable
    done = GITLAB.run(REVIEW[GITLAB.file], repo.clone, **{name: before})

    assert done.returncode == 0, done.stderr
    artifacts = load(GITLAB.file)["review"]["artifacts"]
    assert artifacts["expose_as"]
    assert (repo.clone / artifacts["paths"][0]).read_text().startswith(MARK)


def test_only_the_job_that_comments_may() -> None:
    """No other has the permission, and none of a fork."""
    jobs = load(GITHUB.file)["jobs"]
    writing = [name for name, job in jobs.items() if "pull-requests" in json.dumps(job)]

    assert writing == ["review"]
    assert "head.repo.fork" in jobs["review"]["if"]
    assert "id-token" not in jobs["review"]["permissions"]
