"""The output of `kt policy mutate`: for people, as JSON, and SARIF."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from kt.cli.formats import Context, Result, repository_root
from kt.policy.findings import Finding
from kt.policy.mutants.measure import Mutation, Tried
from kt.policy.mutants.pasting import pasted
from kt.policy.mutants.survivors import advice, survivor, words
from kt.policy.report import Report


class Mutated(NamedTuple):
    """A policy file and what became of its mutants, or the problem for which none was tried."""

    file: str
    found: Mutation | None = None
    problem: str = ""


def _text(mutated: Sequence[Mutated]) -> str:
    return "".join(f"{line}\n" for one in mutated for line in _lines(one))


def _lines(one: Mutated) -> Iterator[str]:
    if one.found is None:
        yield f"{one.file}: not tried: {one.problem}"
        return
    found = one.found
    killed, survived = len(found.of("killed")), len(found.of("survived"))
    counts = f"{found.percent} % killed, {killed} of {killed + survived}"
    more = [
        f"{len(found.of(fate))} {fate}" for fate in ("equivalent", "undecided") if found.of(fate)
    ]
    yield "; ".join([f"{one.file}: {counts}", *more])
    for tried in found.tried:
        if tried.fate in ("survived", "undecided"):
            yield from _tried_lines(tried)


def _tried_lines(tried: Tried) -> Iterator[str]:
    yield f"  {tried.line}:{tried.column}  {tried.fate}: {words(tried)}"
    if tried.proposal is not None:
        yield f"    {advice(tried)}"
        yield from pasted(tried.proposal, indent=6).splitlines()


def _json(mutated: Sequence[Mutated]) -> str:
    files = [_file(one) for one in mutated]
    return json.dumps({"files": files}, indent=2) + "\n"


def _file(one: Mutated) -> dict[str, Any]:
    if one.found is None:
        return {"file": one.file, "error": one.problem}
    found = one.found
    counts = {fate: sum(tried.fate == fate for tried in found.tried)
              for fate in ("killed", "survived", "equivalent", "undecided")}  # fmt: skip
    rows = [_row(tried) for tried in found.tried]
    return {"file": one.file, "percent": found.percent, **counts, "mutants": rows}


def _row(tried: Tried) -> dict[str, Any]:
    mutant, proposal = tried.mutant, tried.proposal
    case = None
    if proposal is not None:
        expected = {"verdict": proposal.verdict, "reason_code": proposal.reason_code}
        case = {"name": proposal.name, "input": proposal.given, "expected": expected}
    return {
        "operator": mutant.operator,
        "path": mutant.path,
        "message": mutant.words,
        "line": tried.line,
        "column": tried.column,
        "fate": tried.fate,
        "killer": tried.killer or None,
        "case": case,
        "target": proposal and proposal.target,
    }


def _sarif(mutated: Sequence[Mutated]) -> str:
    from kt.cli.formats.sarif import render

    results = [Result(one.file, b"", Report(tuple(_findings(one)), None, ())) for one in mutated]
    return render(results, Context(root=repository_root(), tool="kt policy mutate"))


def _findings(one: Mutated) -> Iterator[Finding]:
    if one.found is None:
        yield Finding("not_tried", "error", "", one.problem, "", 1, 1)
        return
    for tried in one.found.of("survived"):
        yield survivor(tried)


RENDERERS: MappingProxyType[str, Callable[[Sequence[Mutated]], str]] = MappingProxyType(
    {"text": _text, "json": _json, "sarif": _sarif}
)
"""Format name → function that renders it."""
