"""Rules about the targets: addresses, keys, and promises about data."""

from __future__ import annotations

from collections.abc import Iterator

from kt.lazy import TYPE_CHECKING
from kt.policy.language import BUILT_IN_PROVIDERS
from kt.policy.nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    child_path,
    find,
    item_paths,
    value_of,
)
from kt.policy.rules.base import Rule
from kt.policy.rules.blocks import NoEffect, conflict
from kt.policy.suggest import did_you_mean
from kt.policy.words import quoted, shown

if TYPE_CHECKING:
    from kt.policy.findings import Finding


class NoAddress(Rule):
    """A target has no address.

    `openai`, `anthropic`, `google` and `mock` are reached without one. `azure` has an address
    for each customer, and any other provider is reached by the address of its
    OpenAI-compatible interface: both need `base_url`.

    Wrong:

        providers:
          targets:
            - {id: main, provider: mistral}

    Right:

        providers:
          targets:
            - {id: main, provider: mistral, base_url: https://models.example.com/v1}
    """

    code = "E028"


class ForbiddenSecret(Rule):
    """A target asks for a variable that no target is ever given.

    Variables called `KEEPTRUSTS_…` hold the gateway's own credentials. Whoever writes a policy
    could send them to any address.

    Wrong:

        providers:
          targets:
            - {id: main, provider: openai, secret_key_ref: {env: KEEPTRUSTS_API_TOKEN}}

    Right:

        providers:
          targets:
            - {id: main, provider: openai, secret_key_ref: {env: OPENAI_API_KEY}}
    """

    code = "E031"


class NoCompliantTarget(Rule):
    """No target fulfils what `data-routing-policy` requires, so every request is blocked.

    The policies after it in the chain are never reached. A target fulfils a requirement only
    by saying so in its `data_policy`; what is not said is not assumed.

    Wrong:

        providers:
          targets:
            - {id: main, provider: openai}
        policies:
          chain: [data-routing-policy]
        policy:
          data-routing-policy: {require_no_training: true}

    Right:

        providers:
          targets:
            - {id: main, provider: openai, data_policy: {training_opt_out: true}}
        policies:
          chain: [data-routing-policy]
        policy:
          data-routing-policy: {require_no_training: true}
    """

    code = "W005"


class SecretNeedsLeave(Rule):
    """A target's key stands in a variable that gateways do not give by default.

    A gateway gives variables called `*_API_KEY`. For others its operator has to allow the
    name with `--secret-env`, or the target is unavailable.

    Wrong:

        providers:
          targets:
            - {id: main, provider: openai, secret_key_ref: {env: MAIN_KEY}}

    Right:

        providers:
          targets:
            - {id: main, provider: openai, secret_key_ref: {env: MAIN_API_KEY}}
    """

    code = "W008"


class PlainHttp(Rule):
    """Prompts and the key go to a target without encryption.

    `http://` is for addresses of the same machine.

    Wrong:

        providers:
          targets:
            - {id: main, provider: local, base_url: http://models.example.com/v1}

    Right:

        providers:
          targets:
            - {id: main, provider: local, base_url: https://models.example.com/v1}
    """

    code = "W009"


class NoVersionPath(Rule):
    """The address of a target has no path, and mostly `/v1` belongs there.

    `base_url` is what stands before `/chat/completions`.

    Wrong:

        providers:
          targets:
            - {id: main, provider: local, base_url: https://models.example.com}

    Right:

        providers:
          targets:
            - {id: main, provider: local, base_url: https://models.example.com/v1}
    """

    code = "W010"


_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_NEEDS_ADDRESS = "add base_url: the address of its OpenAI-compatible interface, with its /v1"


def check(root: MappingNode) -> Iterator[Finding]:
    """Yield the findings about the targets beyond their shape."""
    targets = find(root, "providers", "targets")
    if not isinstance(targets, SequenceNode):
        return
    for path, target in item_paths(targets, "providers.targets"):
        if isinstance(target, MappingNode):
            yield from _check_provider(target, path)
            yield from _check_address(target, path)
            yield from _check_secret(target, path)
    yield from _check_fallback(root, targets)
    yield from _check_compliance(root, targets)


def _check_provider(target: MappingNode, path: str) -> Iterator[Finding]:
    node = target.get("provider")
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return
    name, *rest = node.value.split(":", 2)
    has_address = target.get("base_url") is not None
    if not has_address and (name not in BUILT_IN_PROVIDERS or name == "azure"):
        message = f"the provider {quoted(name)} has no base_url"
        fix = did_you_mean(name, BUILT_IN_PROVIDERS, otherwise=_NEEDS_ADDRESS)
        fix = "add base_url: the address of your resource" if name == "azure" else fix
        yield NoAddress.at(node, child_path(path, "provider"), message, fix)
    if len(rest) == 2:
        yield from conflict(target, path, "model", f"the model in provider {quoted(node.value)}")
    if name == "mock":
        yield from _check_mock(target, path)


def _check_mock(target: MappingNode, path: str) -> Iterator[Finding]:
    for key in ("base_url", "secret_key_ref", "api_key"):
        if key in target.entries:
            message = f"{key} has no effect: mock answers without a network"
            place = target.entries[key].key
            yield NoEffect.at(place, child_path(path, key), message, "remove it")


def _check_address(target: MappingNode, path: str) -> Iterator[Finding]:
    node = target.get("base_url")
    url = value_of(node)
    if node is None or not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return
    where = child_path(path, "base_url")
    host, _, rest = url.partition("://")[2].partition("/")
    if url.startswith("http://") and _without_port(host) not in _LOOPBACK:
        message = "prompts and the key would travel without encryption"
        fix = f"did you mean {quoted(f'https://{host}/{rest}')}?"
        yield PlainHttp.at(node, where, message, fix)
    if not rest and value_of(target.get("provider")) != "azure":
        message = "the address has no path"
        fix = f"did you mean {quoted(url.rstrip('/') + '/v1')}?"
        yield NoVersionPath.at(node, where, message, fix)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _check_secret(target: MappingNode, path: str) -> Iterator[Finding]:
    node = find(target, "secret_key_ref", "env")
    name = value_of(node)
    if node is None or not isinstance(name, str):
        return
    where = child_path(path, "secret_key_ref.env")
    if name.upper().startswith("KEEPTRUSTS_"):
        message = f"the variable {quoted(name)} is never given to a target"
        yield ForbiddenSecret.at(node, where, message, "use a variable of its own")
    elif not name.endswith("_API_KEY"):
        message = f"gateways do not give the variable {quoted(name)} by default"
        fix = f"let its name end in _API_KEY, or run gateways with --secret-env {shown(name)}"
        yield SecretNeedsLeave.at(node, where, message, fix)
    yield from conflict(target, path, "api_key", "secret_key_ref")


def _check_fallback(root: MappingNode, targets: SequenceNode) -> Iterator[Finding]:
    providers = root.get("providers")
    entry = providers.entries.get("fallback") if isinstance(providers, MappingNode) else None
    if entry is None or not isinstance(entry.value, MappingNode):
        return
    triggers = entry.value.get("triggers")
    if not isinstance(triggers, SequenceNode) or not triggers.items:
        message, fix = "fallback has no effect without triggers", "add triggers: [server_error]"
        yield NoEffect.at(entry.key, "providers.fallback", message, fix)
    elif len(targets.items) < 2:
        message, fix = "fallback has no effect with a single target", "add a second target"
        yield NoEffect.at(entry.key, "providers.fallback", message, fix)


def _check_compliance(root: MappingNode, targets: SequenceNode) -> Iterator[Finding]:
    required = find(root, "policy", "data-routing-policy")
    chain = find(root, "policies", "chain")
    if not isinstance(required, MappingNode) or not targets.items or not _in_chain(chain):
        return
    if not any(_complies(find(target, "data_policy"), required) for target in targets.items):
        policy = root.entries["policy"].value
        place = (
            policy.entries["data-routing-policy"].key if isinstance(policy, MappingNode) else policy
        )
        message = "no target fulfils this, so every request is blocked here"
        fix = "say in a target's data_policy what it promises"
        yield NoCompliantTarget.at(place, "policy.data-routing-policy", message, fix)


def _in_chain(chain: Node | None) -> bool:
    # An entry with a condition blocks only what the condition lets in.
    return isinstance(chain, SequenceNode) and any(
        value_of(item) == "data-routing-policy" for item in chain.items
    )


def _complies(promise: Node | None, required: MappingNode) -> bool:
    keeps_nothing = value_of(find(promise, "zero_data_retention")) is True
    if value_of(required.get("require_zero_data_retention")) is True and not keeps_nothing:
        return False
    if (
        value_of(required.get("require_no_training")) is True
        and value_of(find(promise, "training_opt_out")) is not True
    ):
        return False
    most = value_of(required.get("max_retention_days"))
    days = 0 if keeps_nothing else value_of(find(promise, "retention_days"))
    return not isinstance(most, int) or (isinstance(days, int) and days <= most)
