"""The targets of a policy, with their addresses and credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from kt.policy.decision.tools.globs import compile_globs, matches

Format = Literal["openai", "anthropic"]

_ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai",
}
_GLOB = frozenset("*?")


@dataclass(frozen=True, slots=True)
class UpstreamTarget:
    """One target. `models` is a model or a glob, "*" for all.

    `alias` is the model that it is asked for in place of those, "" for the one that came.
    `headers` carry the credential. `problem` says why the target cannot serve, "" when it can.
    """

    id: str
    provider: str
    models: str
    base_url: str
    format: Format
    headers: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    pattern: Any = None
    alias: str = ""

    @property
    def is_mock(self) -> bool:
        return self.provider == "mock"

    @property
    def model_names(self) -> tuple[str, ...]:
        """The models of the target by name. Of a glob there is only what it is an alias for."""
        if not _GLOB & set(self.models):
            return (self.models,)
        return (self.alias,) if self.alias and matches(self.pattern, self.alias) else ()

    @property
    def lists_models(self) -> bool:
        """True when the target itself can say which models it serves."""
        return not (self.model_names or self.alias or self.is_mock or self.problem)

    def asked_for(self, model: str) -> str:
        """The name under which the target is asked for a model."""
        return self.alias if self.alias and matches(self.pattern, model) else model

    def serves(self, model: str, wanted: Format) -> bool:
        """True when the target takes requests for a model in a wire format."""
        if self.is_mock:
            return True
        return self.format == wanted and (self.models == "*" or matches(self.pattern, model))


MOCK = UpstreamTarget("mock", "mock", "*", "", "openai")


def compile_targets(
    providers: Mapping[str, Any] | None,
    environment: Mapping[str, str],
    *,
    secret_globs: Iterable[str],
    mock: bool,
) -> tuple[UpstreamTarget, ...]:
    """The targets of a document's `providers`, in order. With `mock` all are the mock."""
    entries = (providers or {}).get("targets") or ()
    if mock:
        return tuple(_mocked(entry) for entry in entries) or (MOCK,)
    return tuple(_target(entry, environment, tuple(secret_globs)) for entry in entries)


def _mocked(entry: Mapping[str, Any]) -> UpstreamTarget:
    _, models, alias = _names(entry)
    pattern = compile_globs([models])
    return UpstreamTarget(entry["id"], "mock", models, "", "openai", pattern=pattern, alias=alias)


def _target(
    entry: Mapping[str, Any], environment: Mapping[str, str], globs: tuple[str, ...]
) -> UpstreamTarget:
    provider, models, alias = _names(entry)
    if provider == "mock":
        return _mocked(entry)
    key, problem = _key(entry, environment, globs)
    wire: Format = "anthropic" if provider == "anthropic" else "openai"
    return UpstreamTarget(
        id=entry["id"],
        provider=provider,
        models=models,
        base_url=_base_url(provider, entry.get("base_url")),
        format=entry.get("format") or wire,
        headers=_credential(entry, provider, key),
        problem=problem,
        pattern=compile_globs([models]),
        alias=alias,
    )


def _names(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """The provider, the models and their alias.

    Provider and model may be one value, `openai:chat:MODEL`.
    """
    provider, *rest = str(entry["provider"]).split(":", 2)
    model = entry.get("model")
    if isinstance(model, Mapping):
        return provider, model["from"], model["to"]
    return provider, model or (rest[-1] if rest else "") or "*", ""


def _base_url(provider: str, given: str | None) -> str:
    """The address before a route, with the query that stands behind each."""
    url, mark, query = (given or _ADDRESSES.get(provider, "")).partition("?")
    url = url.rstrip("/")
    # Azure's resources answer the version without dates below this path.
    bare = provider == "azure" and "/" not in url.partition("://")[2]
    return f"{url}{'/openai/v1' if bare else ''}{mark}{query}"


def _key(
    entry: Mapping[str, Any], environment: Mapping[str, str], globs: tuple[str, ...]
) -> tuple[str | None, str]:
    """The credential, or what is wrong with it."""
    reference = entry.get("secret_key_ref")
    if not reference:
        return entry.get("api_key"), ""
    name = reference["env"]
    if name.upper().startswith("KEEPTRUSTS_") or not any(fnmatchcase(name, g) for g in globs):
        return None, f"the variable {name} is not allowed; name it by --secret-env"
    value = environment.get(name, "").strip()
    if not value:
        return None, f"the variable {name} is not set"
    if not (value.isascii() and value.isprintable()):
        return None, f"the variable {name} must be printable ASCII"
    return value, ""


def _credential(
    entry: Mapping[str, Any], provider: str, key: str | None
) -> tuple[tuple[str, str], ...]:
    if key is None:
        return ()
    own = {"anthropic": ("x-api-key", ""), "azure": ("api-key", "")}
    header, prefix = own.get(provider, ("Authorization", "Bearer "))
    if entry.get("api_key_header"):
        header, prefix = entry["api_key_header"], ""
    prefix = entry.get("api_key_prefix", prefix)
    return ((header, f"{prefix}{key}"),)
