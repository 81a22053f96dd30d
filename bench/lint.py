"""A bench of `kt policy lint`: its cost beside yamllint and check-jsonschema on the same files.

    python bench/lint.py [--rounds N] [--files N]

Installs this checkout and the two others into virtual environments of their own in a temporary
folder, then runs whole processes, all sides in turn, and prints medians of CPU time (user and
system, children included) and ratios. Wall time is not looked at: the machine may be busy.
Exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
PINS = ("yamllint==1.38.0", "check-jsonschema==0.39.0")

# The ratio to kt's cost that each side must reach at least.
ONE_FILE_TARGETS = {"yamllint": 2.0, "check-jsonschema": 5.0}
BATCH_TARGET = 10.0

_POLICY = """\
---
pack:
  name: bench-NUMBER
  version: 1.0.0
  enabled: true
  description: What a support desk may ask, and what it may be told.
policies:
  chain:
    - rbac
    - prompt-injection:
        when:
          path: /v1/chat
          header: {X-Team: support}
    - safety-filter
    - pii-detector
    - dlp-filter
    - agent-firewall
    - audit-logger
policy:
  rbac:
    deny_if_missing: [X-User-ID, X-Org-ID]
    require_auth: true
    roles:
      analyst: {allowed_tools: [search, summarize], denied_tools: [shell]}
      viewer: {allowed_tools: [search], denied_tools: []}
    data_access:
      analyst: {max_sensitivity: confidential}
      viewer: {max_sensitivity: public}
  prompt-injection:
    detection:
      attack_patterns:
        - 'ignore (all|any) previous instructions'
        - 'reveal the system prompt'
    encoding: {decode_base64: true, normalize_unicode: true}
    boundaries: {reject_fake_boundaries: true}
    response: {action: block, message: Ask the owner of this policy.}
  safety-filter:
    mode: critical_infrastructure
    block_if: [bypass the interlock, disable the alarm]
    action: block
  pii-detector:
    action: redact
    healthcare_mode: true
    pci_mode: true
    redaction:
      marker_format: label
      custom_markers: {ssn: "[SSN]", email: "[EMAIL]", phone: "[PHONE]"}
      preserve_length: false
  dlp-filter:
    blocked_terms:
      - project falcon
      - project heron
      - internal only
    action: block
    fuzzy_matching: false
  agent-firewall:
    allowed_tools: [search, summarize, "read_*"]
    blocked_tools: [read_secrets]
    max_tool_calls: 20
  audit-logger:
    immutable: true
    retention_days: 365
    log_all_access: true
providers:
  targets:
    - id: main
      provider: openai
      model: gpt-4o-mini
      base_url: https://api.example.com/v1
      secret_key_ref: {env: OPENAI_API_KEY}
      data_policy: {zero_data_retention: true, training_opt_out: true}
    - id: second
      provider: anthropic
      model: claude-*
      secret_key_ref: {env: ANTHROPIC_API_KEY}
      data_policy: {training_opt_out: true, retention_days: 30}
  routing: {strategy: ordered}
  fallback:
    triggers: [rate_limit, timeout]
    max_fallback_attempts: 1
global_rate_limit: {max_requests: 1000, window_seconds: 60}
user_rate_limit:
  max_requests: 30
  window_seconds: 60
  header_names: [x-user-id]
size_limits: {max_body_bytes: 1048576, max_response_bytes: 10485760}
testing:
  suites:
    - name: support
      cases:
        - name: an ordinary request passes
          input:
            headers: {X-User-ID: u-1, X-Org-ID: o-1}
            messages:
              - role: user
                content: Summarize this quarterly report.
          expected: {verdict: allow}
        - name: a caller without a name is refused
          input: {messages: [{role: user, content: Hello.}]}
          expected: {verdict: block}
"""

Command = Sequence[str]


def main() -> int:
    """Install, measure, print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="CPU of kt policy lint beside other linters")
    parser.add_argument("--rounds", type=int, default=15, help="for one file; default 15")
    parser.add_argument("--files", type=int, default=1000, help="in one process; default 1000")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-lint-") as folder:
        kt, others = _install(Path(folder))
        one = _write_files(Path(folder) / "one", 1)
        many = _write_files(Path(folder) / "many", options.files)
        schema = Path(folder) / "schema.json"
        schema.write_bytes(subprocess.check_output([kt / "kt", "policy", "schema"]))
        file = str(one / "0" / "policy-config.yaml")
        single = {
            "python -c pass": [str(kt / "python"), "-c", "pass"],
            "kt": [str(kt / "kt"), "policy", "lint", "--file", file],
            "yamllint": [str(others / "yamllint"), file],
            "check-jsonschema": [
                str(others / "check-jsonschema"),
                "--schemafile",
                str(schema),
                file,
            ],
        }
        batch = {
            "kt": [str(kt / "kt"), "policy", "lint", str(many)],
            "yamllint": [str(others / "yamllint"), str(many)],
        }
        met = _one_file(_measure(single, options.rounds))
        return int(not (_batch(_measure(batch, 3), options.files) and met))


def _install(folder: Path) -> tuple[Path, Path]:
    """The `bin` folders of two environments: kt's, and that of the others."""
    bins = []
    for name, wanted in (("kt", (_copy(folder),)), ("others", PINS)):
        venv.create(folder / name, with_pip=True)
        bins.append(folder / name / "bin")
        pip = [str(bins[-1] / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", *wanted], check=True)
    return bins[0], bins[1]


def _copy(folder: Path) -> str:
    """A copy to build from: a build leaves files behind, and not in the checkout."""
    source = folder / "source"
    shutil.copytree(ROOT / "kt", source / "kt")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    return str(source)


def _write_files(folder: Path, count: int) -> Path:
    for number in range(count):
        path = folder / str(number) / "policy-config.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(_policy(number))
    return folder


def _policy(number: int) -> str:
    """A policy of 100 lines that every side accepts, of the kind that people write."""
    return _POLICY.replace("NUMBER", str(number))


def _measure(sides: Mapping[str, Command], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each side; the sides take turns, the first round is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, command in sides.items():
            seconds = _cpu_seconds(name, command)
            if number:
                taken[name].append(seconds)
    return {name: median(seconds) for name, seconds in taken.items()}


def _cpu_seconds(name: str, command: Command) -> float:
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{name} ended with {child.returncode}: the comparison would be unfair")
    return usage.ru_utime + usage.ru_stime


def _one_file(seconds: Mapping[str, float]) -> bool:
    print("one file of 100 lines, one process")
    for name, taken in seconds.items():
        ratio = taken / seconds["python -c pass"]
        print(f"  {name:<18} {taken * 1000:7.1f} ms CPU  {ratio:5.1f} x python -c pass")
    verdicts = [
        _verdict(f"{name} ÷ kt", seconds[name] / seconds["kt"], least)
        for name, least in ONE_FILE_TARGETS.items()
    ]
    return all(verdicts)


def _batch(seconds: Mapping[str, float], files: int) -> bool:
    print(f"{files} files of 100 lines, one process")
    for name, taken in seconds.items():
        print(f"  {name:<18} {files / taken:7.0f} files per CPU second")
    return _verdict("kt ÷ yamllint", seconds["yamllint"] / seconds["kt"], BATCH_TARGET)


def _verdict(what: str, ratio: float, least: float) -> bool:
    met = ratio >= least
    print(f"  {what:<26} {ratio:5.1f}   at least {least:g}: {'met' if met else 'MISSED'}")
    return met


if __name__ == "__main__":
    sys.exit(main())
