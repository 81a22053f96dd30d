"""The words for what one policy enforces: its kinds in their order, settings, limits, targets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kt.policy.language import DOCUMENT, KINDS
from kt.policy.language.document import PACK
from kt.policy.language.kinds import PRE_REQUEST
from kt.policy.language.shapes import Block, Field
from kt.policy.nodes import child_path, plain
from kt.policy.settings import complete, settings, stages
from kt.policy.yaml.document import read

_LIMITS = tuple(name for name in DOCUMENT.fields if name.endswith(("_limit", "_limits")))
_UNJUDGED = "unjudged"
_NAMED = 3
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that a policy enforces, and the place in the file that says so."""

    path: str
    message: str


def enforced(data: bytes) -> tuple[Sentence, ...]:
    """What a policy file enforces, in the order in which it does. It must have passed lint."""
    root = read(data).root
    policy = plain(root) if root is not None else None
    assert isinstance(policy, dict), "lint the file first"
    return tuple(_sentences(policy))


def _sentences(policy: Mapping[str, Any]) -> Iterator[Sentence]:
    if not complete(PACK, policy["pack"])["enabled"]:
        yield Sentence("pack.enabled", "The pack is disabled: no call is judged.")
    explained: set[str] = set()
    for number, entry in enumerate(policy["policies"]["chain"]):
        kind, options = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        given = (policy.get("policy") or {}).get(kind)
        yield Sentence(f"policies.chain[{number}]", _entry(kind, options, given))
        if kind not in explained:
            explained.add(kind)
            yield from _settings(KINDS[kind].block, settings(kind, given), f"policy.{kind}")
    yield from _limits(policy)
    yield from _targets(policy.get("providers") or {})


def _entry(kind: str, options: Mapping[str, Any], given: Mapping[str, Any] | None) -> str:
    runs = stages(kind, options, given)
    judged = " and ".join("requests" if one == PRE_REQUEST else "answers" for one in runs)
    conditions = "".join(f", {one}" for one in _conditions(options.get("when") or {}))
    return f"{kind}, on {judged}: {KINDS[kind].summary}{conditions}"


def _conditions(when: Mapping[str, Any]) -> Iterator[str]:
    if when.get("path"):
        yield f"where the path begins with {_said(when['path'])}"
    for name, value in (when.get("header") or {}).items():
        yield f"where the header {name} is {_said(value)}"
    if when.get("model"):
        yield f"where the model is {_said(when['model'])}"


def _settings(shape: Block, values: Mapping[str, Any], path: str) -> Iterator[Sentence]:
    """A sentence for each setting that is not the default, and for what a hit leads to."""
    for name, field in shape.fields.items():
        if name not in values:
            continue
        below, value = child_path(path, name), values[name]
        if isinstance(field.shape, Block):
            yield from _settings(field.shape, value or {}, below)
        elif name == "action" or not _is_default(field, value):
            yield Sentence(below, _setting(field, value))


def _setting(field: Field, value: Any) -> str:
    return field.doc if value is True else f"{field.doc}: {_said(value)}"


def _is_default(field: Field, value: Any) -> bool:
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return bool(value == default)


def _limits(policy: Mapping[str, Any]) -> Iterator[Sentence]:
    for name in _LIMITS:
        given = policy.get(name)
        for key, field in getattr(DOCUMENT.fields[name].shape, "fields", {}).items():
            if given is not None and key in given:
                path = child_path(name, key)
                yield Sentence(path, _setting(field, given[key]))
    if policy.get(_UNJUDGED, DOCUMENT.fields[_UNJUDGED].default) == "block":
        yield Sentence(_UNJUDGED, "What no kind can read is blocked.")


def _targets(providers: Mapping[str, Any]) -> Iterator[Sentence]:
    for target in providers.get("targets") or ():
        model = target.get("model")
        served = model["from"] if isinstance(model, Mapping) else model
        words = _said(served) if served else "every model"
        path = child_path("providers.targets", target["id"])
        yield Sentence(path, f"{target['id']} serves {words}")


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return _listed(value)
    if isinstance(value, list):
        return _listed(map(_said, value))
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _listed(items: Iterable[str]) -> str:
    names = list(items)
    if not names:
        return "none"
    more = len(names) - _NAMED
    shown = ", ".join(one[:_LONGEST] for one in names[:_NAMED])
    return f"{shown} and {more:,} more" if more > 0 else shown
