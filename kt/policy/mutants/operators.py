"""The mutants of a policy: what is dropped, swapped, narrowed and loosened in it.

Only what a case can see is changed, verdicts and their reasons: not how something is redacted or
recorded, no limits of rates, and no entry that asks a model. Of defaults that the file does not
name nothing is changed, since no line of it says them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from kt.policy.coverage.points import CASE_PATH
from kt.policy.language import KINDS
from kt.policy.language.kinds import STAGES
from kt.policy.mutants.blocks import of_block, quoted
from kt.policy.mutants.edits import path_of, put, without
from kt.policy.mutants.mutant import Mutant
from kt.policy.mutants.samples import Part, of_kind
from kt.policy.settings import settings, stages

_CHAIN = ("policies", "chain")
_ROUTING = "data-routing-policy"
_MOST_DAYS = 36_500
_UNSEEN = ("audit-logger", "classifier")


def mutants(policy: Mapping[str, Any]) -> Iterator[Mutant]:
    """Every mutant of a policy that lint accepts, in the order of its chain.

    A disabled policy has none, nor has what no request of a case can reach, by its path.
    """
    if not policy["pack"]["enabled"]:
        return
    seen: set[str] = set()
    for at in range(len(policy["policies"]["chain"])):
        kind, options = entry(policy, at)
        if kind in _UNSEEN or not _runs(options):
            continue
        yield from _entry(policy, at)
        if kind not in seen:
            seen.add(kind)
            yield from of_block(policy, kind)
            if kind == _ROUTING:
                yield from _promises(policy)
    yield from _unjudged(policy)


def entry(policy: Mapping[str, Any], at: int) -> tuple[str, Mapping[str, Any]]:
    """The kind of an entry of the chain, and its options."""
    given = policy["policies"]["chain"][at]
    kind, options = (given, None) if isinstance(given, str) else next(iter(given.items()))
    return kind, options or {}


def _runs(options: Mapping[str, Any]) -> bool:
    path = (options.get("when") or {}).get("path") or ""
    return CASE_PATH.startswith(path)


def _entry(policy: Mapping[str, Any], at: int) -> Iterator[Mutant]:
    kind, options = entry(policy, at)
    fields = settings(kind, (policy.get("policy") or {}).get(kind))
    made = partial(Mutant, kind=kind, parts=partial(of_kind, kind, fields))
    steps = (*_CHAIN, at)
    yield made("entry_dropped", path_of(steps), f"{kind} no longer runs",
               policy=without(policy, steps))  # fmt: skip
    runs = stages(kind, options, (policy.get("policy") or {}).get(kind))
    for stage in runs if len(runs) > 1 else ():
        changed = put(policy, steps, {kind: {**options, "stage": stage}})
        yield made(
            "stage_narrowed", path_of(steps), f"{kind} runs at {stage} alone", policy=changed
        )
    if options.get("stage") and len(KINDS[kind].stages) > 1:
        left = {key: value for key, value in options.items() if key != "stage"}
        yield made("stage_widened", path_of((*steps, kind, "stage")), f"{kind} runs at both stages",
                   policy=put(policy, steps, {kind: left}))  # fmt: skip
        (other,) = (stage for stage in STAGES if stage != options["stage"])
        yield made("stage_swapped", path_of((*steps, kind, "stage")), f"{kind} runs at {other}",
                   policy=put(policy, steps, {kind: {**options, "stage": other}}))  # fmt: skip
    yield from _conditions(policy, made, (*steps, kind, "when"), options.get("when") or {})
    yield from _swapped(policy, at)


def _conditions(
    policy: Mapping[str, Any], made: Any, steps: Sequence[Any], when: Mapping[str, Any]
) -> Iterator[Mutant]:
    for name in when.get("header") or {}:
        place = (*steps, "header", name)
        yield made("condition_dropped", path_of(place), f"runs whatever the header {name} says",
                   policy=without(policy, place))  # fmt: skip
    globs = when.get("model") or ()
    if globs:
        place = (*steps, "model")
        yield made("condition_dropped", path_of(place), "runs for every model",
                   policy=without(policy, place))  # fmt: skip
    for at, glob in enumerate(globs if len(globs) > 1 else ()):
        place = (*steps, "model", at)
        yield made("list_shortened", path_of(place), f"{quoted(glob)} is dropped",
                   policy=without(policy, place))  # fmt: skip


def _swapped(policy: Mapping[str, Any], at: int) -> Iterator[Mutant]:
    """The entry after its neighbour, which shows where both object and neither is the stricter."""
    chain = policy["policies"]["chain"]
    if at + 1 >= len(chain):
        return
    (kind, options), (other, others) = entry(policy, at), entry(policy, at + 1)
    if kind == other or other in _UNSEEN or not _runs(others):
        return
    blocks = policy.get("policy") or {}
    fields = settings(kind, blocks.get(kind)), settings(other, blocks.get(other))
    shared = {*stages(kind, options, blocks.get(kind))} & {
        *stages(other, others, blocks.get(other))
    }
    if not shared or _verdict(fields[0]) != _verdict(fields[1]):
        return
    swapped = [*chain[:at], chain[at + 1], chain[at], *chain[at + 2 :]]
    yield Mutant("entries_swapped", path_of((*_CHAIN, at)), f"{other} runs before {kind}", kind,
                 put(policy, _CHAIN, swapped),
                 partial(_both, (kind, fields[0]), (other, fields[1])), other)  # fmt: skip


def _verdict(fields: Mapping[str, Any]) -> str:
    return str(fields.get("action", "block"))


def _both(
    one: tuple[str, Mapping[str, Any]], other: tuple[str, Mapping[str, Any]]
) -> Iterator[Part]:
    """Inputs to which both kinds object."""
    for first in of_kind(*one):
        for second in of_kind(*other):
            if ("upstream_response" in first) == ("upstream_response" in second):
                yield _joined(first, second)


def _joined(first: Part, second: Part) -> Part:
    said = [*first["messages"], *second["messages"]]
    headers = {**(first.get("headers") or {}), **(second.get("headers") or {})}
    lacking = [*first.get("lacking", ()), *second.get("lacking", ())]
    part = {"messages": said, "headers": headers, "lacking": lacking}
    answers = [one["upstream_response"] for one in (first, second) if "upstream_response" in one]
    if answers and all(isinstance(answer, str) for answer in answers):
        return {**part, "upstream_response": " ".join(answers)}
    if answers:
        calling = next(answer for answer in answers if not isinstance(answer, str))
        text = next((answer for answer in answers if isinstance(answer, str)), None)
        message = {**calling["choices"][0]["message"], "content": text}
        return {**part, "upstream_response": {"choices": [{"index": 0, "message": message}]}}
    return part


def _promises(policy: Mapping[str, Any]) -> Iterator[Mutant]:
    """What targets promise about data: the other way, and a day more or fewer."""
    for at, target in enumerate((policy.get("providers") or {}).get("targets") or ()):
        for name, value in (target.get("data_policy") or {}).items():
            steps = ("providers", "targets", at, "data_policy", name)
            is_switch = isinstance(value, bool)
            for other in (not value,) if is_switch else (value + 1, value - 1):
                if is_switch or 0 <= other <= _MOST_DAYS:
                    yield Mutant(
                        "switched" if is_switch else "threshold_moved",
                        path_of(steps),
                        f"{_said(value)} becomes {_said(other)}",
                        _ROUTING,
                        put(policy, steps, other),
                        partial(of_kind, _ROUTING, {}),
                        aim=target["id"],
                    )


def _said(value: bool | int) -> str:
    return str(value).lower()


def _unjudged(policy: Mapping[str, Any]) -> Iterator[Mutant]:
    if policy.get("unjudged") != "block":
        return
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    part = {"messages": [{"role": "user", "content": [image]}]}
    yield Mutant("action_swapped", "unjudged", "block becomes allow", "",
                 put(policy, ("unjudged",), "allow"), lambda: iter((part,)))  # fmt: skip
