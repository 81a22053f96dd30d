"""Tests of a policy that need a model, in files that a link feeds: not run, and said so."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.repo import Repo, policy
from tests.support.syncing import files, get, link, poll, run_due, shown

pytestmark = [pytest.mark.django_db(transaction=True)]

BOT = "bot/policy-config.yaml"
ASKING = (
    policy("One")
    + """\
    - classifier
policy: {classifier: {model: guard, stage: pre-request}}
testing:
  require_model_cases: %s
  suites:
    - name: Model
      cases:
        - name: asks
          input: {messages: [{role: user, content: Hello}]}
          expected: {verdict: allow}
"""
)


def warned(row: dict[str, Any]) -> tuple[str, str]:
    """Whether a link has a warning, and its reason."""
    (found,) = [one for one in row["conditions"] if one["type"] == "Warning"]
    return found["status"], found["reason"]


def test_a_case_that_needs_a_model_is_a_warning_on_file_and_link(
    admin: APIClient, repo: Repo
) -> None:
    """What it feeds is in force; the warning ends with the case."""
    repo.commit({BOT: ASKING % "false"})
    row = link(admin, repo.url)
    run_due()

    file = files(admin, row)[BOT]
    told = [(one["code"], one["severity"]) for one in file["findings"]]
    assert (file["outcome"], told) == ("synced", [("case_not_run", "warning")])
    assert warned(shown(admin, row)) == ("True", "CasesNotRun")
    assert [one["id"] for one in get(admin, "/v1/git-repos?warning=true")] == [row["id"]]

    repo.commit({"more.txt": "x"})
    poll()
    assert warned(shown(admin, row)) == ("True", "CasesNotRun")

    repo.commit({BOT: policy("Two")})
    poll()
    assert warned(shown(admin, row))[0] == "False"
    assert get(admin, "/v1/git-repos?warning=true") == []


def test_a_case_that_must_have_its_model_is_an_error(admin: APIClient, repo: Repo) -> None:
    """`require_model_cases` quarantines the file."""
    repo.commit({BOT: ASKING % "true"})
    row = link(admin, repo.url)
    run_due()

    file = files(admin, row)[BOT]
    told = [(one["code"], one["severity"]) for one in file["findings"]]
    assert (file["outcome"], told) == ("quarantined", [("case_not_run", "error")])
