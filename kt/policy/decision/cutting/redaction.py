"""Redaction of a body: hits are cut out, all else is left as it is.

The result shares with the original every part from which nothing was cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from kt.policy.decision.cutting.seals import SIGNATURE, seal
from kt.policy.decision.outcome import Cut
from kt.policy.decision.reading.extract import Part, Path
from kt.policy.decision.reading.jsontext import container, in_strings, whole


def redacted(body: Any, parts: Sequence[Part], cuts: Iterable[Cut]) -> Any:
    """A copy of `body` with markers in place of the cuts; `body` itself is not changed.

    The cuts are in the order of their places, of those with one start the longest first.
    """
    new = [
        (parts[at], _rewritten(parts[at], merged(list(group))))
        for at, group in groupby(cuts, key=lambda cut: cut.place.part)
    ]
    # Found in `body` as it came: no path of a cut leads elsewhere yet.
    sealed = {path for part, _ in new if (path := seal(body, part.path))}
    names = {part.path: text for part, text in new if part.form == "name"}
    for part, text in new:
        if part.form != "name":
            body = replaced(body, part.path, text)
    # The innermost first, and of one list the last: no step before them changes their paths.
    for path in sorted({*sealed, *names}, key=_depth, reverse=True):
        body = _broken(body, path) if path in sealed else _renamed(body, path, names[path])
    return body


def _depth(path: Path) -> tuple[int, int]:
    last = path[-1]
    return len(path), last if isinstance(last, int) else -1


def merged(cuts: Sequence[Cut]) -> list[tuple[int, int, str]]:
    """The spans of one part's cuts in order, those that overlap as one, each with its marker.

    The marker is that of the span that begins first, of several such the longest.
    """
    spans: list[tuple[int, int, str]] = []
    for cut in cuts:
        start, end = cut.place.start, cut.place.end
        if spans and start < spans[-1][1]:
            first, last, marker = spans[-1]
            spans[-1] = (first, max(last, end), marker or cut.marker)
        else:
            spans.append((start, end, cut.marker))
    return spans


def _rewritten(part: Part, spans: Sequence[tuple[int, int, str]]) -> Any:
    if part.form in ("text", "name"):
        return rewritten(part, spans)
    text = _cut_json(part, spans)
    if not whole(text) and (whole(part.source) or not container(text)):
        # A cut went through the document's structure: nothing of it can be kept.
        text = json.dumps({"redacted": spans[0][2]})
    return text if part.form == "json" else json.loads(text)


def rewritten(part: Part, spans: Sequence[tuple[int, int, str]]) -> str:
    """The source of a part with other text in place of some spans of what it says."""
    pieces = []
    at = 0
    for first, last, marker in spans:
        start, end = part.original(first, last)
        pieces += [part.source[at:start], marker]
        at = end
    return "".join([*pieces, part.source[at:]])


def _cut_json(part: Part, spans: Sequence[tuple[int, int, str]]) -> str:
    """A JSON text with markers, which are escaped in a string and become one elsewhere."""
    starts = [part.original(first, last)[0] for first, last, _ in spans]
    inside = in_strings(part.source, starts)
    written = []
    for (first, last, marker), quoted in zip(spans, inside, strict=True):
        escaped = json.dumps(marker, ensure_ascii=False)
        written.append((first, last, escaped[1:-1] if quoted else escaped))
    return rewritten(part, written)


def _broken(body: Any, path: Path) -> Any:
    """A copy of `body` without the signed block at `path`, of which its signature was true.

    Where nothing but a block may stand, it is the signature that goes.
    """
    holder = _at(body, path[:-1])
    if isinstance(path[-1], int):
        rest = [item for at, item in enumerate(holder) if at != path[-1]]
        return replaced(body, path[:-1], rest)
    block = {key: item for key, item in holder[path[-1]].items() if key != SIGNATURE}
    return replaced(body, path, block)


def _renamed(body: Any, path: Path, name: str) -> Any:
    """A copy of `body` in which the key at `path` has another name, in the same place."""
    holder = _at(body, path[:-1])
    while name in holder:
        name += "_"
    renamed = {name if key == path[-1] else key: item for key, item in holder.items()}
    return replaced(body, path[:-1], renamed)


def _at(body: Any, path: Path) -> Any:
    for step in path:
        body = body[step]
    return body


def replaced(body: Any, path: Path, value: Any) -> Any:
    """A copy of `body` with `value` at `path`; only the containers on the way are copied."""
    if not path:
        return value
    holders = [body]
    for step in path[:-1]:
        holders.append(holders[-1][step])
    for step, holder in zip(reversed(path), reversed(holders), strict=True):
        copy: Any = dict(holder) if isinstance(holder, Mapping) else list(holder)
        copy[step] = value
        value = copy
    return value
