"""Recall and false alarms of the detecting policies on a folder of labelled texts.

    python bench/detection/corpus.py CORPUS >result.json     judge, and print the result
    python bench/detection/corpus.py --page result.json      print its tables in Markdown

CORPUS holds files of JSON lines, each with `kind`, `family`, `text` and `label` ("pos" or "neg"),
and perhaps `value` (what must not be left), `shape` ("tool": a tool's result; "body": the text is
a whole request) and `has` (personal data that a benign text really holds). Each kind of text is
judged by the policy that looks for it, benign ones by all four.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from kt import __version__
from kt.policy.decision import compile_policy
from kt.policy.rules import RULES_VERSION
from kt.policy.testing.scoring import Sample, Score, outcome

POLICIES: Mapping[str, Mapping[str, Any]] = {
    "pii-detector": {"healthcare_mode": True},
    "dlp-filter": {},
    "prompt-injection": {},
    "safety-filter": {},
}
_BENIGN = "benign"
# By the kind of text; all other kinds are personal data.
_POLICY = {
    "secret": "dlp-filter", "evasion-secret": "dlp-filter", "injection": "prompt-injection",
    "evasion": "prompt-injection", "evasion-shape": "prompt-injection",
    "harmful": "safety-filter", "evasion-harm": "safety-filter",
}  # fmt: skip
_COUNTS = ("found", "left", "missed", "flagged", "passed")


def judged(folder: Path) -> dict[str, Any]:
    """Judge all texts of a folder; the result as a document."""
    snapshots = {name: _compiled(name, fields) for name, fields in POLICIES.items()}
    digest = hashlib.sha256()
    rows: dict[tuple[str, str, str], Score] = {}
    for path in sorted(folder.glob("*.jsonl")):
        content = path.read_bytes()
        digest.update(hashlib.sha256(content).digest())
        for line in content.splitlines():
            text = json.loads(line)
            for policy in _policies_of(text["kind"]):
                came, decision = outcome(snapshots[policy], _sample(text))
                if came == "flagged" and policy == "pii-detector":
                    labels = {found.label for found in decision.detections}
                    came = "passed" if labels <= set(text.get("has", ())) else came
                key = policy, text["kind"], text["family"]
                rows.setdefault(key, Score()).count(came)
    return {
        "kt": __version__,
        "rules_version": RULES_VERSION,
        "corpus_sha256": digest.hexdigest(),
        "rows": [
            {
                "policy": policy, "kind": kind, "family": family,
                **{name: count for name in _COUNTS if (count := getattr(score, name))},
            }
            for (policy, kind, family), score in sorted(rows.items())
        ],
    }  # fmt: skip


def written(result: Mapping[str, Any]) -> str:
    """A result in JSON, a row a line."""
    rows = ",\n  ".join(json.dumps(row) for row in result["rows"])
    about = json.dumps({name: part for name, part in result.items() if name != "rows"}, indent=1)
    return f'{about[:-2]},\n "rows": [\n  {rows}\n ]\n}}\n'


def page(result: Mapping[str, Any]) -> str:
    """The tables of a result, in Markdown."""
    return "\n".join(_page(result)) + "\n"


def _compiled(name: str, fields: Mapping[str, Any]) -> Any:
    return compile_policy(
        {
            "pack": {"name": "detection", "version": "1.0.0", "enabled": True},
            "policies": {"chain": [name]},
            "policy": {name: fields},
        }
    )


def _policies_of(kind: str) -> Sequence[str]:
    return tuple(POLICIES) if kind == _BENIGN else (_POLICY.get(kind, "pii-detector"),)


def _sample(text: Mapping[str, Any]) -> Sample:
    is_positive, values = text["label"] == "pos", tuple(text.get("value", ()))
    named = (text["kind"], text["family"], values)
    if text.get("shape") == "body":
        return Sample("", is_positive, *named, body=json.loads(text["text"]))
    role = "tool" if text.get("shape") == "tool" else "user"
    return Sample(text["text"], is_positive, *named, role=role)


def _page(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"`kt` {result['kt']}, rules {result['rules_version']}, corpus"
    yield f"`{result['corpus_sha256'][:16]}…`. Recall has its bounds at 95 % (Wilson) in brackets."
    yield ""
    yield "| texts | policy | found | of | recall | flagged | of |"
    yield "|---|---|---|---|---|---|---|"
    for (policy, kind), score in _sums(result["rows"]).items():
        if score.positives:
            low, high = score.recall_interval or (0.0, 0.0)
            recall = f"{score.recall:.2f} ({low:.2f} to {high:.2f})"
        else:
            recall = ""
        cells = [kind, f"`{policy}`", score.found, score.positives, recall]
        yield "| " + " | ".join(map(str, [*cells, score.flagged, score.negatives])) + " |"
    yield ""
    yield "By family, where there are ten texts or more to find:"
    yield ""
    yield "| texts | family | found | of | recall |"
    yield "|---|---|---|---|---|"
    for row in result["rows"]:
        score = _score(row)
        if score.positives >= 10:
            yield (
                f"| {row['kind']} | {row['family']} | {score.found} | {score.positives}"
                f" | {score.recall:.2f} |"
            )


def _sums(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Score]:
    sums: dict[tuple[str, str], Score] = {}
    for row in rows:
        sums.setdefault((row["policy"], row["kind"]), Score()).add(_score(row))
    return sums


def _score(row: Mapping[str, Any]) -> Score:
    return Score(**{name: row.get(name, 0) for name in _COUNTS})


def main(argv: Sequence[str]) -> None:
    """Judge a folder, or print the tables of a result."""
    if argv[0] == "--page":
        print(page(json.loads(Path(argv[1]).read_text())), end="")
    else:
        print(written(judged(Path(argv[0]))), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
