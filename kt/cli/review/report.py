"""The output of `kt policy review` for programs: JSON, and SARIF."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from kt.cli.formats import Context, Result, repository_root
from kt.cli.review import markdown
from kt.cli.review.change import Reviewed
from kt.policy.findings import Finding, Severity
from kt.policy.mutants.pasting import pasted
from kt.policy.mutants.survivors import survivor, words
from kt.policy.report import Report
from kt.policy.yaml.document import read
from kt.policy.yaml.places import nearest_place, places


def _json(reviewed: Sequence[Reviewed]) -> str:
    rows = [_row(one) for one in reviewed]
    return json.dumps({"policies": rows}, indent=2) + "\n"


def _row(one: Reviewed) -> dict[str, Any]:
    before, after = one.before, one.after
    return {
        "file": one.file,
        "configuration": one.configuration or None,
        "state": "deleted" if after is None else "new" if before is None else "changed",
        "moved_from": one.moved_from or None,
        "rename": one.rename or None,
        "changes": [asdict(change) for change in one.changes],
        "findings": [asdict(finding) for finding in one.findings],
        "failed": [f"{case.suite}: {case.name}" for case in one.failed],
        "problem": after.problem or None if after else None,
        "gone": list(one.gone),
        "idle": list(one.idle),
        "coverage": {name: side.coverage.percent if side and side.coverage else None
                     for name, side in (("before", before), ("after", after))},
        "killed": {name: side.mutation.percent if side and side.mutation else None
                   for name, side in (("before", before), ("after", after))},
        "uncovered": [
            {"line": point.line, "column": point.column, "message": point.words}
            for point in one.uncovered
        ],
        "survivors": [
            {
                "line": found.tried.line,
                "column": found.tried.column,
                "message": words(found.tried),
                "noticed_before_by": found.killer or None,
                "case": pasted(found.tried.proposal) if found.tried.proposal else None,
            }
            for found in one.survivors
        ],
        "reach": one.reach and one.reach._asdict(),
    }  # fmt: skip


def _sarif(reviewed: Sequence[Reviewed]) -> str:
    from kt.cli.formats.sarif import render

    results = [Result(one.file, b"", Report(tuple(_findings(one)), None, ())) for one in reviewed]
    context = Context(root=repository_root(), tool="kt policy review", notes=("stronger", "other"))
    return render(results, context)


def _findings(one: Reviewed) -> Iterator[Finding]:
    if one.after is None:
        yield Finding("weaker", "warning", "", "the policy is deleted", "", 1, 1)
        return
    yield from one.findings
    known = dict(places(read(one.after.data).root))
    for change in one.changes:
        severity: Severity = "warning"
        node = known.get(nearest_place(change.path, known))
        at = (node.line, node.column) if node is not None else (1, 1)
        yield Finding(change.effect, severity, change.path, change.message, "", *at)
    for case in one.failed:
        name = f"{case.suite}: {case.name}"
        yield Finding("case_failed", "error", name, f"{name} does not pass", "", 1, 1)
    if one.after.problem:
        yield Finding("bad_tests", "error", "", one.after.problem, "", 1, 1)
    for found in one.survivors:
        yield survivor(found.tried)


RENDERERS: MappingProxyType[str, Callable[[Sequence[Reviewed]], str]] = MappingProxyType(
    {"markdown": markdown.render, "json": _json, "sarif": _sarif}
)
"""Format name → function that renders it."""
