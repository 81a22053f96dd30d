"""A review as Markdown for a forge's comment.

Whatever comes from a policy, a name or a message stands within code, where nothing is a link, a
mention or markup; what stands outside of it are this module's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kt.cli.review.change import Reviewed
from kt.policy.findings import Finding
from kt.policy.mutants.pasting import pasted
from kt.policy.mutants.survivors import words

MARK = "<!-- kt policy review -->"
# GitHub takes 65,536 characters of a comment.
_MOST_CHARACTERS = 60_000
_MOST_LINES, _MOST_CASES = 40, 5
_LONGEST = 300
_TICKS = re.compile("`+")


def code(text: str) -> str:
    """A text as code in a line, whatever is in it."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
    if not line.strip():
        return "(empty)"
    fence = "`" * (1 + max(map(len, _TICKS.findall(line)), default=0))
    return f"{fence} {line} {fence}"


def block(text: str) -> str:
    """A text as a block of code, whatever is in it."""
    lines = ["".join(sign if sign.isprintable() else " " for sign in line)
             for line in text.splitlines()]  # fmt: skip
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}yaml", *lines, fence])


def render(reviewed: Sequence[Reviewed]) -> str:
    """The comment, in `_MOST_CHARACTERS` at most."""
    head = [MARK, "## Review of policies", ""]
    if not reviewed:
        return "\n".join([*head, "No policy differs.", ""])
    sections = [_section(one) for one in reviewed]
    text, left = "\n".join(head), len(sections)
    for section in sections:
        if len(text) + len(section) > _MOST_CHARACTERS:
            break
        text, left = f"{text}\n{section}", left - 1
    if left:
        text += f"\n{left} more policies differ; `kt policy review` on a desk says how.\n"
    return text


def _section(one: Reviewed) -> str:
    parts = [f"### {code(one.file)}", "", *_facts(one)]
    for title, rows in _lists(one):
        told = list(rows)
        if told:
            parts += ["", f"**{title}**", ""]
            parts += [f"- {row}" for row in told[:_MOST_LINES]]
            if len(told) > _MOST_LINES:
                parts.append(f"- and {len(told) - _MOST_LINES} more")
    parts += _cases(one)
    return "\n".join([*parts, ""])


def _facts(one: Reviewed) -> Iterator[str]:
    if one.moved_from:
        yield f"Moved from {code(one.moved_from)}."
    if one.rename:
        yield f"Renamed: {code(one.rename)}."
    after, before = one.after, one.before
    if after is not None and not after.is_valid:
        yield "Lint finds errors: neither compared nor tested."
    elif after is not None and after.coverage is not None and after.mutation is not None:
        old = before if before is not None and before.is_valid else None
        covered = old.coverage.percent if old and old.coverage else None
        killed = old.mutation.percent if old and old.mutation else None
        reached = _share(after.coverage.percent, covered)
        noticed = _share(after.mutation.percent, killed)
        yield f"Tests reach {reached} of it, and notice {noticed} of its mutants."


def _share(now: float, before: float | None) -> str:
    return f"{now} %" if before in (None, now) else f"{now} % (before: {before} %)"


def _lists(one: Reviewed) -> Iterator[tuple[str, Iterable[str]]]:
    for effect, title in (
        ("weaker", "Weaker"),
        ("stronger", "Stronger"),
        ("other", "Other changes"),
    ):
        yield title, (code(change.message) for change in one.changes if change.effect == effect)
    if one.reach is not None:
        yield "Reaches", _reach(one)
    yield "Lint finds", map(_found, one.findings)
    if one.after is not None and one.after.problem:
        yield "Tests that cannot be run", [code(one.after.problem)]
    yield "Tests that fail", (code(f"{case.suite}: {case.name}") for case in one.failed)
    yield "Tests that are gone", map(code, one.gone)
    yield "Tests that no longer notice any mutant", map(code, one.idle)
    yield (
        "No longer noticed by a test",
        (
            code(words(found.tried)) + (f", before by {code(found.killer)}" if found.killer else "")
            for found in one.survivors
        ),
    )
    yield "Not reached by a test", (code(point.words) for point in one.uncovered)


def _found(finding: Finding) -> str:
    said = f"{finding.line}:{finding.column} {finding.code} {finding.message}"
    return f"{finding.severity} {code(said)}"


def _reach(one: Reviewed) -> Iterator[str]:
    reach = one.reach
    assert reach is not None, "asked for before"
    if not reach.is_known:
        yield f"configuration {code(reach.configuration)}, which is not there yet"
        return
    yield f"configuration {code(reach.configuration)}"
    if reach.link:
        yield f"link {code(reach.link)}"
    names = ", ".join(map(code, reach.gateways[:_MOST_LINES]))
    yield f"{len(reach.gateways)} gateways{': ' + names if names else ''}"


def _cases(one: Reviewed) -> Iterator[str]:
    for found in one.survivors[:_MOST_CASES]:
        proposal = found.tried.proposal
        if proposal is not None:
            target = f", in a suite with `target: {proposal.target}`," if proposal.target else ""
            yield ""
            yield f"A case{target} that would notice {code(words(found.tried))}:"
            yield ""
            yield block(pasted(proposal))
