"""The keys of a policy file, from the top down."""

from __future__ import annotations

from types import MappingProxyType

from kt.policy.language.kinds import KINDS, STAGES, UNSUPPORTED_KINDS
from kt.policy.language.shapes import (
    Block,
    Chain,
    Choice,
    Field,
    Flag,
    ListOf,
    MapOf,
    Text,
    Whole,
    block,
)

PACK = block(
    name=Field(Text(high=200, form="line"), required=True, doc="what the policy is called"),
    version=Field(Text(high=32, form="semver"), required=True, doc="MAJOR.MINOR.PATCH"),
    enabled=Field(Flag(), required=True, doc="false: the gateway passes everything through"),
    id=Field(Text(high=200, form="id"), doc="the configuration's id"),
    author=Field(Text(low=0, high=200), doc="who wrote it"),
    description=Field(Text(low=0, high=2000), doc="what it is for"),
)

WHEN = block(
    path=Field(Text(high=500, form="path"), doc="a prefix of the request's path"),
    header=Field(
        MapOf(Text(high=100, form="header"), Text(low=0, high=500, form="header_value")),
        doc="headers with exactly these values",
    ),
    model=Field(ListOf(Text(high=200, form="line"), low=1), doc="globs, one of which must match"),
)

CHAIN_OPTIONS = block(
    when=Field(WHEN, doc="conditions, all of which must hold"),
    stage=Field(Choice(STAGES), doc="run at this stage only; not set: at every stage of the kind"),
    parallel=Field(Flag(), False, doc="may run beside its neighbours; the verdict is the same"),
)

POLICIES = block(chain=Field(Chain(CHAIN_OPTIONS), required=True, doc="the kinds, in order"))

POLICY = Block(
    MappingProxyType({name: Field(kind.block, doc=kind.summary) for name, kind in KINDS.items()}),
    unsupported=UNSUPPORTED_KINDS,
)

# Providers with a wire format and an address of their own; every other needs `base_url`.
BUILT_IN_PROVIDERS = ("openai", "anthropic", "azure", "google", "mock")

DATA_POLICY = block(
    zero_data_retention=Field(Flag(), False, doc="the target keeps nothing"),
    training_opt_out=Field(Flag(), False, doc="the target does not train on the data"),
    retention_days=Field(Whole(0, 36_500), doc="how long the target keeps data"),
)

TARGET = block(
    id=Field(Text(high=200, form="line"), required=True, doc="unique among the targets"),
    provider=Field(
        Text(high=300, form="provider"), required=True, doc="who serves, or openai:chat:MODEL"
    ),
    model=Field(Text(high=200, form="line"), doc="a model or a glob; not set serves every model"),
    base_url=Field(Text(high=2000, form="url"), doc="the address, with its /v1"),
    secret_key_ref=Field(
        block(
            env=Field(Text(high=200, form="env"), required=True, doc="an environment variable"),
            unsupported=("store",),
        ),
        doc="where the key comes from; not set: no credential is sent",
    ),
    api_key=Field(Text(high=2000), doc="a literal key; a secret in git, so a warning"),
    api_key_header=Field(Text(high=100, form="header"), doc="the header that carries the key"),
    api_key_prefix=Field(Text(low=0, high=100, form="header_value"), doc="what precedes the key"),
    format=Field(Choice(("openai", "anthropic")), doc="the wire format; not set: the provider's"),
    data_policy=Field(DATA_POLICY, doc="what the target promises about data"),
    unsupported=("zdr", "data_collection"),
)

PROVIDERS = block(
    targets=Field(ListOf(TARGET), required=True, doc="in order; the first that matches serves"),
    routing=Field(
        block(
            strategy=Field(
                Choice(("ordered", "round_robin")), "ordered", doc="how a target is chosen"
            )
        ),
        doc="how requests are spread",
    ),
    fallback=Field(
        block(
            triggers=Field(
                ListOf(Choice(("rate_limit", "server_error", "timeout")), unique=True),
                (),
                doc="what makes the next target serve",
            ),
            max_fallback_attempts=Field(Whole(0, 10), 1, doc="how many further targets are tried"),
        ),
        doc="what happens when a target fails",
    ),
)

_MAX_REQUESTS = Field(Whole(1, 1_000_000_000), required=True, doc="requests in one window")
_WINDOW = Field(Whole(1, 86_400), required=True, doc="the window's length in seconds")
_BYTES = Whole(1, 1_073_741_824)

SUITE = block(
    name=Field(Text(high=200, form="line"), required=True, doc="what is tested"),
    description=Field(Text(low=0, high=2000), doc="why"),
    target=Field(Text(high=200, form="line"), doc="the target that the cases are routed to"),
    cases=Field(
        ListOf(
            block(
                name=Field(Text(high=200, form="line"), required=True, doc="what must happen"),
                input=Field(
                    block(
                        messages=Field(
                            ListOf(
                                block(
                                    role=Field(
                                        Choice(
                                            ("system", "developer", "user", "assistant", "tool")
                                        ),
                                        required=True,
                                        doc="who speaks",
                                    ),
                                    content=Field(
                                        Text(low=0, high=1_000_000), required=True, doc="the words"
                                    ),
                                ),
                                low=1,
                            ),
                            required=True,
                            doc="the conversation",
                        ),
                        headers=Field(
                            MapOf(
                                Text(high=100, form="header"),
                                Text(low=0, high=500, form="header_value"),
                            ),
                            MappingProxyType({}),
                            doc="the request's headers",
                        ),
                        model=Field(Text(high=200, form="line"), doc="the model asked for"),
                        upstream_response=Field(
                            Text(low=0, high=1_000_000), doc="what the target answers"
                        ),
                    ),
                    required=True,
                    doc="the request",
                ),
                expected=Field(
                    block(
                        verdict=Field(
                            Choice(("allow", "redact", "escalate", "block")),
                            required=True,
                            doc="what is decided",
                        ),
                        reason_code=Field(Text(high=200, form="line"), doc="why"),
                    ),
                    required=True,
                    doc="what must come out",
                ),
            ),
            low=1,
        ),
        required=True,
        doc="the cases",
    ),
)

DOCUMENT = block(
    pack=Field(PACK, required=True, doc="what this policy is"),
    policies=Field(POLICIES, required=True, doc="what runs, in which order"),
    policy=Field(POLICY, doc="a block for each kind"),
    providers=Field(PROVIDERS, doc="who serves"),
    global_rate_limit=Field(
        block(max_requests=_MAX_REQUESTS, window_seconds=_WINDOW), doc="for all callers together"
    ),
    ip_rate_limit=Field(
        block(
            max_requests=_MAX_REQUESTS,
            window_seconds=_WINDOW,
            trust_proxy_depth=Field(Whole(0, 10), 0, doc="how many proxies stand in front"),
        ),
        doc="for each address",
    ),
    user_rate_limit=Field(
        block(
            max_requests=_MAX_REQUESTS,
            window_seconds=_WINDOW,
            header_names=Field(
                ListOf(Text(high=100, form="header"), low=1, unique=True),
                ("x-user-id",),
                doc="headers that name the user, the first present counts",
            ),
        ),
        doc="for each user",
    ),
    token_rate_limit=Field(
        block(
            max_tokens=Field(Whole(1, 1_000_000_000), required=True, doc="tokens in one window"),
            window_seconds=_WINDOW,
            scope=Field(Choice(("global", "user")), "global", doc="who shares the tokens"),
        ),
        doc="by tokens",
    ),
    size_limits=Field(
        block(
            max_body_bytes=Field(_BYTES, doc="the largest request"),
            max_response_bytes=Field(_BYTES, doc="the largest answer"),
        ),
        doc="by size",
    ),
    testing=Field(
        block(suites=Field(ListOf(SUITE), required=True, doc="the suites")),
        doc="what `kt policy test` runs",
    ),
    unsupported=("agents", "includes"),
    hints=MappingProxyType(
        {
            "chain": "write it below policies: as policies.chain",
            "version": "write it below pack: as pack.version",
            "name": "write it below pack: as pack.name",
            "enabled": "write it below pack: as pack.enabled",
            "targets": "write it below providers: as providers.targets",
        }
    ),
)
