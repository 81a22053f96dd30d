"""Shapes of answers about configurations, their versions, and requests."""

from typing import Annotated

from msgspec import field

from configurations.models import Configuration
from configurations.queries import REFUSED_CODE
from keeptrusts.api.shapes import (
    MISSING,
    ChangeShape,
    FindingShape,
    Labels,
    Missing,
    Positive,
    Sha256,
    Shape,
    Time,
    about,
    one_of,
)

_Source = Annotated[str, one_of(Configuration.Source.values)]


class PinShape(Shape):
    """A version that stays in force whatever git says."""

    reason: str
    actor: str
    since: Time
    expires_at: Time | None


class ConfigurationWarningShape(Shape):
    """Rules that came with a later release would refuse what is in force."""

    code: Annotated[str, one_of((REFUSED_CODE,))]
    message: str
    since: Time
    findings: (
        Annotated[list[FindingShape], about("Of one configuration, not in lists.")] | Missing
    ) = MISSING


class ConfigurationShape(Shape):
    """A policy under an id, with versions: what a gateway enforces."""

    id: Annotated[str, about("Safe as the name of a directory.")]
    name: str
    description: str
    labels: Labels
    status: Annotated[str, one_of(Configuration.Status.values)]
    source: _Source
    git_repo: Annotated[str, about("The id of the link that feeds it, or empty.")]
    version: Annotated[Positive, about("The number of the version in force.")]
    content_hash: Annotated[Sha256, about("SHA-256 of the bytes in force, in lowercase hex.")]
    overridden: Annotated[bool, about("Git says something else than what is in force.")]
    pin: PinShape | None
    warning: ConfigurationWarningShape | None
    four_eyes: Annotated[bool, about("Changes need a second person.")]
    broken_glass: Annotated[bool, about("An admin changed it alone, and nobody confirmed that.")]
    created_at: Time
    updated_at: Time


class VersionShape(Shape):
    """One content of a configuration. Members of git are empty for one of the API, and the other
    way round."""

    number: Positive
    content_hash: Sha256
    source: _Source
    repo_url: str
    commit: str
    ref: Annotated[str, about("The full name that led to the commit, empty where it was its id.")]
    path: str
    author: str
    message: str
    signer: str
    signer_key: str
    actor: str
    note: str
    trace_id: Annotated[str, about("Of the push or request that led to it; in logs, too.")]
    created_at: Time


class DiffShape(Shape):
    """What one version changes in enforcement since another."""

    from_: Positive = field(name="from")
    to: Positive
    changes: list[ChangeShape]


class PackShape(Shape):
    """The `pack` block of a content, as far as it could be read."""

    id: str | None
    name: str | None
    version: str | None
    enabled: bool


class JudgementShape(Shape):
    """What lint and the content's own tests say."""

    valid: bool
    id: Annotated[str, about("The id that the content would get.")] | None
    pack: PackShape
    chain: list[str]
    findings: list[FindingShape]


class SentenceShape(Shape):
    """One thing that a policy enforces, and the place in the file that says so."""

    path: str
    message: str


class ExplanationShape(Shape):
    """What lint says of a version, and what it enforces in words."""

    version: Positive
    content_hash: Sha256
    valid: bool
    chain: list[str]
    findings: list[FindingShape]
    enforces: (
        Annotated[list[SentenceShape], about("Null where the present rules refuse it.")] | None
    )


class DetectionShape(Shape):
    """A place where a rule hit, without the text that it hit."""

    policy: Annotated[str, about("The kind.")]
    rule: Annotated[str, about("The rule within the kind, as `block_if[0]` or `email`.")]
    label: Annotated[str, about("The kind of data.")]
    where: Annotated[str, about("The place in the call, as `messages[0].content`.")]


class TrialShape(Shape):
    """What a policy decides about a text."""

    version: Annotated[Positive, about("Of the configuration; null for a content.")] | None
    verdict: Annotated[str, one_of(("allow", "redact", "escalate", "block"))]
    policy: Annotated[str, about("The kind that decided, empty where nothing objected.")]
    reason_code: str
    message: str
    detections: list[DetectionShape]
    text: Annotated[str, about("The text as it would go on, where something is redacted.")] | None
    targets: Annotated[list[str], about("The targets that may serve.")]
    assignee: Annotated[str, about("Whose decision it needs.")] | None
