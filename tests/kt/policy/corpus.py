"""The labelled corpus: reading it, running the detectors on it, and scores."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kt.policy.decision import Request
from kt.policy.decision.cutting.hits import outermost
from kt.policy.decision.kinds import COMPILERS
from kt.policy.decision.kinds.dlp_filter import _built_in as secret_rules
from kt.policy.decision.kinds.pii_detector import _built_in as personal_rules
from kt.policy.decision.kinds.safety_filter import compile_block
from kt.policy.decision.reading.hidden.stage import readings
from kt.policy.decision.reading.passages import Passage, Stretch
from kt.policy.decision.subject import Subject
from kt.policy.settings import settings

CORPUS = Path(__file__).parents[2] / "cases" / "corpus"
Found = tuple[int, int, str]
Detector = Callable[[str], Iterable[Found]]

# The corpus was labelled before the entities were named.
_LABELS = {"credit_card": "CARD", "ip_address": "IP"}


@dataclass(frozen=True)
class Case:
    """A text, its kind, and what is to be found in it: (start, end, label)."""

    id: str
    kind: str
    text: str
    spans: tuple[Found, ...]


def cases(name: str) -> list[Case]:
    """The texts of a half; a text kept in pieces is joined."""
    lines = (CORPUS / name).read_text(encoding="utf-8").splitlines()
    return [_case(json.loads(line)) for line in lines]


def _case(row: dict[str, Any]) -> Case:
    text = row["text"] if isinstance(row["text"], str) else "".join(row["text"])
    return Case(row["id"], row["kind"], text, tuple((a, b, label) for a, b, label in row["spans"]))


def requests() -> list[dict[str, Any]]:
    """The whole requests: the policy kind that judges each, its block, and what it must say."""
    lines = (CORPUS / "written_requests.jsonl").read_text(encoding="utf-8").splitlines()
    return [_request(json.loads(line)) for line in lines]


def _request(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "block": {"mode": row["mode"]} if "mode" in row else {}}


def detect(text: str) -> Iterator[Found]:
    """What `pii-detector` in every mode and `dlp-filter` find in a text."""
    shown = tuple(readings(Passage(text, (Stretch(0, 0),))))
    personal = [hit for reading in shown for hit in personal_rules(True, True).scan(reading)]
    for hit in outermost(personal):
        label = _LABELS.get(hit.rule.label, hit.rule.label.upper())
        yield hit.places[0].start, hit.places[0].end, label
    for hit in (hit for reading in shown for hit in secret_rules().scan(reading)):
        yield hit.places[0].start, hit.places[0].end, "SECRET"


@dataclass
class Score:
    """Counts for one label, and the cases that were missed or found wrongly."""

    right: int = 0
    missed: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)


def score(found_in: Detector, chosen: Iterable[Case]) -> tuple[dict[str, Score], list[str]]:
    """Score a detector by label.

    A labelled span is found when one span of its label covers it whole. A
    found span is wrong when no labelled span of its label is under it.
    """
    scores: dict[str, Score] = {}
    mistakes: list[str] = []
    for case in chosen:
        found = set(found_in(case.text))
        for start, end, label in case.spans:
            hit = any(a <= start and end <= b and label == other for a, b, other in found)
            one = scores.setdefault(label, Score())
            one.right += hit
            one.missed += not hit
            if not hit:
                mistakes.append(f"{case.id} {case.kind} missed {label}: {case.text[start:end]!r}")
        for a, b, label in sorted(found):
            known = any(
                a < end and start < b and label == other for start, end, other in case.spans
            )
            if not known:
                scores.setdefault(label, Score()).wrong += 1
                mistakes.append(f"{case.id} {case.kind} wrong {label}: {case.text[a:b]!r}")
    return scores, mistakes


def benign_hits(found_in: Detector, chosen: Iterable[Case]) -> Counter[str]:
    """How many benign texts of each kind something was found in."""
    return Counter(case.kind for case in chosen if not case.spans and any(found_in(case.text)))


def harm_start(mode: str, text: str) -> int | None:
    """Where the first match of a `safety-filter` begins in an answer; None without one."""
    message = {"role": "assistant", "content": text}
    subject = Subject(Request({}), "post-response", {"choices": [{"message": message}]})
    filtering = compile_block(settings("safety-filter", {"mode": mode}), ())
    return min((hit.places[0].start for hit in filtering._hits(subject)), default=None)


def hit_ends(kind: str, block: dict[str, Any], text: str) -> list[int]:
    """Where each match of a kind that looks for phrases ends in what a user says."""
    subject = Subject(Request({}), "pre-request", {"messages": [{"role": "user", "content": text}]})
    judging: Any = COMPILERS[kind](settings(kind, block), ())
    return [hit.places[-1].end for hit in judging._hits(subject)]
