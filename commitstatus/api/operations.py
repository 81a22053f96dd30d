"""Operations of commit statuses, as the API's document tells them."""

from commitstatus.api.serializers import (
    CommitStatusChoice,
    ForgeCredentialInput,
    NewForgeCredential,
)
from commitstatus.api.shapes import (
    CommitStatusShape,
    ForgeCredentialShape,
    RemovedForgeCredentialShape,
)
from keeptrusts.api.operations import JUDGED, Operation

LIST_FORGE_CREDENTIALS = Operation(
    "listForgeCredentials",
    "Lists credentials of forges' APIs by name.",
    data=list[ForgeCredentialShape],
)
CREATE_FORGE_CREDENTIAL = Operation(
    "createForgeCredential",
    "Stores a credential of a forge's API, with which commit statuses may be told.",
    body=NewForgeCredential,
    example={"name": "statuses", "forge": "github", "token": "a-secret"},
    data=ForgeCredentialShape,
    status=(201,),
    errors=("409 name_taken", *JUDGED),
)
GET_FORGE_CREDENTIAL = Operation(
    "getForgeCredential",
    "Shows a credential of a forge's API without its secret.",
    data=ForgeCredentialShape,
    headers=("ETag",),
)
EDIT_FORGE_CREDENTIAL = Operation(
    "editForgeCredential",
    "Changes a credential of a forge's API.",
    body=ForgeCredentialInput,
    example={"token": "another-secret"},
    data=ForgeCredentialShape,
    errors=("409 in_use", "409 name_taken", *JUDGED),
)
DELETE_FORGE_CREDENTIAL = Operation(
    "deleteForgeCredential",
    "Removes a credential of a forge's API with which no link is told.",
    data=RemovedForgeCredentialShape,
    errors=("409 in_use",),
)
LIST_COMMIT_STATUSES = Operation(
    "listCommitStatuses",
    "Lists the links whose commits are told, with what was told, by their urls.",
    data=list[CommitStatusShape],
)
GET_COMMIT_STATUS = Operation(
    "getCommitStatus",
    "Shows what is told of a link's commits on their forge.",
    data=CommitStatusShape,
    headers=("ETag",),
)
CHOOSE_COMMIT_STATUS = Operation(
    "chooseCommitStatus",
    "Has a link's commits told with a credential of their forge's API, or not any more.",
    body=CommitStatusChoice,
    example={"credential": None},
    data=CommitStatusShape,
)
