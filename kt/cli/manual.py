"""The manual of all lint rules as a Markdown page, made of their docstrings."""

from __future__ import annotations

import re

from kt.policy.rules.base import CATALOGUE, Rule

_HEAD = """\
# Lint codes

What `kt policy lint` says, by code. A code keeps its meaning for ever. E codes are errors and
stop a policy from being published; W codes are warnings, and `--strict` turns them into errors.
`kt policy explain CODE` prints the same page in a terminal. A comment with a reason,
`# kt: allow CODE because REASON`, suppresses a warning in its line or the next ([W015](#w015)).

This page is made of the rules' docstrings; `kt policy explain --all` prints it.
"""


def manual() -> str:
    """The page, ending in a line break. All rules must have been imported before."""
    rules = [CATALOGUE[code] for code in sorted(CATALOGUE)]
    rows = [f"| [{rule.code}](#{rule.code.lower()}) | {rule.title()} |" for rule in rules]
    table = "\n".join(["| code | what it says |", "|---|---|", *rows])
    return "\n".join([_HEAD, table, "", *(_section(rule) for rule in rules)]).rstrip("\n") + "\n"


def _section(rule: type[Rule]) -> str:
    return f"## {rule.code}\n\n{_fenced(rule.page())}\n"


def _fenced(page: str) -> str:
    """The page with its indented pieces as fenced YAML."""
    return re.sub(
        r"(?:^    .*\n?|^\n(?=    ))+",
        lambda match: "\n```yaml\n" + _outdent(match.group()) + "```\n",
        page,
        flags=re.M,
    ).rstrip("\n")


def _outdent(piece: str) -> str:
    lines = piece.strip("\n").split("\n")
    return "".join(line.removeprefix("    ") + "\n" for line in lines)
