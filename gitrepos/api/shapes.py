"""Shapes of answers about links, their files and syncs, and shared credentials."""

from typing import Annotated

from gitrepos import refs
from gitrepos.links.conditions import STATUSES
from gitrepos.models import CredentialKind, LinkedFile, SyncRun
from keeptrusts.api.shapes import (
    MISSING,
    ChangeShape,
    Count,
    FindingShape,
    Missing,
    Percent,
    Positive,
    ProblemShape,
    Shape,
    Time,
    about,
    one_of,
)

_Outcome = Annotated[str, one_of(LinkedFile.Outcome.values)]
_CONDITIONS = ("Ready", "Reconciling", "Stalled", "Warning")
_Hash = Annotated[str, about("SHA-256 in lowercase hex, empty where there is no content.")]


class ConditionShape(Shape):
    """A condition in the terms of Kubernetes' kstatus."""

    type: Annotated[str, one_of(_CONDITIONS)]
    status: Annotated[str, one_of(("True", "False", "Unknown"))]
    reason: Annotated[str, about("A code in capitals, empty for none.")]
    message: str
    since: Time | None
    action: Annotated[str, about("What helps.")] | None


class RemovedShape(Shape):
    """A file that a commit would remove."""

    path: str
    configuration: str


class PeopleShape(Shape):
    """Whose commits wait."""

    addresses: list[str]
    keys: list[str]
    by_key_alone: bool
    is_whole: bool


class HeldShape(Shape):
    """A commit that waits for a person."""

    reason: Annotated[str, about("A code.")]
    message: str
    commit: Annotated[str, about("The commit to confirm; zeros when branch or tag is gone.")]
    since: Time
    would_remove: list[RemovedShape]
    tag: str | Missing = MISSING
    tag_object: str | Missing = MISSING
    weakens: list[str] | Missing = MISSING
    four_eyes: bool | Missing = MISSING
    replaces: (
        Annotated[list[list[str | int | None]], about("What it replaces under four eyes.")]
        | Missing
    ) = MISSING
    people: PeopleShape | Missing = MISSING


class GitRepoShape(Shape):
    """A link: files under a path of a repository, at the ref that it follows, feed configurations.

    Its asked half is what people set, its observed half what polls and syncs saw.
    """

    id: str
    url: str
    follows: Annotated[str, one_of(refs.FORMS)]
    branch: str
    tag: str
    commit: str
    semver: str
    path: str
    auto_create_configuration: bool
    adopt: bool
    poll_interval_seconds: Positive
    webhook_poll_interval_seconds: Positive | None
    suspended: bool
    four_eyes: bool
    fail_on: Annotated[str, one_of(("", "weaker"))]
    minimum_coverage: Percent
    minimum_killed: Percent
    broken_glass: Annotated[bool, about("Null for a narrowed credential.")] | None
    id_prefix: str
    include: Annotated[list[str], about("Null for a narrowed credential.")] | None
    exclude: Annotated[list[str], about("Null for a narrowed credential.")] | None
    prune: bool
    allowed_signers: str
    allowed_openpgp_keys: str
    has_access_token: bool
    credential: Annotated[str, about("The name of a shared credential.")] | None
    credential_expires_at: Time | None
    credential_expiring: bool
    has_webhook_secret: bool
    webhook_url: Annotated[str, about("Its path, relative to the API's url.")]
    generation: Annotated[Positive, about("Counts the edits.")]
    status: Annotated[str, one_of(STATUSES)]
    observed_generation: Count
    conditions: list[ConditionShape]
    last_commit: str | None
    last_tag: str | None
    last_polled_at: Time | None
    next_poll_at: Time | None
    last_synced_at: Time | None
    last_delivery_at: Annotated[Time, about("Of a genuine webhook.")] | None
    error: ProblemShape | None
    held: HeldShape | None
    files: Annotated[dict[str, Count], about("How many files have each outcome.")]
    created_at: Time
    updated_at: Time


class RemovedLinkShape(Shape):
    """A link that was removed, and what it leaves in force."""

    id: str
    orphaned_configurations: list[str]


class DeliveryShape(Shape):
    """What became of a webhook's delivery."""

    accepted: bool
    reason: Annotated[str, about("Why it was ignored, a code.")] | None
    message: str


class LinkedFileShape(Shape):
    """A file of a link as git last had it, and what became of it."""

    path: str
    configuration: Annotated[str, about("The id that it names, empty while that is not known.")]
    renamed_from: str
    outcome: _Outcome
    content_hash: _Hash
    blob: Annotated[str, about("Its id in git.")]
    findings: list[FindingShape]
    updated_at: Time


class SyncedFileShape(Shape):
    """A file that a sync changed; `version` is the one that it made."""

    path: str
    configuration: str
    outcome: _Outcome
    version: Positive | None
    findings: list[FindingShape]
    renamed_from: str | Missing = MISSING


class SyncShape(Shape):
    """A sync that changed something or failed; a failure that lasts is one."""

    id: Annotated[Positive, about("Null for a narrowed credential.")] | None
    trigger: Annotated[str, one_of(SyncRun.Trigger.values)]
    from_commit: str
    to_commit: str
    error: ProblemShape | None
    files: list[SyncedFileShape]
    occurrences: Positive
    trace_id: Annotated[str, about("Of the push or request that it answers, or of its poll.")]
    started_at: Time
    finished_at: Time


class LatenessShape(Shape):
    """How late polls began in the last hour, in seconds; null before there was any."""

    p50: float | None
    p99: float | None


class CoolingShape(Shape):
    """A host that rests, or pauses a credential."""

    host: str
    code: str
    message: str


class FailingShape(Shape):
    """The link that has failed for the longest time."""

    id: str
    url: str
    code: str
    since: Time


class SummaryShape(Shape):
    """How all links stand together."""

    statuses: Annotated[dict[str, Count], about("Links by status.")]
    in_flight: Annotated[Count, about("Remotes that are polled now.")]
    due: Annotated[Count, about("Remotes that wait to be polled.")]
    due_for_seconds: float
    syncs_waiting: Count
    syncs_wait_for_seconds: float
    lateness_seconds: LatenessShape | None
    forge_calls_per_repo_hour: float | None
    hosts_cooling: list[CoolingShape]
    oldest_failure: FailingShape | None
    refused_in_force: Annotated[Count, about("Configurations with a warning.")]


class HostKeyShape(Shape):
    """A key of an ssh server, to compare with what the forge publishes."""

    type: str
    fingerprint: str


class AgainstShape(Shape):
    """The link that a test is about, and what of its ref is merged."""

    git_repo: str
    branch: str
    tag: str
    semver: str
    commit: str | None
    merge_base: str | None


class ReasonShape(Shape):
    """Why a commit would wait for a person."""

    reason: str
    message: str


class PreviewedFileShape(Shape):
    """What a sync would make of a file."""

    path: str
    configuration: str
    renamed_from: str
    outcome: _Outcome
    content_hash: _Hash
    version: Annotated[Positive, about("The version that would be made.")] | None
    changes: Annotated[list[ChangeShape], about("Null where they cannot be compared.")] | None
    findings: list[FindingShape]


class PreviewShape(Shape):
    """What a sync would do."""

    commit: str | None
    tag: str | None
    error: ProblemShape | None
    held: ReasonShape | None
    host_keys: list[HostKeyShape]
    would_remove: list[RemovedShape]
    files: list[PreviewedFileShape]
    against: AgainstShape | None


class GitCredentialShape(Shape):
    """What links prove themselves with, never with its secret."""

    id: str
    name: str
    kind: Annotated[str, one_of(CredentialKind.values)]
    hosts: list[str]
    username: str
    authorization: str
    known_hosts: str
    public_key: str
    fingerprint: str
    client_certificate: str
    client_certificate_expires_at: Time | None
    api_url: Annotated[str, about("Of kind `app`: where tokens of the installation come from.")]
    app_id: str
    installation_id: str
    expires_at: Time | None
    expiring: bool
    git_repos: Annotated[Count, about("How many links use it.")]
    created_at: Time
    updated_at: Time


class RemovedCredentialShape(Shape):
    """A credential that was removed."""

    id: str
