"""Loading of a policy: from bytes to a compiled configuration, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kt.gateway.options import ModelSource, Options
from kt.gateway.policy.source import Sourced
from kt.gateway.policy.targets import UpstreamTarget, compile_targets
from kt.policy.decision import (
    Request,
    Snapshot,
    compile_policy,
    decide,
    decide_response,
    decide_text,
)
from kt.policy.identity import identify
from kt.policy.lint import lint
from kt.policy.nodes import plain
from kt.policy.report import Pack
from kt.policy.yaml.document import read

MAX_BODY_BYTES = 32 << 20
MAX_RESPONSE_BYTES = 64 << 20
_RECORDING = "audit-logger"
_ASKING = "classifier"
_WITH_LISTS = ("safety-filter", "prompt-injection", "pii-detector", "dlp-filter")
_CHAT = "/v1/chat/completions"


class PolicyError(Exception):
    """A policy that cannot be served; `problems` has a line for each finding.

    `fixes` says what to do about each, "" where there is nothing to say.
    """

    def __init__(self, problems: tuple[str, ...], fixes: tuple[str, ...] = ("",)) -> None:
        super().__init__(problems[0])
        self.problems = problems
        self.fixes = fixes


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that is ready to serve. Never changed, only replaced.

    `content_hash` is the bare SHA-256 of the file's bytes. `document` is the policy as plain
    data, and is valid.
    """

    id: str
    pack: Pack
    content_hash: str
    source: str
    loaded_at: str
    chain: tuple[str, ...]
    document: Mapping[str, Any]
    snapshot: Snapshot
    targets: tuple[UpstreamTarget, ...]
    warnings: tuple[str, ...]

    def judges_answers(self, request: Request) -> bool:
        """True when anything in the chain judges the answer to this request."""
        return self.snapshot.enabled and any(
            step.kind != _RECORDING and step.applies(request, "post-response")
            for step in self.snapshot.steps
        )

    def asks_about_answers(self, request: Request) -> bool:
        """True when a model is asked about the answer to this request."""
        return self.snapshot.enabled and any(
            step.asks and step.applies(request, "post-response") for step in self.snapshot.steps
        )

    @property
    def model(self) -> tuple[str, str]:
        """The model that the policy asks, and the sha256 of its file; "" where there is none."""
        block = (self.document.get("policy") or {}).get(_ASKING) or {}
        return block.get("model") or "", block.get("sha256") or ""

    @property
    def is_configured(self) -> bool:
        """True when there is a policy."""
        return bool(self.content_hash)

    @property
    def max_body_bytes(self) -> int:
        return self._size("max_body_bytes", MAX_BODY_BYTES)

    @property
    def max_response_bytes(self) -> int:
        return self._size("max_response_bytes", MAX_RESPONSE_BYTES)

    def _size(self, name: str, default: int) -> int:
        return int((self.document.get("size_limits") or {}).get(name) or default)


def load(
    sourced: Sourced, options: Options, environment: Mapping[str, str], *, source: str, now: str
) -> Loaded:
    """Lint and compile a policy. `source` is where it came from, `now` is in ISO 8601.

    Raises:
        PolicyError: lint found errors, or the policy has no id.
    """
    data = sourced.data
    report = lint(data)
    if report.errors or report.pack is None:
        raise PolicyError(
            tuple(f"{f.line}:{f.column} {f.code} {f.message}" for f in report.errors),
            tuple(f.suggestion for f in report.errors),
        )
    identity = sourced.id or identify(report.pack)
    if not isinstance(identity, str):
        raise PolicyError((f"{identity.code} {identity.message}",), (identity.suggestion,))
    document = _document(data)
    targets = compile_targets(
        document.get("providers"),
        environment,
        secret_globs=options.secret_globs,
        mock=options.mock_upstream,
    )
    return Loaded(
        id=identity,
        pack=report.pack,
        content_hash=sha256(data).hexdigest(),
        source=source,
        loaded_at=now,
        chain=report.chain,
        document=document,
        snapshot=compile_policy(document),
        targets=targets,
        warnings=(
            *(f"target {one.id}: {one.problem}" for one in targets if one.problem),
            *model_problems(document, options.models),
        ),
    )


def model_problems(document: Mapping[str, Any], models: Iterable[ModelSource]) -> Iterator[str]:
    """The reasons why a policy's classifier will never have an answer, from its names alone."""
    block = (document.get("policy") or {}).get(_ASKING)
    named = [one if isinstance(one, str) else next(iter(one)) for one in _chain_of(document)]
    if block is None or _ASKING not in named:
        return
    name, sha256 = block["model"], block.get("sha256")
    source = next((one for one in models if one.name == name), None)
    if source is None:
        yield f"classifier: the model {name} is not there; give --model or --moderation"
    elif source.url and sha256:
        yield f"classifier: the model {name} is an endpoint, which has no sha256"
    elif source.file and not sha256:
        yield f"classifier: the model {name} is a file, and the policy names no sha256 of it"


def _chain_of(document: Mapping[str, Any]) -> Iterable[Any]:
    chain: Iterable[Any] = document["policies"]["chain"]
    return chain


def nothing(*, source: str, now: str) -> Loaded:
    """The placeholder while there is no policy, with which a gateway refuses every call."""
    document = _unit(())
    return Loaded(
        id="",
        pack=Pack(),
        content_hash="",
        source=source,
        loaded_at=now,
        chain=(),
        document=document,
        snapshot=compile_policy(document),
        targets=(),
        warnings=(),
    )


def warm(loaded: Loaded) -> None:
    """Compile what is otherwise compiled at its first use, so that no request waits for it."""
    request = Request({}, path=_CHAT)
    decide(loaded.snapshot, request)
    decide_response(loaded.snapshot, request, {})
    decide_text(loaded.snapshot, request, "a")


def prime() -> None:
    """Compile the built-in lists of all kinds, since a later policy may be the first to use them.

    That takes a third of a second of a core; a policy itself takes a few milliseconds.
    """
    snapshot = compile_policy(_unit(_WITH_LISTS))
    decide(snapshot, Request({"messages": [{"role": "user", "content": "a"}]}, path=_CHAT))


def _unit(chain: tuple[str, ...]) -> dict[str, Any]:
    """A document with these kinds and their defaults."""
    return {"pack": {"enabled": True}, "policies": {"chain": chain}}


def _document(data: bytes) -> dict[str, Any]:
    root = read(data).root
    document = plain(root) if root is not None else None
    if not isinstance(document, dict):
        raise PolicyError(("the file holds no policy",))
    return document
