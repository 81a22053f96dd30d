"""The example pipelines, read from their files, and their scripts run as a runner runs them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.stack import ROOT

CI = ROOT / "examples" / "ci"


class Pipeline(NamedTuple):
    """A pipeline's file, its scripts by what they do, and the variable of the commit before."""

    file: str
    scripts: Mapping[str, str]
    base_variable: str
    environment: Mapping[str, str]

    def run(self, what: str, at: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one script in `at`, with bash and the options that the runner gives it."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.scripts[what]],
            cwd=at,
            env={"PATH": os.environ["PATH"], **self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )


def load(file: str) -> Any:
    """A pipeline's file as plain values."""
    return yaml.safe_load((CI / file).read_text())


def whole(file: Mapping[str, Any]) -> dict[str, Any]:
    """GitLab's jobs with what they extend."""
    found = dict(file)
    for name, job in file.items():
        above = job.get("extends", []) if isinstance(job, dict) else []
        for one in [above] if isinstance(above, str) else above:
            found[name] = {**file[one], **found[name]}
    return found


def _github() -> Pipeline:
    jobs = load("github-actions.yml")["jobs"].values()
    steps = [step for job in jobs for step in job["steps"] if "run" in step]
    scripts = {step["name"]: step["run"] for step in steps}
    assert all(scripts[step["name"]] == step["run"] for step in steps)  # Install kt, in each job.
    return Pipeline("github-actions.yml", scripts, "BASE", {"GITHUB_ACTIONS": "true"})


def _gitlab() -> Pipeline:
    file = whole(load("gitlab-ci.yml"))
    scripts = {"install": "\n".join(file["default"]["before_script"])}
    for name, job in file.items():
        if isinstance(job, dict) and "script" in job and not name.startswith("."):
            scripts[name] = "\n".join(job["script"])
    return Pipeline("gitlab-ci.yml", scripts, "CI_MERGE_REQUEST_DIFF_BASE_SHA", {"CI": "true"})


GITHUB, GITLAB = _github(), _gitlab()
BOTH = (GITHUB, GITLAB)

# What each pipeline calls its checks, in the order: what changed, everything, tests, gate.
CHECKS = {
    GITHUB.file: (
        "Lint what changed",
        "Lint everything",
        "Run the policies' own tests",
        "Gate what gets weaker",
    ),
    GITLAB.file: ("lint-changed", "lint-everything", "policy-tests", "weaker"),
}
INSTALL = {GITHUB.file: "Install kt", GITLAB.file: "install"}
# What asks the control plane, and how a job gets its token where a step does it.
VALIDATE = {
    GITHUB.file: "Validate by the control plane",
    GITLAB.file: "validate-by-the-control-plane",
}
IN_FORCE = {GITHUB.file: "Wait until it is in force", GITLAB.file: "in-force"}
ASK = "Ask for a token"
REVIEW = {GITHUB.file: "Review what changed", GITLAB.file: "review"}
REACH = {GITHUB.file: "Review with whom it reaches", GITLAB.file: "review-by-the-control-plane"}
COMMENT = "Comment"
GATEWAY = {GITHUB.file: "Ask a gateway", GITLAB.file: "gateway"}
