"""The coverage of policies' tests: for people, as JSON, and as LCOV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

from kt.cli.formats import relative, repository_root
from kt.cli.testreport import Tested
from kt.policy.coverage.measure import Coverage
from kt.policy.coverage.points import SORTS, Point

_PLURALS = MappingProxyType({"entry": "entries"})


def _text(tested: Sequence[Tested]) -> str:
    lines = [line for file, coverage in measured(tested) for line in _lines(file, coverage)]
    return "".join(f"{line}\n" for line in lines)


def measured(tested: Sequence[Tested]) -> Iterator[tuple[str, Coverage]]:
    """The files whose coverage was measured."""
    for one in tested:
        if one.coverage is not None:
            yield one.file, one.coverage


def _lines(file: str, coverage: Coverage) -> Iterator[str]:
    total = len(coverage.points)
    yield f"{file}: {coverage.percent} % covered, {coverage.count} of {total}"
    missed = coverage.missed
    for sort in SORTS:
        all_of = [point for point in coverage.points if point.reach.sort == sort]
        left = sum(point.reach.sort == sort for point in missed)
        if all_of:
            name = _PLURALS.get(sort, f"{sort}s")
            yield f"  {name:<11} {len(all_of) - left} of {len(all_of)}"
    for point in sorted(missed, key=lambda point: (point.line, point.column)):
        yield f"  {point.line}:{point.column}  not reached: {point.words}"


def _json(tested: Sequence[Tested]) -> str:
    files = [
        {
            "file": file,
            "percent": coverage.percent,
            "reached": coverage.count,
            "total": len(coverage.points),
            "points": [_row(point, coverage) for point in coverage.points],
        }
        for file, coverage in measured(tested)
    ]
    return json.dumps({"files": files}, indent=2) + "\n"


def _row(point: Point, coverage: Coverage) -> dict[str, Any]:
    sort, path, name = point.reach
    row = {"sort": sort, "path": path, "name": name, "line": point.line, "column": point.column}
    return {**row, "reached": point.reach in coverage.reached}


def _lcov(tested: Sequence[Tested]) -> str:
    """A line is hit by as many of its points as were reached, and each point is a branch of it.

    Source: geninfo(1), "TRACEFILE FORMAT".
    """
    root = repository_root()
    lines = []
    for file, coverage in measured(tested):
        lines += ["TN:", f"SF:{relative(file, root)}", *_records(coverage), "end_of_record"]
    return "".join(f"{line}\n" for line in lines)


def _records(coverage: Coverage) -> Iterator[str]:
    hits: dict[int, list[int]] = {}
    for point in coverage.points:
        hits.setdefault(point.line, []).append(int(point.reach in coverage.reached))
    for line, taken in sorted(hits.items()):
        for branch, hit in enumerate(taken):
            yield f"BRDA:{line},0,{branch},{hit}"
    yield f"BRF:{len(coverage.points)}"
    yield f"BRH:{coverage.count}"
    for line, taken in sorted(hits.items()):
        yield f"DA:{line},{sum(taken)}"
    yield f"LF:{len(hits)}"
    yield f"LH:{sum(any(taken) for taken in hits.values())}"


COVERAGES: MappingProxyType[str, Callable[[Sequence[Tested]], str]] = MappingProxyType(
    {"text": _text, "json": _json, "lcov": _lcov}
)
"""Format name → function that renders it."""
