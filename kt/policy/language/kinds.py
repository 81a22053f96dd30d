"""The policy kinds: where each runs, its fields, their types, ranges and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kt.policy.frozen import Frozen
from kt.policy.language.regions import ID_COUNTRIES, PHONE_REGIONS, REGIONS
from kt.policy.language.shapes import (
    ON,
    Block,
    Choice,
    Field,
    Flag,
    ListOf,
    MapOf,
    Number,
    Pattern,
    Text,
    Whole,
    block,
)

PRE_REQUEST = "pre-request"
POST_RESPONSE = "post-response"
STAGES = (PRE_REQUEST, POST_RESPONSE)

# What `pii-detector` finds, by the names that `redaction.custom_markers` uses.
PII_ENTITIES = (
    "ssn",
    "phone",
    "email",
    "credit_card",
    "ip_address",
    "iban",
    "cvv",
    "cardholder",
    "mrn",
    "npi",
    "insurance_id",
    "national_id",
    "custom",
)
SENSITIVITIES = ("public", "internal", "confidential", "restricted")


class Kind(Frozen):
    """A policy kind.

    `stages` are those it can run at; it runs at all of them unless its chain entry names one.
    `needs_block` is True where a field that the kind cannot do without has no default, so that
    naming the kind in the chain is not enough.
    """

    __slots__ = ("block", "name", "needs_block", "stages", "summary")

    def __init__(
        self, name: str, stages: tuple[str, ...], block: Block, needs_block: bool, summary: str
    ) -> None:
        self.name = name
        self.stages = stages
        self.block = block
        self.needs_block = needs_block
        self.summary = summary

    @property
    def fields(self) -> Mapping[str, Field]:
        """The keys of `policy.<kind>`."""
        return self.block.fields


_TERM = Text(high=500, form="line")
_TOOL = Text(high=200, form="line")
_ROLE = Text(high=100, form="line")
_PATTERN_LIST = ListOf(Pattern(), high=1000)
_PATTERNS = Field(_PATTERN_LIST, (), doc="regular expressions (RE2) to look for", strength="more")
_FUZZY = Field(Flag(), False, doc="also match terms with a few letters changed", strength=ON)
_MAX_DISTANCE = Field(
    Whole(0, 8), 1, doc="how many letters may differ when fuzzy_matching is on", strength="more"
)

_REDACT_OR_BLOCK = Field(
    Choice(("redact", "block")),
    "redact",
    doc="what a hit leads to",
    strength=("redact", "block"),
)

_SAFETY_FILTER = block(
    mode=Field(
        Choice(("critical_infrastructure", "automotive", "education", "law_enforcement")),
        "critical_infrastructure",
        doc="which built-in terms are blocked",
    ),
    block_if=Field(
        ListOf(_TERM), (), doc="terms blocked beside the built-in ones", strength="more"
    ),
    action=Field(
        Choice(("block", "escalate")),
        "block",
        doc="what a hit leads to",
        strength=("escalate", "block"),
    ),
    fuzzy_matching=_FUZZY,
    max_distance=_MAX_DISTANCE,
)

_OWN_PATTERNS: Mapping[str, str] = MappingProxyType({"patterns": "did you mean 'detect_patterns'?"})

_PROMPT_INJECTION = block(
    attack_patterns=Field(
        _PATTERN_LIST,
        (),
        doc="short for detection.attack_patterns; give one of the two",
        strength="more",
    ),
    detection=Field(
        block(attack_patterns=_PATTERNS, unsupported=("embedding_threshold",)),
        doc="patterns beside the built-in ones",
    ),
    scope=Field(
        Choice(("all", "tool_results")),
        "all",
        doc="where it is strict: nowhere, or in what tools bring back",
        strength=("all", "tool_results"),
    ),
    encoding=Field(
        block(
            decode_base64=Field(
                Flag(), True, doc="also look into base64 and other codes", strength=ON
            ),
            normalize_unicode=Field(Flag(), True, doc="also look at normalised text", strength=ON),
            detect_homoglyphs=Field(Flag(), True, doc="also map look-alike letters", strength=ON),
        ),
        doc="what is done to text before it is matched",
    ),
    boundaries=Field(
        block(
            reject_fake_boundaries=Field(
                Flag(),
                True,
                doc="refuse text that imitates system or chat-template delimiters",
                strength=ON,
            ),
            unsupported=("enforce_delimiters",),
        ),
        doc="delimiters of prompts",
    ),
    response=Field(
        block(
            action=Field(Choice(("block",)), "block", doc="what a hit leads to"),
            message=Field(Text(high=500, form="line"), doc="what the caller is told"),
            unsupported=("log_level",),
        ),
        doc="the answer to a blocked request",
    ),
    unsupported=("threshold",),
    hints=MappingProxyType(
        {
            "action": "write it as response.action",
            "message": "write it as response.message",
            "patterns": "did you mean 'detection.attack_patterns'?",
        }
    ),
)

_PII_DETECTOR = block(
    action=_REDACT_OR_BLOCK,
    # Neither value is the stronger one: a target gets no value either way, and a client its own.
    restore=Field(
        Flag(),
        False,
        doc="number the marks of a request, and put its values back into the answer",
    ),
    healthcare_mode=Field(Flag(), False, doc="also find MRN, NPI and insurance ids", strength=ON),
    pci_mode=Field(
        Flag(), True, doc="beside card numbers, find CVV and cardholder names", strength=ON
    ),
    phone_regions=Field(
        ListOf(Choice(REGIONS), low=1, unique=True),
        PHONE_REGIONS,
        doc="regions (ISO 3166) whose national telephone numbers are found",
        strength="more",
    ),
    national_ids=Field(
        ListOf(Choice(ID_COUNTRIES), unique=True),
        (),
        doc="countries (ISO 3166) whose national identity numbers are found",
        strength="more",
    ),
    detect_patterns=_PATTERNS,
    redaction=Field(
        block(
            marker_format=Field(
                Choice(("label", "asterisks", "partial")),
                "label",
                doc="what replaces a hit",
            ),
            custom_markers=Field(
                MapOf(Choice(PII_ENTITIES), Text(high=100, form="line")),
                MappingProxyType({}),
                doc="own markers by what was found",
            ),
            preserve_length=Field(Flag(), False, doc="the marker is as long as the hit"),
            include_metadata=Field(Flag(), False, doc="tell in the record what was found"),
        ),
        doc="how hits are replaced",
    ),
    hints=_OWN_PATTERNS,
)

_DLP_FILTER = block(
    detect_patterns=_PATTERNS,
    blocked_terms=Field(ListOf(_TERM), (), doc="terms to look for", strength="more"),
    action=_REDACT_OR_BLOCK,
    fuzzy_matching=_FUZZY,
    max_distance=_MAX_DISTANCE,
    unsupported=("sensitivity_level",),
    hints=_OWN_PATTERNS,
)

_RBAC = block(
    deny_if_missing=Field(
        ListOf(Text(high=100, form="header"), unique=True),
        ("X-User-ID",),
        doc="headers without which a request is refused",
        strength="more",
    ),
    require_auth=Field(Flag(), False, doc="refuse requests without a bearer token", strength=ON),
    roles=Field(
        MapOf(
            _ROLE,
            block(
                allowed_tools=Field(
                    ListOf(_TOOL), doc="globs; not set allows every tool", strength="less"
                ),
                denied_tools=Field(
                    ListOf(_TOOL), (), doc="globs; they win over allowed_tools", strength="more"
                ),
            ),
        ),
        MappingProxyType({}),
        doc="tools by role",
    ),
    data_access=Field(
        MapOf(
            _ROLE,
            block(
                max_sensitivity=Field(
                    Choice(SENSITIVITIES),
                    required=True,
                    doc="the highest class a role may see",
                    strength=SENSITIVITIES[::-1],
                )
            ),
        ),
        MappingProxyType({}),
        doc="data by role",
    ),
    unsupported=("minimum_necessary",),
)

_AGENT_FIREWALL = block(
    allowed_tools=Field(ListOf(_TOOL), doc="globs; not set allows every tool", strength="less"),
    blocked_tools=Field(
        ListOf(_TOOL), (), doc="globs; they win over allowed_tools", strength="more"
    ),
    max_tool_calls=Field(
        Whole(0, 10_000), doc="tool calls in one request or answer", strength="less"
    ),
    tools=Field(
        block(
            roles=Field(
                MapOf(
                    _ROLE,
                    block(
                        allowed=Field(
                            ListOf(_TOOL), doc="globs; not set allows every tool", strength="less"
                        ),
                        denied=Field(
                            ListOf(_TOOL), (), doc="globs; they win over allowed", strength="more"
                        ),
                    ),
                ),
                MappingProxyType({}),
                doc="tools by the role in the X-Role header",
            )
        ),
        doc="tools by role",
    ),
    unsupported=(
        "max_actions_per_session",
        "rate_limits",
        "transaction_limits",
        "kill_switches",
        "monitoring",
        "rate_limit",
        "transaction_limit",
    ),
    hints=MappingProxyType({"denied_tools": "did you mean 'blocked_tools'?"}),
)

_DATA_ROUTING_POLICY = block(
    require_zero_data_retention=Field(
        Flag(), False, doc="only targets that keep nothing", strength=ON
    ),
    require_no_training=Field(
        Flag(), False, doc="only targets that do not train on the data", strength=ON
    ),
    max_retention_days=Field(
        Whole(0, 36_500), doc="only targets that keep data no longer", strength="less"
    ),
    on_no_compliant_provider=Field(Choice(("block",)), "block", doc="when no target remains"),
)

_HUMAN_OVERSIGHT = block(
    require_human_for=Field(
        ListOf(_TERM, low=1),
        required=True,
        doc="terms that need a person's decision",
        strength="more",
    ),
    action=Field(
        Choice(("escalate", "block")),
        "escalate",
        doc="what a hit leads to",
        strength=("escalate", "block"),
    ),
    default_assignee=Field(Text(high=200, form="line"), doc="who is asked"),
)

# Whose text of a request a classifier may judge; another role counts as `user`.
ROLES = ("system", "developer", "user", "assistant", "tool")

_CLASSIFIER = block(
    model=Field(
        Text(high=100, form="id"),
        required=True,
        doc="the model's name; the gateway's operator says what it stands for",
    ),
    sha256=Field(
        Text(low=64, high=64, form="sha256"),
        doc="the sha256 of the model's file; an endpoint has none, a file needs it",
    ),
    labels=Field(
        ListOf(Text(high=200, form="line"), low=1, high=100, unique=True),
        doc="the model's labels that count; not set: those that the gateway takes by itself",
    ),
    threshold=Field(
        Number(0, 1), 0.5, doc="the score from which on a text is a hit", strength="less"
    ),
    roles=Field(
        ListOf(Choice(ROLES), low=1, unique=True),
        ("user", "tool"),
        doc="whose text of a request is judged; of an answer all is",
        strength="more",
    ),
    stage=Field(
        Choice(STAGES),
        doc="run at this stage only, unless the chain's entry names one; not set: at both",
    ),
    action=Field(
        Choice(("escalate", "block")),
        "escalate",
        doc="what a hit leads to",
        strength=("escalate", "block"),
    ),
    on_no_answer=Field(
        Choice(("allow", "escalate", "block")),
        "escalate",
        doc="what becomes of a text about which the model gives no answer",
        strength=("allow", "escalate", "block"),
    ),
    timeout_seconds=Field(Number(0.1, 30), 5, doc="how long the model is waited for"),
)

_AUDIT_LOGGER = block(
    immutable=Field(Flag(), True, doc="records are only ever added", strength=ON),
    retention_days=Field(Whole(1, 36_500), 365, doc="how long records are kept", strength="more"),
    log_all_access=Field(Flag(), True, doc="also record what was allowed", strength=ON),
    unsupported=("hipaa_audit_controls",),
)


def _kinds(*kinds: Kind) -> Mapping[str, Kind]:
    return MappingProxyType({kind.name: kind for kind in kinds})


KINDS: Mapping[str, Kind] = _kinds(
    Kind("safety-filter", STAGES, _SAFETY_FILTER, False, "harmful content, by terms and phrases"),
    Kind(
        "prompt-injection",
        (PRE_REQUEST,),
        _PROMPT_INJECTION,
        False,
        "attempts to override the instructions",
    ),
    Kind("pii-detector", STAGES, _PII_DETECTOR, False, "personal data"),
    Kind("dlp-filter", STAGES, _DLP_FILTER, True, "own terms and patterns, and secrets"),
    Kind("rbac", (PRE_REQUEST,), _RBAC, True, "who may call, and with which tools"),
    Kind("agent-firewall", STAGES, _AGENT_FIREWALL, True, "tool calls in requests and answers"),
    Kind(
        "data-routing-policy",
        (PRE_REQUEST,),
        _DATA_ROUTING_POLICY,
        True,
        "which target may serve",
    ),
    Kind("human-oversight", STAGES, _HUMAN_OVERSIGHT, True, "what needs a person's decision"),
    Kind("classifier", STAGES, _CLASSIFIER, True, "what a model of the operator's says of a text"),
    Kind("audit-logger", STAGES, _AUDIT_LOGGER, False, "a record of each decision"),
)

# Kinds of the public language that this version does not implement.
UNSUPPORTED_KINDS: frozenset[str] = frozenset(
    {
        "bot-detector",
        "case-privacy",
        "citation-verifier",
        "cjis-mode",
        "content-extractor",
        "dual-use-filter",
        "embedding-detector",
        "entity-list-filter",
        "external-moderation",
        "financial-compliance",
        "flagged-review",
        "healthcare-compliance",
        "hipaa-phi-detector",
        "itar-ear-filter",
        "language-validator",
        "quality-scorer",
        "student-privacy",
    }
)
