"""Shapes of answers about credentials of forges' APIs, and about commit statuses."""

from typing import Annotated

from commitstatus.forges import PRIVATE, PUBLIC, STATES
from commitstatus.models import ForgeKind, ProofKind
from keeptrusts.api.shapes import Count, ProblemShape, Shape, Time, about, one_of


class ForgeCredentialShape(Shape):
    """What proves requests to a forge's API, never with its secret."""

    id: str
    name: str
    forge: Annotated[str, one_of(ForgeKind.values)]
    kind: Annotated[str, one_of(ProofKind.values)]
    api_url: Annotated[str, about("The only place that it is sent to.")]
    hosts: Annotated[list[str], about("The servers of whose repositories it tells.")]
    status_name: Annotated[str, about("The first words of the name that statuses have.")]
    username: str
    app_id: str
    installation_id: str
    fingerprint: Annotated[str, about("Of the App's key.")]
    git_repos: Annotated[Count, about("How many links are told with it.")]
    failing: Annotated[Count, about("Of how many the last status could not be told.")]
    paused_until: Annotated[Time, about("When the API is called again.")] | None
    created_at: Time
    updated_at: Time


class RemovedForgeCredentialShape(Shape):
    """A credential that was removed."""

    id: str


class CommitStatusShape(Shape):
    """What is told of a link's commits on their forge; `credential` is null while nothing is."""

    git_repo: str
    url: Annotated[str, about("Of the link.")]
    path: Annotated[str, about("Of the link.")]
    credential: Annotated[str, about("The name of a forge credential.")] | None
    status_name: Annotated[str, about("The name that the statuses have.")] | None
    visibility: Annotated[str, one_of((PUBLIC, PRIVATE))] | None
    commit: Annotated[str, about("Of which something was told last.")] | None
    state: Annotated[str, one_of(STATES)] | None
    description: str | None
    told_at: Time | None
    error: ProblemShape | None
    action: Annotated[str, about("What to do about the error.")] | None
    error_since: Time | None
    failures: Annotated[Count, about("In a row.")]
    retry_at: Time | None
