"""Shapes of answers about gateways, what they run and what they decided."""

from typing import Annotated, Any

from msgspec import Struct

from gateways.drift import judge
from gateways.models import Gateway
from keeptrusts.api.shapes import (
    MISSING,
    ChangeShape,
    Count,
    Labels,
    Missing,
    Positive,
    ProblemShape,
    Sha256,
    Shape,
    Time,
    about,
    one_of,
)
from kt.policy.language import VERDICTS

_State = Annotated[str, one_of(judge.STATES)]
_Setting = Annotated[str, one_of(Gateway.ClientKeys.values)]


class GatewayShape(Shape):
    """A gateway and what it is to enforce."""

    id: str
    name: str
    labels: Labels
    configuration: Annotated[str, about("Its own; null leaves it to the selectors.")] | None
    bound: Annotated[str, about("The configuration that it is to enforce.")] | None
    bound_at: Time | None
    ambiguous: Annotated[bool, about("Selectors disagree, so the binding before them stays.")]
    client_keys: Annotated[_Setting, about("Null as long as no client key was for it.")] | None
    enrolled_by: Annotated[str, about("The id of an enrolment token.")] | None
    created_at: Time
    updated_at: Time


class RegisteredGatewayShape(GatewayShape):
    """A gateway with what it needs to start; its token is shown here and never again."""

    token: str
    signing_key_fingerprint: str
    events_url: str


class GatewayIdShape(Shape):
    """The gateway that something was done to."""

    id: str


class EnrolmentTokenShape(Shape):
    """A token by which gateways register themselves, never with its text."""

    id: str
    name: str
    labels: Labels
    configuration: str | None
    uses: Count
    max_uses: Positive | None
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None


class MadeEnrolmentTokenShape(EnrolmentTokenShape):
    """An enrolment token with its text, which is shown here and never again."""

    token: str


class RevokedEnrolmentTokenShape(EnrolmentTokenShape):
    """An enrolment token that was revoked, and the gateways that went with it."""

    gateways_deleted: list[str]


class BindingShape(Shape):
    """A selector and the configuration that it binds to."""

    id: str
    configuration: str
    selector: Labels
    created_at: Time


class RateLimitShape(Shape):
    """Calls in a window."""

    max_requests: Positive
    window_seconds: Positive


class TokenBudgetShape(Shape):
    """Tokens in a window."""

    max_tokens: Positive
    window_seconds: Positive


class ClientKeyShape(Shape):
    """A key with which clients call gateways, never with its text."""

    name: str
    models: list[str] | None
    rate_limit: RateLimitShape | None
    token_budget: TokenBudgetShape | None
    gateways: list[str] | None
    selector: Labels | None
    has_previous: Annotated[bool, about("The key before the last rotation is valid, too.")]
    created_at: Time
    updated_at: Time
    revoked_at: Time | None


class MadeClientKeyShape(ClientKeyShape):
    """A client key; `key` is there if it was made here, and is never shown again."""

    key: str | Missing = MISSING


class HeldRemovalShape(Shape):
    """A commit that removes a configuration's file and waits for a person."""

    git_repo: str
    commit: str
    reason: str
    message: str
    since: Time


class SuccessorShape(Shape):
    """Where a policy goes on that was renamed."""

    configuration: str
    path: str
    changes: Annotated[list[ChangeShape], about("Null where they were not compared.")] | None


class RunningKeysShape(Shape):
    """The list of client keys that a gateway should have, and has."""

    setting: _Setting | None
    desired_seq: Count | None
    running_seq: Count | None
    running_since: Time | None
    arrived: bool


class DriftShape(Shape):
    """A gateway, or a configuration that no gateway is bound to, against git."""

    gateway: str | None
    configuration: str | None
    state: _State
    since: Time
    why: str
    configuration_state: Annotated[_State, about("Of the configuration against git.")] | None
    held: HeldRemovalShape | None
    git_hash: Sha256 | None
    git_commit: str | None
    desired_hash: Sha256 | None
    desired_version: Positive | None
    published_hash: Annotated[str, about("What the gateway was handed last.")] | None
    running_hash: str | None
    running_version: Positive | None
    last_seen_at: Time | None
    successor: SuccessorShape | None
    problem: ProblemShape | None
    client_keys: RunningKeysShape | None


class DecisionShape(Struct):
    """A decision as its gateway logged it; other members are the gateway's own."""

    gateway: str
    received_at: Time
    marks: Annotated[list[str], about("Which of its fields cannot be as they were sent.")]
    id: str
    time: str
    verdict: Annotated[str, about(f"One of {', '.join(VERDICTS)}.")] | Missing | None = MISSING
    policy: str | Missing | None = MISSING
    config: dict[str, Any] | Missing | None = MISSING


class DecisionRateShape(Shape):
    """A minute, and how many decisions of it have each verdict."""

    minute: Time
    verdicts: dict[str, Count]


class DecisionRatesShape(Shape):
    """Minutes until now, the oldest first."""

    minutes: list[DecisionRateShape]


class StepsShape(Shape):
    """Seconds between the steps of a rollout; null for one that has not happened."""

    commit_to_poll: float | None
    poll_to_publish: float | None
    publish_to_first: float | None
    publish_to_half: float | None
    publish_to_all: float | None


class RolloutShape(Shape):
    """The progress of a configuration's current version to its gateways."""

    configuration: str
    version: Positive
    content_hash: Sha256
    commit: str | None
    gateways: Annotated[Count, about("Gateways that are bound to it.")]
    enforcing: Annotated[Count, about("Those of them that run it.")]
    committed_at: Time | None
    polled_at: Time | None
    published_at: Time
    first_enforced_at: Time | None
    half_enforced_at: Time | None
    all_enforced_at: Time | None
    seconds: StepsShape


class RolloutRowShape(Shape):
    """Who put the version in force there, when, and how many gateways run it."""

    configuration: str
    version: Positive
    content_hash: Sha256
    source: Annotated[str, one_of(("git", "api"))]
    commit: str
    author: str
    actor: str
    message: str
    note: str
    committed_at: Time | None
    polled_at: Time | None
    published_at: Time
    gateways: Annotated[Count, about("Gateways that are bound to it.")]
    enforcing: Annotated[Count, about("Those of them that run it.")]
    first_enforced_at: Time | None
    all_enforced_at: Time | None


class ConfirmationShape(Shape):
    """The signed word of what is newest for a gateway."""

    statement: str
    signature: str
    key: str
    chain: list[dict[str, str]]


class ReportedShape(Shape):
    """What a gateway hears after a report."""

    report_interval_seconds: Positive
    etag: Annotated[str, about("Of what it should run.")] | None
    client_keys: Annotated[str, about("The ETag of its list of client keys.")] | None
    confirmation: ConfirmationShape | None


class AcceptedShape(Shape):
    """How many decisions were taken."""

    accepted: Count


class ClientKeyListShape(Struct):
    """The client keys of a gateway, as its gateway reads them."""

    demanded: bool
    keys: list[dict[str, Any]]
