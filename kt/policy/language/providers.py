"""`providers`: the targets that serve, routing and fallback between them."""

from __future__ import annotations

from types import MappingProxyType

from kt.policy.language.shapes import Block, Choice, Field, Flag, ListOf, Text, TextOr, Whole, block

# Providers with a wire format and an address of their own; every other needs `base_url`.
BUILT_IN_PROVIDERS = ("openai", "anthropic", "azure", "google", "mock")

DATA_POLICY = block(
    zero_data_retention=Field(Flag(), False, doc="the target keeps nothing"),
    training_opt_out=Field(Flag(), False, doc="the target does not train on the data"),
    retention_days=Field(Whole(0, 36_500), doc="how long the target keeps data"),
)

SECRET_KEY_REF = block(
    env=Field(Text(high=200, form="env"), required=True, doc="an environment variable"),
    unsupported=("store",),
)

ALIAS = Block(
    MappingProxyType(
        {
            "from": Field(Text(high=200, form="line"), required=True, doc="a model or a glob"),
            "to": Field(
                Text(high=200, form="model"), required=True, doc="what the target is asked for"
            ),
        }
    )
)

TARGET = block(
    id=Field(Text(high=200, form="line"), required=True, doc="unique among the targets"),
    provider=Field(
        Text(high=300, form="provider"), required=True, doc="who serves, or openai:chat:MODEL"
    ),
    model=Field(
        TextOr(Text(high=200, form="line"), ALIAS),
        doc="a model or a glob, or {from: GLOB, to: NAME}; not set serves every model",
    ),
    base_url=Field(
        Text(high=2000, form="url"), doc="the address, with its /v1; Azure's api-version too"
    ),
    secret_key_ref=Field(
        SECRET_KEY_REF, doc="where the key comes from; not set: no credential is sent"
    ),
    api_key=Field(Text(high=2000), doc="a literal key; a secret in git, so a warning"),
    api_key_header=Field(Text(high=100, form="header"), doc="the header that carries the key"),
    api_key_prefix=Field(Text(low=0, high=100, form="header_value"), doc="what precedes the key"),
    format=Field(Choice(("openai", "anthropic")), doc="the wire format; not set: the provider's"),
    data_policy=Field(DATA_POLICY, doc="what the target promises about data"),
    unsupported=("zdr", "data_collection"),
)

ROUTING = block(
    strategy=Field(
        Choice(
            ("ordered", "round_robin"),
            unsupported=("cost", "highest_throughput", "latency", "lowest_latency", "random"),
        ),
        "ordered",
        doc="how a target is chosen",
    )
)

FALLBACK = block(
    triggers=Field(
        ListOf(Choice(("rate_limit", "server_error", "timeout")), unique=True),
        (),
        doc="what makes the next target serve",
    ),
    max_fallback_attempts=Field(Whole(0, 10), 1, doc="how many further targets are tried"),
)

PROVIDERS = block(
    targets=Field(
        ListOf(TARGET, key="id"), required=True, doc="in order; the first that matches serves"
    ),
    routing=Field(ROUTING, doc="how requests are spread"),
    fallback=Field(FALLBACK, doc="what happens when a target fails"),
    unsupported=("circuit_breaker",),
)
