"""`kt policy score`: how much of labelled texts a policy finds, and how much it flags in vain.

A line of the file is a JSON object with `text` and `label`, "pos" for what the policy should stop
or change and "neg" for what should pass. It may have `kind` and `family`, by which the table is
grouped; `value`, a list of what must not be left in the text; and `role`: "user", "tool" or
"assistant". `body`, that of a whole request, may stand for `text`. No port, no network.

Exit codes: 0 scored, 2 a file could not be read, or is no valid policy or line.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

from kt import __version__
from kt.cli.errors import CommandError
from kt.cli.models.asking import AskedFiles
from kt.cli.models.named import add_files
from kt.cli.scoring.lines import Lines
from kt.cli.sources import read_file, shown
from kt.cli.test import UntestableError, policy_of
from kt.policy.decision import Decision, compile_policy
from kt.policy.rules import RULES_VERSION
from kt.policy.testing.scoring import Outcome, Sample, Score, Scores, outcome
from kt.policy.testing.suites import NoModelError

_WRONG: tuple[Outcome, ...] = ("missed", "left", "flagged")
_HEAD = ("", "found", "left", "of", "recall", "95 %", "flagged", "of", "precision")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("file", metavar="FILE", help="labelled texts, an object of JSON a line, or - for stdin")
    add("--policy", required=True, metavar="FILE", help="the policy that judges them")
    add_files(add)
    add("--families", action="store_true", help="a row for each family of a kind too")
    add("--misses", action="store_true", help="name each line that was judged wrongly, on stderr")
    add("--json", action="store_true", help="a document with all counts")


def run(options: argparse.Namespace) -> int:
    """Judge each line and print the table; the exit code."""
    source = read_file(options.policy)
    try:
        snapshot = compile_policy(policy_of(source))
    except UntestableError as error:
        raise CommandError(str(error)) from error
    scores, lines = Scores(), Lines(options.file)
    try:
        with AskedFiles(options.model) as models:
            for number, sample in lines:
                came, decision = outcome(snapshot, sample, models.ask)
                scores.count(sample, came)
                if options.misses and came in _WRONG:
                    _name_miss(f"{lines.name}:{number}", came, sample, decision)
    except NoModelError as error:
        raise CommandError(f"{source.name}: {error}; give --model {error.model}=FILE") from error
    if not scores.rows:
        raise CommandError(f"{lines.name}: no labelled text in it")
    if options.json:
        policy = hashlib.sha256(source.data).hexdigest()
        print(json.dumps(_document(scores, lines.sha256, policy), indent=2))
    else:
        print("\n".join(_table(scores, options.families)))
    return 0


def _name_miss(place: str, came: Outcome, sample: Sample, decision: Decision) -> None:
    what = " ".join(filter(None, (sample.kind, sample.family)))
    reason = f" ({decision.reason_code})" if decision.reason_code else ""
    print(f"{place}: {came}{reason}  {what}".rstrip(), file=sys.stderr)


def _document(scores: Scores, samples: str, policy: str) -> dict[str, Any]:
    return {
        "kt": __version__,
        "rules_version": RULES_VERSION,
        "policy_sha256": policy,
        "samples_sha256": samples,
        "rows": [
            {
                "kind": kind, "family": family, "positives": one.positives, "found": one.found,
                "left": one.left, "negatives": one.negatives, "flagged": one.flagged,
            }
            for (kind, family), one in sorted(scores.rows.items())
        ],
    }  # fmt: skip


def _table(scores: Scores, with_families: bool) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [_HEAD]
    for kind, total in sorted(scores.by_kind().items()):
        rows.append(_row(kind or "all", total))
        if with_families:
            families = sorted((f, one) for (k, f), one in scores.rows.items() if k == kind and f)
            rows += [_row(f"  {family}", one) for family, one in families]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells)).rstrip()


def _row(name: str, one: Score) -> tuple[str, ...]:
    interval = one.recall_interval
    return (
        shown(name), str(one.found), str(one.left), str(one.positives), _share(one.recall),
        f"{interval[0]:.2f}-{interval[1]:.2f}" if interval else "-",
        str(one.flagged), str(one.negatives), _share(one.precision),
    )  # fmt: skip


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
