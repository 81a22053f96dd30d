"""The search for a case that tells a mutant from its policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from kt.policy.decision import Snapshot
from kt.policy.mutants.mutant import Mutant
from kt.policy.mutants.samples import Part
from kt.policy.mutants.trial import aim
from kt.policy.testing.suites import CaseInput, NoModelError

# Of one mutant.
_MOST_TRIED = 1500
_MOST_CONTEXTS = 40
_KEPT_INPUTS = 3000


class Proposal(NamedTuple):
    """A case that a policy passes and its mutant does not; `target` is that of its suite."""

    name: str
    target: str | None
    given: Mapping[str, Any]
    verdict: str
    reason_code: str


class Search:
    """Searches for cases of one policy; what was parsed for one is kept for the next.

    They end with nothing once `is_over` says that the time is.
    """

    def __init__(
        self,
        policy: Mapping[str, Any],
        snapshot: Snapshot,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._snapshot, self._is_over = snapshot, is_over
        self._contexts = list(islice(_contexts(policy), _MOST_CONTEXTS))
        self._inputs: dict[str, CaseInput] = {}

    def find(self, mutant: Mutant, changed: Snapshot) -> Proposal | None:
        """A case that kills a mutant; None where none of those that were tried does.

        First of the whole policy, then of the changed kind alone, and of the changed target:
        another may stand in the way.
        """
        for target in (None, *(one for one in (mutant.kind, mutant.aim) if one)):
            before, after = aim(self._snapshot, target), aim(changed, target)
            if before is None or after is None:
                continue
            for given in islice(self.given(mutant.parts()), _MOST_TRIED):
                if self._is_over():
                    return None
                held = self._input(given)
                try:
                    one, other = held.decided(before), held.decided(after)
                except NoModelError:
                    continue  # Nobody could run the case, here or there.
                if (one.verdict, one.reason_code) != (other.verdict, other.reason_code):
                    name = f"notices: {mutant.path}: {mutant.words}"[:200]
                    return Proposal(name, target, given, one.verdict, one.reason_code)
        return None

    def given(self, found: Iterable[Part]) -> Iterator[dict[str, Any]]:
        """Inputs of parts in contexts: every part in the likeliest contexts first."""
        parts = list(islice(found, 150))
        for start in (0, 3, 10):
            stop = {0: 3, 3: 10, 10: None}[start]
            for part in parts:
                for context in self._contexts[start:stop]:
                    yield _joined(context, part)

    def _input(self, given: Mapping[str, Any]) -> CaseInput:
        key = json.dumps(given)
        held = self._inputs.get(key)
        if held is None:
            if len(self._inputs) >= _KEPT_INPUTS:
                self._inputs.clear()
            held = self._inputs[key] = CaseInput(given)
        return held


def _joined(context: Mapping[str, Any], part: Part) -> dict[str, Any]:
    lacking = {name.lower() for name in part.get("lacking", ())}
    headers = {**context["headers"], **(part.get("headers") or {})}
    headers = {name: value for name, value in headers.items() if name.lower() not in lacking}
    given: dict[str, Any] = {"messages": part["messages"]}
    if "upstream_response" in part:
        given["upstream_response"] = part["upstream_response"]
    if headers:
        given["headers"] = headers
    if context["model"]:
        given["model"] = context["model"]
    return given


def _contexts(policy: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Headers and models in which entries of the chain run, or do not, the likeliest first."""
    blocks = policy.get("policy") or {}
    rbac = (blocks.get("rbac") or {}) if _has(policy, "rbac") else None
    base: dict[str, str] = {}
    if rbac is not None:
        base = dict.fromkeys(rbac.get("deny_if_missing", ["X-User-ID"]), "someone")
        if rbac.get("require_auth"):
            base["Authorization"] = "Bearer token"
    whens = list(_whens(policy))
    held = [{**base, **headers} for headers, _ in whens]
    everything: dict[str, str] = dict(base)
    for headers, _ in reversed(whens):
        everything.update(headers)
    fewer = [
        {key: value for key, value in everything.items() if key != name}
        for name in everything
        if name not in base
    ]
    roles = list(dict.fromkeys(_roles(blocks)))
    models = list(dict.fromkeys([*_models(policy), "", "another-model"]))
    for model in models:
        for headers in _distinct([everything, base, *held, *fewer]):
            for role in (*roles[:6], "nobody") if roles else (None,):
                named = {**headers, "X-Role": role} if role else headers
                yield {"headers": named, "model": model}


def _distinct(headers: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for one in headers:
        if one not in found:
            found.append(one)
    return found


def _has(policy: Mapping[str, Any], kind: str) -> bool:
    return any(kind in one if isinstance(one, Mapping) else one == kind
               for one in policy["policies"]["chain"])  # fmt: skip


def _whens(policy: Mapping[str, Any]) -> Iterator[tuple[dict[str, str], list[str]]]:
    for one in policy["policies"]["chain"]:
        if isinstance(one, Mapping):
            when = (next(iter(one.values())) or {}).get("when")
            if when:
                yield dict(when.get("header") or {}), list(when.get("model") or ())


def _roles(blocks: Mapping[str, Any]) -> Iterator[str]:
    rbac, firewall = blocks.get("rbac") or {}, blocks.get("agent-firewall") or {}
    yield from rbac.get("roles") or ()
    yield from rbac.get("data_access") or ()
    yield from (firewall.get("tools") or {}).get("roles") or ()


def _models(policy: Mapping[str, Any]) -> Iterator[str]:
    for _, globs in _whens(policy):
        for glob in globs:
            yield glob.replace("*", "x").replace("?", "q")
    for target in (policy.get("providers") or {}).get("targets") or ():
        model = target.get("model") or str(target["provider"]).partition(":chat:")[2]
        glob = model["from"] if isinstance(model, Mapping) else model
        if glob:
            yield str(glob).replace("*", "x").replace("?", "q")
