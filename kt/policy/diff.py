"""The differences between two policies, each with its effect on enforcement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from kt.policy.changes import Change, Effect, compare, compare_blocks, opposite, said
from kt.policy.language import DOCUMENT, KINDS, TARGET
from kt.policy.language.document import PACK
from kt.policy.language.providers import FALLBACK, ROUTING
from kt.policy.language.shapes import Block
from kt.policy.nodes import plain
from kt.policy.settings import complete, settings, stages
from kt.policy.yaml.document import read

_LIMITS = tuple(name for name in DOCUMENT.fields if name.endswith(("_limit", "_limits")))

_UNJUDGED = "unjudged"


def diff(before: bytes, after: bytes) -> tuple[Change, ...]:
    """Every difference between two policy files, in the language's order.

    Both must have passed lint.
    """
    return compared(_load(before), _load(after))


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """`diff`, of policies as plain values."""
    return tuple(_diff(before, after))


def _load(data: bytes) -> dict[str, Any]:
    root = read(data).root
    value = plain(root) if root is not None else None
    assert isinstance(value, dict), "lint the file first"
    return value


def _diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = complete(PACK, old["pack"]), complete(PACK, new["pack"])
    yield from compare_blocks(PACK, before, after, "pack")
    yield from _chains(_links(old), _links(new))
    yield from _blocks(old, new)
    for name in _LIMITS:
        yield from _limit(name, old.get(name), new.get(name))
    unjudged = DOCUMENT.fields[_UNJUDGED]
    given = [one.get(_UNJUDGED) or unjudged.default for one in (old, new)]
    yield from compare(unjudged, given[0], given[1], _UNJUDGED)
    yield from _providers(old.get("providers") or {}, new.get("providers") or {})
    if old.get("testing") != new.get("testing"):
        yield Change("other", "testing", "testing: the tests change")


class _Link(NamedTuple):
    kind: str
    stages: frozenset[str]
    when: Mapping[str, Any]


def _links(policy: Mapping[str, Any]) -> list[_Link]:
    blocks = policy.get("policy") or {}
    return [_link(entry, blocks) for entry in policy["policies"]["chain"]]


def _link(entry: str | Mapping[str, Any], blocks: Mapping[str, Any]) -> _Link:
    kind, options = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    runs = frozenset(stages(kind, options, blocks.get(kind)))
    return _Link(kind, runs, options.get("when") or {})


def _chains(old: list[_Link], new: list[_Link]) -> Iterator[Change]:
    path = "policies.chain"
    before, after = _names(old), _names(new)
    for kind in before:
        if kind not in after:
            yield Change("weaker", path, f"{path}: {kind} no longer runs")
    for kind in after:
        if kind not in before:
            yield Change("stronger", path, f"{path}: {kind} now runs")
        else:
            yield from _entries(kind, _of(old, kind), _of(new, kind))
    if [kind for kind in before if kind in after] != [kind for kind in after if kind in before]:
        yield Change("other", path, f"{path}: its order changes")


def _names(links: list[_Link]) -> list[str]:
    return list(dict.fromkeys(link.kind for link in links))


def _of(links: list[_Link], kind: str) -> list[_Link]:
    return [link for link in links if link.kind == kind]


def _entries(kind: str, old: list[_Link], new: list[_Link]) -> Iterator[Change]:
    path = f"policies.chain.{kind}"
    if len(old) != len(new):
        count = f"{path}: {len(old)} entries become {len(new)}"
        yield Change("other", path, count)
        return
    for before, after in zip(old, new, strict=True):
        if before.stages != after.stages:
            runs = f"{path}: it runs at {_listed(after.stages)}, before at {_listed(before.stages)}"
            yield Change(_wider(before.stages, after.stages), path, runs)
        yield from _conditions(before.when, after.when, f"{path}.when")


def _listed(stages: frozenset[str]) -> str:
    return " and ".join(sorted(stages, reverse=True))


def _wider(before: frozenset[Any], after: frozenset[Any]) -> Effect:
    """The effect of running on a superset, on a subset, or on something else."""
    if before < after:
        return "stronger"
    return "weaker" if after < before else "other"


def _conditions(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Change]:
    for key in ("path", "header", "model"):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        words = f"{path}.{key}: {said(before)} becomes {said(after)}"
        yield Change(_condition(key, before, after), f"{path}.{key}", words)


def _condition(key: str, before: Any, after: Any) -> Effect:
    """A condition that lets more in makes the kind run more often."""
    if before is None or after is None:
        return "weaker" if before is None else "stronger"
    if key == "path":
        if before.startswith(after):
            return "stronger"
        return "weaker" if after.startswith(before) else "other"
    if key == "header":
        # Each header is one condition more, so fewer of them are wider.
        return opposite(_wider(frozenset(before.items()), frozenset(after.items())))
    return _wider(frozenset(before), frozenset(after))


def _blocks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """The settings of kinds that run in both: a kind outside the chain enforces nothing."""
    running = set(_names(_links(old))) & set(_names(_links(new)))
    before, after = old.get("policy") or {}, new.get("policy") or {}
    for kind in (name for name in KINDS if name in running):
        old_settings = settings(kind, before.get(kind))
        new_settings = settings(kind, after.get(kind))
        yield from compare_blocks(KINDS[kind].block, old_settings, new_settings, f"policy.{kind}")


def _limit(
    name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Iterator[Change]:
    shape = DOCUMENT.fields[name].shape
    if old == new or not isinstance(shape, Block):
        return
    if old is None or new is None:
        effect: Effect = "stronger" if old is None else "weaker"
        yield Change(effect, name, f"{name} is {'added' if old is None else 'removed'}")
        return
    yield from compare_blocks(shape, complete(shape, old), complete(shape, new), name)


def _providers(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    yield from _targets(_by_id(old), _by_id(new))
    for name, shape in (("routing", ROUTING), ("fallback", FALLBACK)):
        before, after = complete(shape, old.get(name) or {}), complete(shape, new.get(name) or {})
        yield from compare_blocks(shape, before, after, f"providers.{name}")


def _by_id(providers: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {target["id"]: target for target in providers.get("targets", ())}


def _targets(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        path = f"providers.targets.{name}"
        if name not in new:
            yield Change("other", path, f"{path} no longer serves")
        elif name not in old:
            yield Change("other", path, f"{path} now serves")
        else:
            yield from _target(old[name], new[name], path)
    if list(old) != list(new) and sorted(old) == sorted(new):
        yield Change("other", "providers.targets", "providers.targets: their order changes")


def _target(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Change]:
    before, after = complete(TARGET, old), complete(TARGET, new)
    for name, field in TARGET.fields.items():
        if name == "model" and before[name] != after[name]:
            yield from _model(_alias(before[name]), _alias(after[name]), f"{path}.model")
        elif name != "api_key":
            yield from compare(field, before[name], after[name], f"{path}.{name}")


def _alias(model: str | Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """The models that a target serves, and the one that it is asked for where that is another."""
    return (model["from"], model["to"]) if isinstance(model, Mapping) else (model, None)


def _model(
    old: tuple[str | None, str | None], new: tuple[str | None, str | None], path: str
) -> Iterator[Change]:
    (before, asked_before), (after, asked_after) = old, new
    if before != after:
        words = f"{path}: {said(before)} becomes {said(after)}"
        yield Change(_models(before, after), path, words)
    if asked_before != asked_after:
        words = f"{path}.to: {said(asked_before)} becomes {said(asked_after)}"
        yield Change("other", f"{path}.to", words)


def _models(before: str | None, after: str | None) -> Effect:
    """A target that serves more models than before weakens what the policy allows.

    One that serves fewer does not strengthen it: what `data-routing-policy` refused because this
    target alone served it is served by none, or by another, which is a different answer.
    """
    before, after = before or "*", after or "*"
    return "weaker" if before != after and fnmatchcase(before, after) else "other"
