"""The keys of a policy file, from the top down."""

from __future__ import annotations

from types import MappingProxyType

from kt.policy.language.kinds import KINDS, STAGES, UNSUPPORTED_KINDS
from kt.policy.language.providers import PROVIDERS
from kt.policy.language.shapes import (
    ON,
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
from kt.policy.language.testing import SUITE

PACK = block(
    name=Field(Text(high=200, form="line"), required=True, doc="what the policy is called"),
    version=Field(Text(high=32, form="semver"), required=True, doc="MAJOR.MINOR.PATCH"),
    enabled=Field(
        Flag(), required=True, doc="false: the gateway passes everything through", strength=ON
    ),
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
    stage=Field(
        Choice(STAGES, unsupported=("post-request", "pre-response")),
        doc="run at this stage only; not set: at every stage of the kind",
    ),
    parallel=Field(Flag(), False, doc="may run beside its neighbours; the verdict is the same"),
)

POLICIES = block(chain=Field(Chain(CHAIN_OPTIONS), required=True, doc="the kinds, in order"))

POLICY = Block(
    MappingProxyType({name: Field(kind.block, doc=kind.summary) for name, kind in KINDS.items()}),
    unsupported=UNSUPPORTED_KINDS,
)

_MAX_REQUESTS = Field(
    Whole(1, 1_000_000_000), required=True, doc="requests in one window", strength="less"
)
_WINDOW = Field(
    Whole(1, 86_400), required=True, doc="the window's length in seconds", strength="more"
)
_BYTES = Whole(1, 1_073_741_824)

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
            max_tokens=Field(
                Whole(1, 1_000_000_000), required=True, doc="tokens in one window", strength="less"
            ),
            window_seconds=_WINDOW,
            scope=Field(Choice(("global", "user")), "global", doc="who shares the tokens"),
        ),
        doc="by tokens",
    ),
    size_limits=Field(
        block(
            max_body_bytes=Field(_BYTES, doc="the largest request", strength="less"),
            max_response_bytes=Field(_BYTES, doc="the largest answer", strength="less"),
        ),
        doc="by size",
    ),
    unjudged=Field(
        Choice(("allow", "block")),
        "allow",
        doc="what becomes of tokens, images, sound, video and files, which no kind reads",
        strength=("allow", "block"),
    ),
    testing=Field(
        block(
            suites=Field(ListOf(SUITE, key="name"), required=True, doc="the suites"),
            require_model_cases=Field(
                Flag(),
                False,
                doc="a case that needs a model which is not there is an error, not a warning",
            ),
            unsupported=("default_threshold", "plugins", "strategies"),
        ),
        doc="what `kt policy test` runs",
    ),
    unsupported=("agents", "includes", "provider_routing", "rate_limits"),
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
