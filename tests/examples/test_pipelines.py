"""The example pipelines, script by script, on changes as a pull request brings them."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from kt.cli.main import COMMANDS
from tests.examples.conftest import PAYMENT_DESK, SUPPORT_BOT, Propose
from tests.examples.installed import Installed
from tests.examples.pipelines import (
    ASK,
    BOTH,
    CHECKS,
    CI,
    COMMENT,
    GATEWAY,
    GITHUB,
    GITLAB,
    IN_FORCE,
    INSTALL,
    REACH,
    REVIEW,
    VALIDATE,
    Pipeline,
)
from tests.support.repo import Repo
from tests.support.stack import free_port

BOT = "policies/support-bot/policy-config.yaml"
DESK = "policies/payment-desk/policy-config.yaml"
NEW = "policies/new/policy-config.yaml"

each_pipeline = pytest.mark.parametrize("pipeline", BOTH, ids=lambda pipeline: pipeline.file)


def _new(chain: str) -> str:
    return (
        "pack: {name: new, version: 1.0.0, enabled: true}\n"
        f"policies: {{chain: [{chain}]}}\n"
        "testing: {suites: [{name: s, cases: [{name: c, input: {messages: "
        "[{role: user, content: Hello.}]}, expected: {verdict: allow}}]}]}\n"
    )


# What a change is, what it does, and how each check ends: what changed, everything, tests, gate.
CHANGES = [
    ("nothing", {}, (0, 0, 0, 0)),
    ("a good policy is new", {NEW: _new("safety-filter")}, (0, 0, 0, 0)),
    ("a bad policy is new", {NEW: _new("safety-filtre")}, (1, 1, 2, 0)),
    (
        "a good policy gets bad",
        {BOT: SUPPORT_BOT.replace("- safety-filter", "- safety-filtre")},
        (1, 1, 2, 2),
    ),
    ("a policy is deleted", {DESK: None}, (0, 0, 0, 1)),
    ("every policy is deleted", {DESK: None, BOT: None}, (0, 2, 2, 1)),
    ("a policy is no YAML", {NEW: "\tA policy, some day: {\n"}, (1, 1, 2, 0)),
    ("a policy is no text", {NEW: b"\x89PNG\r\n\x1a\n\0\xff"}, (1, 1, 2, 0)),
    (
        "what is no policy",
        {"policies/logo.png": b"\xff\0", "policies/new/notes.yaml": "a: [", "README.md": None},
        (0, 0, 0, 0),
    ),
    (
        "a good policy in a path with spaces, quotes and a line's end",
        {'policies/it\'s "a\nnew" one/policy-config.yaml': _new("safety-filter")},
        (0, 0, 0, 0),
    ),
    (
        "a bad policy in a path with spaces",
        {"policies/a new one/policy-config.yaml": _new("safety-filtre")},
        (1, 1, 2, 0),
    ),
    ("a policy gets weaker", {DESK: PAYMENT_DESK.replace("block\n", "redact\n", 1)}, (0, 0, 1, 1)),
    (
        "a limit gets lower",
        {BOT: SUPPORT_BOT.replace("max_requests: 30", "max_requests: 10")},
        (0, 0, 0, 0),
    ),
    (
        "a policy is switched off",
        {BOT: SUPPORT_BOT.replace("enabled: true", "enabled: false")},
        (0, 0, 1, 1),
    ),
    (
        "a policy moves",
        {BOT: None, NEW: SUPPORT_BOT.replace("  id: support-bot\n", "")},
        (0, 0, 0, 1),
    ),
]


# The other pipeline runs the same commands; what differs is how it names files and stops.
SHORT = (
    "nothing",
    "a good policy gets bad",
    "every policy is deleted",
    "a policy is no text",
    "a good policy in a path with spaces, quotes and a line's end",
    "a bad policy in a path with spaces",
    "a policy gets weaker",
)


@pytest.mark.parametrize(
    ("pipeline", "files", "codes"),
    [
        pytest.param(pipeline, files, codes, id=f"{name}-{pipeline.file}")
        for name, files, codes in CHANGES
        for pipeline in (BOTH if name in SHORT else [GITHUB])
    ],
)
def test_a_check_ends_as_the_change_deserves(
    kt_on_path: None,
    propose: Propose,
    repo: Repo,
    tmp_path: Path,
    pipeline: Pipeline,
    files: dict[str, str | bytes | None],
    codes: tuple[int, ...],
) -> None:
    """0 good, 1 found something, 2 could not do its work."""
    assert ends(pipeline, repo, tmp_path, propose(files)) == codes


@pytest.mark.soak
@each_pipeline
@pytest.mark.parametrize(
    ("files", "codes"), [change[1:] for change in CHANGES], ids=[change[0] for change in CHANGES]
)
def test_a_check_ends_alike_with_the_kt_that_the_pipeline_installs(
    installed: Installed,
    monkeypatch: pytest.MonkeyPatch,
    propose: Propose,
    repo: Repo,
    tmp_path: Path,
    pipeline: Pipeline,
    files: dict[str, str | bytes | None],
    codes: tuple[int, ...],
) -> None:
    """Built from the sources as they stand, alone on the PATH."""
    monkeypatch.setenv("PATH", f"{installed.bin}:/usr/local/bin:/usr/bin:/bin")

    assert ends(pipeline, repo, tmp_path, propose(files)) == codes


def ends(pipeline: Pipeline, repo: Repo, folder: Path, before: str) -> tuple[int, ...]:
    """The exit codes of all checks of a change; what they said is printed."""
    environment = {pipeline.base_variable: before, "RUNNER_TEMP": str(folder)}
    done = [pipeline.run(check, repo.clone, **environment) for check in CHECKS[pipeline.file]]
    print(*(one.stdout + one.stderr for one in done), sep="\n")
    return tuple(one.returncode for one in done)


def test_github_shows_a_finding_at_its_line(
    kt_on_path: None, propose: Propose, repo: Repo, tmp_path: Path
) -> None:
    """The check of what changed says it as an annotation."""
    before = propose({NEW: _new("safety-filtre")})
    done = GITHUB.run("Lint what changed", repo.clone, BASE=before, RUNNER_TEMP=str(tmp_path))

    assert f"::error file={NEW},line=2," in done.stdout


@each_pipeline
def test_reports_are_written_for_a_bad_change(
    kt_on_path: None, propose: Propose, repo: Repo, tmp_path: Path, pipeline: Pipeline
) -> None:
    """Uploading comes after failing, and finds its file."""
    propose({NEW: _new("human-oversight")})
    folder = tmp_path if pipeline is GITHUB else repo.clone
    report = "lint.sarif" if pipeline is GITHUB else "gl-code-quality-report.json"
    _changed, everything, *_ = CHECKS[pipeline.file]
    pipeline.run(everything, repo.clone, RUNNER_TEMP=str(tmp_path))

    assert NEW in json.dumps(json.loads((folder / report).read_text()))


@each_pipeline
def test_a_failing_test_is_in_the_report_and_in_the_log(
    kt_on_path: None, propose: Propose, repo: Repo, tmp_path: Path, pipeline: Pipeline
) -> None:
    """Both name the case."""
    propose({NEW: _new("safety-filter").replace("verdict: allow", "verdict: block")})
    _changed, _everything, tests, _gate = CHECKS[pipeline.file]
    done = pipeline.run(tests, repo.clone, RUNNER_TEMP=str(tmp_path))
    folder = tmp_path if pipeline is GITHUB else repo.clone
    root = ElementTree.parse(folder / "policy-tests.xml").getroot()

    assert [case.get("name") for case in root.iter("testcase") if len(case)] == ["c"]
    assert "expected block" in done.stdout


@each_pipeline
def test_the_gate_says_what_gets_weaker(
    kt_on_path: None, propose: Propose, repo: Repo, tmp_path: Path, pipeline: Pipeline
) -> None:
    """In the words of `kt policy diff`, below the file's name."""
    before = propose({BOT: SUPPORT_BOT.replace("    - pii-detector\n", ""), DESK: None})
    *_, gate = CHECKS[pipeline.file]
    environment = {pipeline.base_variable: before, "RUNNER_TEMP": str(tmp_path)}
    done = pipeline.run(gate, repo.clone, **environment)

    assert f"{DESK}\n- weaker    the policy is deleted\n{BOT}\n" in done.stdout
    assert "- weaker    policies.chain: pii-detector no longer runs\n" in done.stdout


@each_pipeline
def test_no_script_is_left_out_here(pipeline: Pipeline) -> None:
    """What a pipeline runs is a check, the installing, the gateway or asks the control plane."""
    known = {*CHECKS[pipeline.file], INSTALL[pipeline.file], GATEWAY[pipeline.file]}
    asking = {VALIDATE[pipeline.file], IN_FORCE[pipeline.file]}
    asking |= {REVIEW[pipeline.file], REACH[pipeline.file]}

    assert set(pipeline.scripts) - {ASK, COMMENT} == known | asking


@each_pipeline
def test_every_command_of_a_pipeline_exists(pipeline: Pipeline) -> None:
    """As `kt` itself lists them; the gateway's is started by the next test."""
    text = "\n".join(pipeline.scripts.values())
    used = {tuple(words.split()) for words in re.findall(r"\bkt ([a-z]+ [a-z]+)", text)}

    assert used - {("gateway", "run")} <= {command.words for command in COMMANDS}


@each_pipeline
def test_the_gateway_answers_as_the_policy_says(
    kt_on_path: None, propose: Propose, repo: Repo, pipeline: Pipeline
) -> None:
    """Started, asked and stopped by the script as it stands, on a port that is free here."""
    pytest.importorskip("kt.cli.gateway.command")
    propose({})
    name = GATEWAY[pipeline.file]
    script = pipeline.scripts[name].replace("41099", str(free_port()))
    moved = pipeline._replace(scripts={name: script})
    done = moved.run(name, repo.clone, KEEPTRUSTS_MOCK_UPSTREAM="1", HOME=os.environ["HOME"])

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("names", [GATEWAY, VALIDATE, IN_FORCE])
def test_both_pipelines_ask_the_same(names: dict[str, str]) -> None:
    """One text, so that a fix in one is a fix in both."""
    github, gitlab = (one.scripts[names[one.file]].rstrip() for one in (GITHUB, GITLAB))

    assert github == gitlab


def test_no_pipeline_names_a_registry() -> None:
    """Where kt comes from is a variable, everything else is the platform's own."""
    text = "".join((CI / one.file).read_text() for one in BOTH)

    assert re.findall(r"https?://(?!localhost)(?!host/)\S+", text) == []
