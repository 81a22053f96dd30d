"""The detections, cuts and counts that a policy makes of its hits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kt.policy.decision.cutting.markers import Marker
from kt.policy.decision.matching.matcher import Hit
from kt.policy.decision.outcome import Cut
from kt.policy.decision.reading.extract import where
from kt.policy.decision.reading.passages import Place
from kt.policy.decision.subject import Subject
from kt.policy.decision.values import Detection


def detections(policy: str, subject: Subject, hits: Iterable[Hit]) -> tuple[Detection, ...]:
    """The detections of hits: each rule and place once, in document order."""
    places = {
        (hit.places[0].part, hit.rule.name): hit.rule.label
        for hit in sorted(hits, key=lambda hit: hit.places[0].part)
    }
    return tuple(
        Detection(policy, rule, label, where(subject.parts[part].path))
        for (part, rule), label in places.items()
    )


def cuts(
    subject: Subject, hits: Iterable[Hit], mark: Marker, *, numbered: bool = False
) -> tuple[Cut, ...]:
    """The cuts for each hit; the marker stands where the hit begins.

    `numbered`: a number may take the marker's place, see `numbering`.
    """
    return tuple(cut for hit in hits for cut in _cuts(subject, hit, mark, numbered))


def _cuts(subject: Subject, hit: Hit, mark: Marker, numbered: bool) -> Iterator[Cut]:
    first, *rest = hit.places
    label, text = hit.rule.label, subject.parts[first.part].text[first.start : first.end]
    yield Cut(first, mark(label, text), label if numbered else "", tuple(rest))
    for place in rest:
        yield Cut(place, "")


def outermost(hits: Sequence[Hit]) -> list[Hit]:
    """The hits that are not inside a longer one: a card number's digits are no telephone number."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=_extent):
        inside = kept and _covers(kept[-1].places[0], hit.places[-1])
        if not inside or (kept[-1].places == hit.places and kept[-1].rule.label == hit.rule.label):
            kept.append(hit)
    return kept


def _extent(hit: Hit) -> tuple[int, int, int]:
    first = hit.places[0]
    return first.part, first.start, -first.end


def _covers(outer: Place, inner: Place) -> bool:
    return outer.part == inner.part and inner.end <= outer.end


def counted(hits: Sequence[Hit]) -> tuple[tuple[str, int], ...]:
    """The number of places by label; a place that several views show counts once."""
    distinct = {(hit.rule.label, hit.places) for hit in hits}
    labels = sorted({label for label, _ in distinct})
    return tuple((label, sum(label == other for other, _ in distinct)) for label in labels)
